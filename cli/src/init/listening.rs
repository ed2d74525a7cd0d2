//! What source says about the port that a program listens on: the variable that it reads, and the number that it falls back to.

use regex::Regex;

use super::draft::{Draft, Said};
use super::files::Source;

/// What was found in the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listening {
    /// Variables that the program takes its port or address from.
    pub(crate) variables: Vec<Said<Variable>>,
    /// The number that stands in the source.
    pub(crate) port: Option<Said<u16>>,
}

/// A variable that a program reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// Whether it holds an address with a port, as `0.0.0.0:8080`.
    pub(crate) address: bool,
}

/// How a look-up of a variable is written. The first group is its name, the second, where there is one, the default.
const LOOKUPS: [&str; 9] = [
    // JavaScript and TypeScript.
    r#"process\.env(?:\.|\[["'])([A-Z][A-Z0-9_]*)(?:["']\])?\)?\s*(?:(?:\|\||\?\?|,)\s*["']?(\d{2,5}))?"#,
    r#"\b([A-Z][A-Z0-9_]*)\s*(?:=\s*["']?(\d{2,5})["']?)?\s*[,}][^\n]*=\s*process\.env\b"#,
    // Rust: the standard library and clap.
    r#"(?:env::)?var(?:_os)?\(\s*"([A-Z][A-Z0-9_]*)"\s*\)(?:[^;]{0,120}?"?\b(\d{2,5})\b)?"#,
    r#"\benv\s*=\s*"([A-Z][A-Z0-9_]*)"(?:[^\]]{0,60}?default_value(?:_t)?\s*=\s*"?(\d{2,5}))?"#,
    // Go.
    r#"os\.(?:Getenv|LookupEnv)\(\s*"([A-Z][A-Z0-9_]*)"\s*\)"#,
    // Python.
    r#"(?:environ\.get|getenv)\(\s*["']([A-Z][A-Z0-9_]*)["']\s*(?:,\s*["']?(\d{2,5}))?"#,
    r#"environ\[["']([A-Z][A-Z0-9_]*)["']\]"#,
    // Java and Kotlin.
    r#"(?:getenv\(\)\.getOrDefault|getenv)\(\s*"([A-Z][A-Z0-9_]*)"\s*(?:,\s*"(\d{2,5})")?"#,
    // C#.
    r#"GetEnvironmentVariable\(\s*"([A-Z][A-Z0-9_]*)"\s*\)\s*(?:\?\?\s*"?(\d{2,5}))?"#,
];

/// How a fixed port is written; the first group is the number.
const LITERALS: [&str; 8] = [
    r#"\.listen\(\s*(?:\{[^}]{0,60}?\bport:\s*)?(\d{2,5})\b"#,
    r#"["'](?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::1?\])?:(\d{2,5})["']"#,
    r"\(\[\s*\d+\s*,\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\]\s*,\s*(\d{2,5})\s*\)",
    r#"bind\(\s*\(\s*(?:"[^"]*"|[\w:]+)\s*,\s*(\d{2,5})\s*\)"#,
    r"\b(?:port|PORT)\b\s*(?::\s*\w+\s*)?:?=\s*[^\n;]{0,40}?\b(\d{4,5})\b",
    r#"InetSocketAddress\(\s*(?:"[^"]*"\s*,\s*)?(\d{2,5})\s*\)"#,
    r#"\.start\(\s*(?:"[^"]*"\s*,\s*)?(\d{4,5})\s*\)"#,
    r"https?://(?:\+|\*|0\.0\.0\.0|localhost):(\d{2,5})",
];

/// Names that a program's own port has. Others, as `DB_PORT`, are somebody else's.
const PORT_NAMES: [&str; 11] = [
    "PORT",
    "HTTP_PORT",
    "SERVER_PORT",
    "APP_PORT",
    "API_PORT",
    "WEB_PORT",
    "LISTEN_PORT",
    "SERVICE_PORT",
    "BIND_PORT",
    "NODE_PORT",
    "HTTP_SERVER_PORT",
];
/// Names that a program's own address has.
const ADDRESS_NAMES: [&str; 11] = [
    "ADDR",
    "ADDRESS",
    "LISTEN",
    "LISTEN_ADDR",
    "LISTEN_ADDRESS",
    "BIND",
    "BIND_ADDR",
    "BIND_ADDRESS",
    "HTTP_ADDR",
    "SERVER_ADDR",
    "HTTP_LISTEN",
];

/// Looks through the sources. The service's own name in front of `_PORT` or `_ADDR` counts, too.
pub(crate) fn listening(sources: &[Source], name: &str) -> Listening {
    let (lookups, literals) = (compiled(&LOOKUPS), compiled(&LITERALS));
    let mut found = Listening::default();
    for source in sources {
        for lookup in &lookups {
            for captures in lookup.captures_iter(&source.text) {
                let Some(variable) = captures.get(1).and_then(|it| variable(it.as_str(), name)) else {
                    continue;
                };
                let port = captures.get(2).and_then(|it| number(it.as_str()));
                if let Some(port) = port.filter(|_| found.port.is_none()) {
                    let why = format!("the default of {} in {}", variable.name, source.path);
                    found.port = Some(Said::new(port, why));
                }
                if !found.variables.iter().any(|known| known.value == variable) {
                    found
                        .variables
                        .push(Said::new(variable, format!("{} reads the variable", source.path)));
                }
            }
        }
    }
    if found.port.is_none() {
        found.port = literal(sources, &literals);
    }
    found
}

