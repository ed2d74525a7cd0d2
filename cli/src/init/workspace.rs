//! The workspace file of the local engine: found above a folder, and lengthened by a service without touching the rest.

use serde::Deserialize;

use super::files::{Files, Unreadable};
use super::yaml::scalar;
use crate::project::FILE_NAME;

/// A workspace file above a folder, or in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workspace {
    /// The file, relative to the folder: `../../devspace.yaml`.
    pub(crate) path: String,
    /// Its name.
    pub(crate) name: String,
    /// The folders that it lists.
    pub(crate) services: Vec<String>,
    /// The folder as the file would list it: `services/package`, or `.`.
    pub(crate) member: String,
    text: String,
}

/// Where the text cannot be changed safely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list `services` has a form that is not changed by itself")]
pub(crate) struct Unchangeable;

#[derive(Debug, Deserialize)]
struct File {
    workspace: Option<Section>,
}

#[derive(Debug, Deserialize)]
struct Section {
    name: Option<String>,
    #[serde(default)]
    services: Vec<String>,
}

/// The nearest workspace file.
///
/// # Errors
/// A file that is there and cannot be read.
pub(crate) fn find(files: &dyn Files) -> Result<Option<Workspace>, Unreadable> {
    let mut height = 0;
    while let Some(member) = files.below(height) {
        let path = format!("{}{FILE_NAME}", "../".repeat(height));
        if let Some(text) = files.read(&path)?
            && let Some(section) = section(&text)
        {
            return Ok(Some(Workspace {
                path,
                name: section.name.unwrap_or_default(),
                services: section.services,
                member: if member.is_empty() { ".".to_owned() } else { member },
                text,
            }));
        }
        height += 1;
    }
    Ok(None)
}

/// How many levels up the repository's root is; `None` where there is no repository.
pub(crate) fn repository(files: &dyn Files) -> Option<usize> {
    (0..)
        .map_while(|height| files.below(height).map(|_| height))
        .find(|height| {
            let folder = if *height == 0 {
                ".".to_owned()
            } else {
                vec![".."; *height].join("/")
            };
            // A worktree has a file of this name in the folder's place.
            files
                .list(&folder)
                .iter()
                .any(|name| name == ".git/" || name == ".git")
        })
}

/// A workspace file of its own with one service.
pub(crate) fn fresh(name: &str, member: &str) -> String {
    format!(
        "# The application on this machine: `devspace local start` runs these services, `devspace up` copies one.\n\
devspace: 1\nworkspace:\n  name: {}\n  services:\n    - {}\n",
        scalar(name),
        scalar(member)
    )
}

impl Workspace {
    /// Whether the folder is listed.
    pub(crate) fn lists(&self) -> bool {
        let tidy = |path: &str| path.trim_start_matches("./").trim_end_matches('/').to_owned();
        self.services.iter().any(|path| tidy(path) == tidy(&self.member))
    }

    /// The text of the file with the folder in its list. Everything else stays as it is.
    ///
    /// # Errors
    /// [`Unchangeable`], where the result does not read as the list with one more entry.
    pub(crate) fn with_member(&self) -> Result<String, Unchangeable> {
        let mut wanted = self.services.clone();
        wanted.push(self.member.clone());
        let entry = scalar(&self.member);
        [
            inline(&self.text, &entry, self.services.is_empty()),
            lines(&self.text, &entry),
        ]
        .into_iter()
        .flatten()
        .find(|text| section(text).is_some_and(|section| section.services == wanted))
        .ok_or(Unchangeable)
    }
}

fn section(text: &str) -> Option<Section> {
    serde_saphyr::from_str::<Option<File>>(text).ok()??.workspace
}

/// `services: [a, b]`, also over several lines.
fn inline(text: &str, entry: &str, empty: bool) -> Option<String> {
    let start = text.find("workspace:")?;
    let key = start + text.get(start..)?.find("services:")? + "services:".len();
    let open = key + text.get(key..)?.find('[')?;
    let close = open + text.get(open..)?.find(']')?;
    let before = text.get(..close)?;
    let kept = before.trim_end();
    let space = before.get(kept.len()..)?;
    let comma = if empty || kept.ends_with(',') { "" } else { "," };
    let gap = if kept.ends_with('[') { "" } else { " " };
    // A list over several lines gets a line more.
    let gap = if space.contains('\n') {
        format!("\n{}", indent(kept))
    } else {
        gap.to_owned()
    };
    Some(format!("{kept}{comma}{gap}{entry}{space}{}", text.get(close..)?))
}

