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