/// The first fixed port in the sources.
fn literal(sources: &[Source], literals: &[Regex]) -> Option<Said<u16>> {
    sources.iter().find_map(|source| {
        let port = literals.iter().find_map(|literal| {
            literal
                .captures_iter(&source.text)
                .filter_map(|captures| captures.get(1))
                .find_map(|it| number(it.as_str()))
        })?;
        Some(Said::new(port, source.path.clone()))
    })
}

/// Sets the variables that the program reads. `false`: it reads none.
pub(crate) fn pass_port(draft: &mut Draft, listening: &Listening) -> bool {
    for found in &listening.variables {
        let value = if found.value.address {
            "0.0.0.0:${port}"
        } else {
            "${port}"
        };
        draft.set(&found.value.name, value, found.why.clone());
    }
    !listening.variables.is_empty()
}

/// What to tell where the program takes its port from nowhere.
pub(crate) fn fixed(listening: &Listening) -> String {
    let place = listening
        .port
        .as_ref()
        .map_or_else(String::new, |port| format!(" ({} in {})", port.value, port.why));
    format!(
        "No variable was found that the program takes its port from{place}. Let it listen on $PORT: \
on the local engine the baseline and your copy run on one machine and need a port each."
    )
}

fn variable(text: &str, name: &str) -> Option<Variable> {
    let own = name.to_ascii_uppercase().replace('-', "_");
    let is = |known: &[&str], ending: &str| {
        known.contains(&text) || (!own.is_empty() && text == format!("{own}_{ending}"))
    };
    let address = is(&ADDRESS_NAMES, "ADDR");
    (address || is(&PORT_NAMES, "PORT")).then(|| Variable {
        name: text.to_owned(),
        address,
    })
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port >= 80)
}

/// A test holds that each one compiles.
fn compiled(patterns: &[&str]) -> Vec<Regex> {
    patterns
        .iter()
        .filter_map(|pattern| Regex::new(pattern).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (Vec<String>, Option<u16>) {
        let source = Source {
            path: "main".into(),
            text: text.into(),
        };
        let found = listening(&[source], "check-out");
        let names = found
            .variables
            .into_iter()
            .map(|found| {
                format!(
                    "{}{}",
                    found.value.name,
                    if found.value.address { ":" } else { "" }
                )
            })
            .collect();
        (names, found.port.map(|port| port.value))
    }

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(compiled(&LOOKUPS).len(), LOOKUPS.len());
        assert_eq!(compiled(&LITERALS).len(), LITERALS.len());
    }

    #[test]
    fn variables_and_defaults_are_found_in_each_language() {
        let port = |port| (vec!["PORT".to_owned()], port);
        for (text, expected) in [
            ("app.listen(process.env.PORT || 3000)", port(Some(3000))),
            ("const port = Number(process.env.PORT ?? 4000);", port(Some(4000))),
            (
                r#"normalizePort(process.env["PORT"] || '3001')"#,
                port(Some(3001)),
            ),
            ("const { PORT = 3002, HOST } = process.env", port(Some(3002))),
            (
                r#"std::env::var("PORT").unwrap_or_else(|_| "8080".into())"#,
                port(Some(8080)),
            ),
            (
                r#"let port: u16 = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3003);"#,
                port(Some(3003)),
            ),
            (
                r#"#[arg(long, env = "PORT", default_value_t = 3004)]"#,
                port(Some(3004)),
            ),
            (
                "port := os.Getenv(\"PORT\")\nif port == \"\" {\n port = \"8081\"\n}",
                port(Some(8081)),
            ),
            (r#"int(os.environ.get("PORT", 8000))"#, port(Some(8000))),
            ("os.getenv('PORT', '8001')", port(Some(8001))),
            (
                r#"Integer.parseInt(System.getenv().getOrDefault("PORT", "7070"))"#,
                port(Some(7070)),
            ),
            (
                r#"Environment.GetEnvironmentVariable("PORT") ?? "5005""#,
                port(Some(5005)),
            ),
            (
                r#"env::var("LISTEN_ADDR").unwrap_or("0.0.0.0:9000".into())"#,
                (vec!["LISTEN_ADDR:".to_owned()], Some(9000)),
            ),
            (
                r#"env::var("CHECK_OUT_PORT")"#,
                (vec!["CHECK_OUT_PORT".to_owned()], None),
            ),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn fixed_ports_are_found_and_other_peoples_variables_are_not() {
        for (text, expected) in [
            ("server.listen(3000, () => {})", Some(3000)),
            ("await app.listen({ host: '0.0.0.0', port: 3005 })", Some(3005)),
            (r#"TcpListener::bind("0.0.0.0:3000")"#, Some(3000)),
            ("SocketAddr::from(([127, 0, 0, 1], 3100))", Some(3100)),
            (r#".bind(("127.0.0.1", 8080))?"#, Some(8080)),
            (r#"http.ListenAndServe(":8090", nil)"#, Some(8090)),
            ("app.run(host='0.0.0.0', port=5001)", Some(5001)),
            ("HttpServer.create(new InetSocketAddress(8300), 0)", Some(8300)),
            ("Javalin.create().start(7071)", Some(7071)),
            (r#"process.env.DB_PORT || 5432"#, None),
            (r#"os.environ.get("REDIS_PORT", 6379)"#, None),
        ] {
            assert_eq!(found(text), (vec![], expected), "{text}");
        }
    }
}
