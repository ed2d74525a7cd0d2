use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

fn refused(arguments: &[&str]) -> ErrorKind {
    Cli::try_parse_from(arguments)
        .expect_err("should be refused")
        .kind()
}

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn verbs_take_what_the_documents_say() {
    let parsed = Cli::try_parse_from([
        "devspace",
        "up",
        "a",
        "b",
        "-s",
        "red",
        "-b",
        "shop",
        "--timeout",
        "90s",
        "--output",
        "json",
    ])
    .unwrap();
    assert_eq!(parsed.global.output, Output::Json);
    let Command::Up(up) = parsed.command else { panic!() };
    assert_eq!((up.paths.len(), up.timeout.as_secs()), (2, 90));
    assert_eq!(
        (up.target.space.as_deref(), up.target.baseline.as_deref()),
        (Some("red"), Some("shop"))
    );
    let parsed =
        Cli::try_parse_from(["devspace", "exec", "--service", "a", "--", "sh", "-c", "exit 3"]).unwrap();
    let Command::Exec(exec) = parsed.command else {
        panic!()
    };
    assert_eq!(exec.command, ["sh", "-c", "exit 3"]);
    let parsed = Cli::try_parse_from([
        "devspace",
        "space",
        "create",
        "pr-1",
        "--copy",
        "package=r/p:1",
        "--ttl",
        "48h",
        "--wait",
    ])
    .unwrap();
    let Command::Space(SpaceCommand::Create(create)) = parsed.command else {
        panic!()
    };
    assert_eq!(
        (create.copies[0].service.as_str(), create.copies[0].image.as_str()),
        ("package", "r/p:1")
    );
    assert!(Cli::try_parse_from(["devspace", "baseline", "enable", "--all", "-b", "shop"]).is_ok());
}

#[test]
fn wrong_usage_is_refused() {
    assert_eq!(
        refused(&["devspace", "up", "--timeout", "soon"]),
        ErrorKind::ValueValidation
    );
    assert_eq!(
        refused(&["devspace", "up", "--timeout", "0s"]),
        ErrorKind::ValueValidation
    );
    assert_eq!(refused(&["devspace", "uo"]), ErrorKind::InvalidSubcommand);
    assert_eq!(refused(&["devspace", "exec"]), ErrorKind::MissingRequiredArgument);
    assert_eq!(
        refused(&["devspace", "down", "a", "--all"]),
        ErrorKind::ArgumentConflict
    );
    assert_eq!(
        refused(&["devspace", "baseline", "enable"]),
        ErrorKind::MissingRequiredArgument
    );
    assert_eq!(
        refused(&["devspace", "space", "create", "x", "--copy", "package"]),
        ErrorKind::ValueValidation
    );
}

#[test]
fn ports_are_one_number_or_two() {
    let ports = |text: &str| {
        text.parse::<reach::Ports>()
            .map(|ports| (ports.local, ports.remote))
    };
    assert_eq!(ports("9000:8080"), Ok((9000, 8080)));
    assert_eq!(ports("0:8080"), Ok((0, 8080)));
    assert_eq!(ports("8080"), Ok((8080, 8080)));
    for wrong in ["", "0", "a:1", "1:0", "1:2:3", "70000", ":80"] {
        assert!(ports(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_local_verbs_are_understood() {
    let ok = |arguments: &[&str]| Cli::try_parse_from(arguments).is_ok();
    assert!(ok(&["devspace", "local", "start"]));
    assert!(ok(&[
        "devspace",
        "local",
        "start",
        "samples/delivery",
        "--timeout",
        "1m"
    ]));
    assert!(ok(&["devspace", "local", "serve", "--detached"]));
    assert!(ok(&["devspace", "use", "kube", "kind-dev"]));
    assert!(ok(&["devspace", "status", "--engine", "local"]));
    assert!(ok(&["devspace", "forward", "9000:8080", "package", "-s", "red"]));
    assert!(ok(&["devspace", "config", "explain", "local-state"]));
    assert_eq!(refused(&["devspace", "use"]), ErrorKind::MissingRequiredArgument);
    assert_eq!(refused(&["devspace", "use", "docker"]), ErrorKind::InvalidValue);
    assert_eq!(
        refused(&["devspace", "config", "explain", "colour"]),
        ErrorKind::InvalidValue
    );
}

/// The long help of a verb and of those below it.
fn helps(command: &clap::Command, path: &str, shown: &mut Vec<String>) {
    let help = command.clone().term_width(100).render_long_help();
    shown.push(format!("$ {path} --help\n{}", help.to_string().trim_end()));
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        helps(verb, &format!("{path} {}", verb.get_name()), shown);
    }
}

#[test]
fn the_help_of_every_verb() {
    let mut command = Cli::command();
    command.build();
    let mut shown = Vec::new();
    helps(&command, "devspace", &mut shown);
    insta::assert_snapshot!(shown.join("\n\n"));
}
