//! What a Dockerfile tells: where the program lives, who runs it, what it listens on.
//!
//! Only what `init` asks for is read (Dockerfile reference: FROM, WORKDIR, USER, EXPOSE, LABEL, ENV).

/// The facts of a Dockerfile. Those that a stage sets are the last stage's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dockerfile {
    /// Images of all stages, in order.
    pub(crate) images: Vec<String>,
    /// The working directory, absolute.
    pub(crate) workdir: Option<String>,
    /// The user.
    pub(crate) user: Option<String>,
    /// The first port that is exposed.
    pub(crate) port: Option<u16>,
    /// Labels.
    pub(crate) labels: Vec<(String, String)>,
}

/// Labels that name a service.
const NAME_LABELS: [&str; 4] = [
    "devspace.dev/service",
    "service",
    "org.opencontainers.image.title",
    "name",
];

/// Reads the text. Lines that are not understood are passed over: the image builder checks them, not we.
pub(crate) fn parse(text: &str) -> Dockerfile {
    let mut found = Dockerfile::default();
    let mut names: Vec<String> = Vec::new();
    for line in instructions(text) {
        let Some((word, rest)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let rest = rest.trim();
        match word.to_ascii_uppercase().as_str() {
            "FROM" => {
                let mut words = rest.split_whitespace().filter(|word| !word.starts_with("--"));
                let image = words.next().unwrap_or_default().to_owned();
                // A stage that goes on from an earlier one keeps what that one set.
                if !names.contains(&image) {
                    let images = std::mem::take(&mut found.images);
                    found = Dockerfile {
                        images,
                        ..Dockerfile::default()
                    };
                    found.images.push(image);
                }
                names.extend(words.nth(1).map(str::to_owned));
            }
            "WORKDIR" => found.workdir = workdir(found.workdir.as_deref(), rest),
            "USER" => found.user = plain(rest).map(|user| user.split(':').next().unwrap_or(user).to_owned()),
            "EXPOSE" if found.port.is_none() => found.port = rest.split_whitespace().find_map(exposed),
            "ENV" if found.port.is_none() => {
                found.port = pairs(rest)
                    .into_iter()
                    .find(|(name, _)| name == "PORT")
                    .and_then(|(_, value)| value.parse().ok());
            }
            "LABEL" => found.labels.extend(pairs(rest)),
            _ => {}
        }
    }
    found
}

impl Dockerfile {
    /// Whether the image's user is one that cannot write the usual folders of tools.
    pub(crate) fn is_unprivileged(&self) -> bool {
        self.user
            .as_deref()
            .is_some_and(|user| user != "root" && user != "0")
    }

    /// A service's name in the labels.
    pub(crate) fn service(&self) -> Option<&str> {
        NAME_LABELS.iter().find_map(|wanted| {
            self.labels
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        })
    }

    /// The first image whose repository's last part is one of `repositories`: it has the toolchain.
    pub(crate) fn image_of(&self, repositories: &[&str]) -> Option<&str> {
        self.images.iter().map(String::as_str).find(|image| {
            let repository = image.rsplit('/').next().unwrap_or(image);
            let repository = repository.split(['@', ':']).next().unwrap_or(repository);
            !image.contains('$') && repositories.contains(&repository)
        })
    }
}

/// Lines with their continuations joined, without comments.
fn instructions(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) => (part.trim_end(), true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some(last) if open => {
                last.push(' ');
                last.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
        open = goes_on;
    }
    lines
}

/// A value without variables and quotes.
fn plain(text: &str) -> Option<&str> {
    let text = text.trim_matches(['"', '\'']);
    (!text.is_empty() && !text.contains('$')).then_some(text)
}

fn workdir(before: Option<&str>, text: &str) -> Option<String> {
    let path = plain(text)?;
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{path}", before.unwrap_or_default())
    };
    Some(path.trim_end_matches('/').to_owned()).filter(|path| !path.is_empty())
}

fn exposed(word: &str) -> Option<u16> {
    word.trim_end_matches("/tcp")
        .parse()
        .ok()
        .filter(|port| *port != 0)
}

/// `name=value name2="value 2"`, and the old `name value`.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        found.push((name.trim().trim_matches('"').to_owned(), value.to_owned()));
        rest = next.trim_start();
    }
    if found.is_empty()
        && let Some((name, value)) = text.split_once(char::is_whitespace)
    {
        found.push((name.to_owned(), value.trim().trim_matches('"').to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stage_counts() {
        let text = r#"
# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM golang:1.24 AS build
WORKDIR /build
EXPOSE 9999
FROM gcr.io/distroless/static AS base
workdir /srv
WORKDIR app
LABEL org.opencontainers.image.title="checkout" \
      team=shop
FROM base
EXPOSE 8080/tcp 8081
USER 65532:65532
"#;
        let found = parse(text);
        assert_eq!(found.images, ["golang:1.24", "gcr.io/distroless/static"]);
        assert_eq!(found.workdir.as_deref(), Some("/srv/app"));
        assert_eq!(found.port, Some(8080));
        assert_eq!(found.user.as_deref(), Some("65532"));
        assert_eq!(found.service(), Some("checkout"));
        assert!(found.is_unprivileged());
        assert_eq!(found.image_of(&["golang", "go"]), Some("golang:1.24"));
        assert_eq!(found.image_of(&["rust"]), None);
    }

    #[test]
    fn what_stands_in_variables_is_not_known() {
        let found = parse("ARG V=1\nFROM rust:${V}\nWORKDIR $HOME\nUSER ${U}\nEXPOSE $PORT\nENV PORT 3000\n");
        assert_eq!(
            (found.workdir.as_deref(), found.user.as_deref(), found.port),
            (None, None, Some(3000))
        );
        assert_eq!(found.image_of(&["rust"]), None);
    }
}
