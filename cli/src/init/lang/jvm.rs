//! What Maven and Gradle projects have in common: frameworks, ports, the debugger, the main class.

use super::Context;
use crate::init::draft::{Draft, Said, words};
use crate::init::files::sources;
use crate::init::listening::{fixed, pass_port};

/// The debugger's usual port.
const DEBUG: u16 = 5005;

/// A framework that decides how the port is passed and what is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framework {
    /// Spring Boot, by its plugin.
    SpringBoot,
    /// Quarkus, by its plugin.
    Quarkus,
    /// Something else that listens.
    Plain,
}

impl Framework {
    /// By the text of the build file: plugins stand in it by these names, whatever the syntax.
    pub(super) fn of(build: &str) -> Self {
        if build.contains("spring-boot-maven-plugin") || build.contains("org.springframework.boot") {
            Self::SpringBoot
        } else if build.contains("quarkus-maven-plugin") || build.contains("io.quarkus") {
            Self::Quarkus
        } else {
            Self::Plain
        }
    }

    /// Its name, if it has one.
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::SpringBoot => Some("Spring Boot"),
            Self::Quarkus => Some("Quarkus"),
            Self::Plain => None,
        }
    }
}

/// `java` with the debugger's agent. The agent stands in the arguments and not in `env`: the build is a JVM, too, and
/// two cannot listen on one port.
pub(super) fn java(arguments: &[&str]) -> Vec<String> {
    let mut run = vec!["java".to_owned()];
    run.push(format!(
        "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:${{port:{DEBUG}}}"
    ));
    run.extend(words(arguments));
    run
}

/// Port, debugger and what else is the same.
pub(super) fn finish(cx: &Context<'_>, draft: &mut Draft, framework: Framework, tool: &str) {
    draft.title = match framework.name() {
        Some(name) => format!("JVM with {tool}, {name}"),
        None => format!("JVM with {tool}"),
    };
    draft.debug = Some(Said::new(DEBUG, "the usual port of Java's debugger"));
    draft.hold = Some("90s");
    let settings = "application.properties";
    match framework {
        Framework::SpringBoot => {
            draft.port = cx.port(
                &Default::default(),
                set_port(cx, "server.port").or(Some(Said::new(8080, "the default of Spring Boot"))),
            );
            draft.set("SERVER_PORT", "${port}", format!("it wins over {settings}"));
        }
        Framework::Quarkus => {
            let set = set_port(cx, "quarkus.http.port");
            draft.port = cx.port(
                &Default::default(),
                set.or(Some(Said::new(8080, "the default of Quarkus"))),
            );
            draft.set("QUARKUS_HTTP_PORT", "${port}", format!("it wins over {settings}"));
            draft.set("QUARKUS_HTTP_HOST", "0.0.0.0", "so that the cluster reaches it");
        }
        Framework::Plain => {
            let found = cx.listening(&[".java", ".kt"]);
            draft.port = cx.port(&found, None);
            if !pass_port(draft, &found) {
                draft.set("PORT", "${port}", "the usual variable");
                draft.notes.push(fixed(&found));
            }
        }
    }
}

/// The port in the application's settings, as properties or YAML.
fn set_port(cx: &Context<'_>, key: &str) -> Option<Said<u16>> {
    let folder = "src/main/resources";
    let properties = format!("{folder}/application.properties");
    let text = cx.files.read(&properties).ok().flatten().unwrap_or_default();
    let found = text.lines().find_map(|line| {
        let (name, value) = line.split_once(['=', ':'])?;
        (name.trim() == key).then(|| number(value)).flatten()
    });
    if let Some(port) = found {
        return Some(Said::new(port, properties));
    }
    ["yml", "yaml"].iter().find_map(|ending| {
        let path = format!("{folder}/application.{ending}");
        let text = cx.files.read(&path).ok().flatten()?;
        let value: serde_json::Value = serde_saphyr::from_str(&text).ok()?;
        let pointer = format!("/{}", key.replace('.', "/"));
        let port = value
            .pointer(&pointer)
            .or_else(|| value.get(key))
            .and_then(|value| number(value.to_string().trim_matches('"')))?;
        Some(Said::new(port, path))
    })
}

/// `8081`, or the default of `${PORT:8081}`.
fn number(text: &str) -> Option<u16> {
    let text = text.trim().trim_end_matches('}');
    text.rsplit(':').next().unwrap_or(text).parse().ok()
}

/// The class with `main`: its full name and its file.
pub(super) fn main_class(cx: &Context<'_>) -> Option<Said<String>> {
    sources(cx.files, &[".java", ".kt"], 200)
        .into_iter()
        .find_map(|source| {
            let file = source.path.rsplit('/').next()?;
            let java = source.text.contains("public static void main(")
                || source.text.contains("static public void main(");
            let class = if let Some(class) = file.strip_suffix(".java").filter(|_| java) {
                class.to_owned()
            } else {
                // Kotlin makes a class of a file's functions.
                let class = file.strip_suffix(".kt")?;
                source
                    .text
                    .lines()
                    .any(|line| line.starts_with("fun main("))
                    .then(|| format!("{class}Kt"))?
            };
            let package = source.text.lines().find_map(|line| {
                let rest = line.trim().strip_prefix("package ")?;
                Some(rest.trim().trim_end_matches(';').trim().to_owned())
            });
            let name = match package {
                Some(package) => format!("{package}.{class}"),
                None => class,
            };
            Some(Said::new(name, source.path.clone()))
        })
}
