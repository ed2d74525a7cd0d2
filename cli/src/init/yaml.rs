//! YAML as people write it: values on one line, comments above them. A serialiser keeps no comments.

/// A value as a plain scalar where that reads back as the same text in a list as well, else in double quotes.
pub(crate) fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A list on one line.
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| scalar(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

/// A comment of whole lines, wrapped.
pub(crate) fn comment(text: &str, indent: &str) -> String {
    const WIDTH: usize = 110;
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + line.len() + word.len() + 3 > WIDTH {
            lines.push_str(&format!("{indent}# {line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push_str(&format!("{indent}# {line}\n"));
    lines
}

/// Plain means: no character that means something, no look of a number, and no word that YAML 1.1 or 1.2 reads as
/// something else than text.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let safe = |c: char| c.is_ascii_alphanumeric() || "_./-=+@".contains(c);
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || "_./".contains(c))
        // `-p` is text, `-` and `- p` begin an item.
        || text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-'));
    first
        && text.chars().all(safe)
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && !looks_like_number(text)
}

fn looks_like_number(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '+']);
    text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && text
            .chars()
            .all(|c| c.is_ascii_hexdigit() || "._xo+-".contains(c))
        && text.chars().any(|c| c.is_ascii_digit())
        || text.eq_ignore_ascii_case(".inf")
        || text.eq_ignore_ascii_case(".nan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_reads_back_as_the_same_text() {
        for text in [
            "",
            ".",
            "../..",
            "true",
            "No",
            "~",
            "12",
            "1.0",
            "0x1f",
            "1e3",
            ".5",
            "-p",
            "--port",
            "-",
            "---",
            "${port}",
            "a: b",
            "a #b",
            "**/*.rs",
            "@scope/x",
            "it's",
            "say \"hi\"",
            "a\\b",
            "line\nbreak",
            "[x]",
            "a, b",
            "rust:1-bookworm",
            "/app/.venv/bin/python",
            "-Dmaven.repo.local=/cache/m2",
            "&a",
            "!t",
            "% d",
            "été",
        ] {
            let written = list(&[text, "end"]);
            let read: Vec<String> =
                serde_saphyr::from_str(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(read, [text, "end"], "{written}");
        }
    }

    #[test]
    fn plain_words_stay_plain() {
        assert_eq!(
            list(&["cargo", "build", "--target-dir", "/src/target"]),
            "[cargo, build, --target-dir, /src/target]"
        );
        assert_eq!(scalar("${port}"), "\"${port}\"");
    }

    #[test]
    fn comments_are_wrapped() {
        let text = comment(&"word ".repeat(40), "");
        assert!(
            text.lines().count() > 1
                && text
                    .lines()
                    .all(|line| line.len() <= 110 && line.starts_with("# "))
        );
    }
}