/// The indentation of the last line.
fn indent(text: &str) -> String {
    let line = text.lines().last().unwrap_or_default();
    line.chars().take_while(|c| c.is_whitespace()).collect()
}

/// A list with an item a line: the new one follows the last.
fn lines(text: &str, entry: &str) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let section = lines.iter().position(|line| line.starts_with("workspace:"))?;
    let key = section
        + lines
            .get(section..)?
            .iter()
            .position(|line| line.trim_start().starts_with("services:"))?;
    let mut last = None;
    let mut margin = String::new();
    for (index, line) in lines.iter().enumerate().skip(key + 1) {
        let inner = line.trim_start();
        if inner.starts_with("- ") {
            margin = line.chars().take_while(|c| c.is_whitespace()).collect();
            last = Some(index);
        } else if !inner.is_empty() && !inner.starts_with('#') {
            break;
        }
    }
    let last = last?;
    let mut result = String::new();
    for (index, line) in lines.iter().enumerate() {
        result.push_str(line);
        if index == last {
            if !line.ends_with('\n') {
                result.push('\n');
            }
            result.push_str(&format!("{margin}- {entry}\n"));
        }
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::files::memory::Memory;

    fn with(text: &str) -> Result<String, Unchangeable> {
        let files = Memory::new(
            "shop/services/new",
            &[("../../devspace.yaml", text), ("go.mod", "")],
        );
        let workspace = find(&files).unwrap().expect("the workspace above");
        assert_eq!(workspace.member, "services/new");
        assert!(!workspace.lists());
        workspace.with_member()
    }

    #[test]
    fn a_list_in_lines_keeps_its_comments() {
        let text = "devspace: 1\nworkspace:\n  name: shop   # ours\n  services:\n    # the first\n    - services/a\n    - services/b  # b\n\n    # no more\n  port: 7080\n";
        insta::assert_snapshot!(with(text).unwrap(), @r"
        devspace: 1
        workspace:
          name: shop   # ours
          services:
            # the first
            - services/a
            - services/b  # b
            - services/new

            # no more
          port: 7080
        ");
    }

    #[test]
    fn a_list_in_brackets_is_lengthened() {
        assert_eq!(
            with("devspace: 1\nworkspace: {name: shop, services: [a, b], port: 1} # x\n").unwrap(),
            "devspace: 1\nworkspace: {name: shop, services: [a, b, services/new], port: 1} # x\n"
        );
        assert_eq!(
            with("devspace: 1\nworkspace:\n  services: [\n    a,\n    b,\n  ]\n").unwrap(),
            "devspace: 1\nworkspace:\n  services: [\n    a,\n    b,\n    services/new\n  ]\n"
        );
        assert_eq!(
            with("devspace: 1\nworkspace: {name: x, services: []}\n").unwrap(),
            "devspace: 1\nworkspace: {name: x, services: [services/new]}\n"
        );
    }

    #[test]
    fn what_cannot_be_changed_safely_is_left() {
        let text = "devspace: 1\nlist: &l [a]\nworkspace:\n  name: x\n  services: *l\n";
        assert_eq!(with(text), Err(Unchangeable));
    }

    #[test]
    fn a_fresh_file_lists_the_service() {
        let text = fresh("shop", "services/new");
        let section = section(&text).unwrap();
        assert_eq!(
            (section.name.as_deref(), section.services),
            (Some("shop"), vec!["services/new".to_owned()])
        );
    }

    #[test]
    fn a_listed_folder_is_known_and_the_repository_is_found() {
        let files = Memory::new(
            "shop/services/new",
            &[
                ("../../devspace.yaml", "workspace: {services: [./services/new/]}"),
                ("../../.git/HEAD", ""),
                ("go.mod", ""),
            ],
        );
        assert!(find(&files).unwrap().unwrap().lists());
        assert_eq!(repository(&files), Some(2));
        assert_eq!(repository(&Memory::new("x", &[("go.mod", "")])), None);
    }
}
