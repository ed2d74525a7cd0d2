//! Paths as in a container, and the folders of a copy that stand for them. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `word` with its path replaced, if it is one of `paths` or lies below one: as a whole, or after a `=` or `:` in it.
pub(super) fn rewritten(word: &str, paths: &BTreeMap<String, PathBuf>) -> String {
    let mut result = String::new();
    let mut rest = word;
    loop {
        // The longest piece that is a path: a folder's name may hold `=` and `:`, the known ones do not.
        let (piece, after) = match rest.find(['=', ':']) {
            Some(index) => rest.split_at(index),
            None => (rest, ""),
        };
        result.push_str(&place(piece, paths).unwrap_or_else(|| piece.to_owned()));
        let mut letters = after.chars();
        match letters.next() {
            Some(separator) => result.push(separator),
            None => return result,
        }
        rest = letters.as_str();
    }
}

/// The folder that stands for `path`, by the longest known path above it.
fn place(path: &str, paths: &BTreeMap<String, PathBuf>) -> Option<String> {
    let (known, folder) = paths
        .iter()
        .filter(|(known, _)| Path::new(path).starts_with(known))
        .max_by_key(|(known, _)| known.len())?;
    let below = path.strip_prefix(known.as_str())?;
    Some(format!("{}{below}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_paths_are_replaced_by_whole_elements() {
        let paths = BTreeMap::from([
            ("/src".to_owned(), PathBuf::from("/state/src")),
            ("/src/target".to_owned(), PathBuf::from("/state/target")),
        ]);
        let word = |word: &str| rewritten(word, &paths);
        assert_eq!(word("/src/main.rs"), "/state/src/main.rs");
        assert_eq!(word("/src"), "/state/src");
        assert_eq!(word("/src/target/debug/a"), "/state/target/debug/a");
        assert_eq!(word("/srcs/main.rs"), "/srcs/main.rs");
        assert_eq!(word("x/src/main.rs"), "x/src/main.rs");
        assert_eq!(
            word("--dir=/src/a:/src/target"),
            "--dir=/state/src/a:/state/target"
        );
        assert_eq!(word("A=b"), "A=b");
        assert_eq!(word(""), "");
    }
}
