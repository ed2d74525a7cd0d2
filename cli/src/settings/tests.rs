use clap::{CommandFactory, FromArgMatches};

use super::*;
use crate::args::{Cli, Command};

fn known(names: &[&str]) -> BTreeMap<String, Discovery> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), Discovery { hosts: Vec::new() }))
        .collect()
}

fn identity(engine: &'static str, namespace: &str) -> Identity {
    Identity {
        engine,
        context: "dev".into(),
        server: "server".into(),
        namespace: namespace.into(),
    }
}

fn from_flag(value: &str) -> Option<Sourced<String>> {
    Some(Sourced {
        value: value.into(),
        origin: Origin::Flag("--baseline"),
    })
}

fn from_file(value: &str) -> Option<Sourced<String>> {
    Some(Sourced {
        value: value.into(),
        origin: Origin::UserFile("selection.json".into()),
    })
}

#[test]
fn a_baseline_is_chosen_by_flag_file_number_and_context() {
    let two = known(&["shop", "bank"]);
    let chosen = |wanted, selected, known: &_, context| {
        choose_baseline(wanted, selected, known, &identity(Identity::KUBE, context)).map(|it| it.value)
    };
    assert_eq!(
        chosen(from_flag("bank"), from_file("shop"), &two, "shop").as_deref(),
        Ok("bank")
    );
    assert_eq!(
        chosen(None, from_file("shop"), &two, "bank").as_deref(),
        Ok("shop")
    );
    // The selected one is gone.
    assert_eq!(
        chosen(None, from_file("old"), &two, "bank").as_deref(),
        Ok("bank")
    );
    assert_eq!(
        chosen(None, None, &known(&["shop"]), "default").as_deref(),
        Ok("shop")
    );
    assert_eq!(
        chosen(None, None, &two, "default"),
        Err(BaselineChoiceError::Several {
            engine: Identity::KUBE,
            known: vec!["bank".into(), "shop".into()]
        })
    );
    assert_eq!(
        chosen(None, None, &known(&[]), "default"),
        Err(BaselineChoiceError::None {
            engine: Identity::KUBE
        })
    );
    assert_eq!(
        chosen(from_flag("shop"), None, &known(&[]), "default"),
        Err(BaselineChoiceError::None {
            engine: Identity::KUBE
        })
    );
    let error = chosen(from_flag("shpo"), None, &two, "shop").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no baseline `shpo` in this cluster (named by `--baseline`)"
    );
    assert_eq!(error.hint().unwrap().text, "did you mean `shop`?");
    let nothing = known(&[]);
    let error = choose_baseline(None, None, &nothing, &identity(Identity::LOCAL, "")).unwrap_err();
    assert_eq!(error.to_string(), "no baseline on this machine");
    assert_eq!(
        error.hint().unwrap().block.as_deref(),
        Some("devspace local start FOLDER")
    );
}

#[test]
fn a_space_is_chosen_by_flag_file_and_user() {
    let chosen = choose_space(from_flag("red"), from_file("blue"), "alice")
        .unwrap()
        .unwrap();
    assert_eq!(chosen.value.as_str(), "red");
    let chosen = choose_space(None, from_file("blue"), "alice").unwrap().unwrap();
    assert_eq!(chosen.value.as_str(), "blue");
    let chosen = choose_space(None, None, "alice@example.test").unwrap().unwrap();
    assert_eq!(
        (chosen.value.as_str(), chosen.origin.to_string()),
        ("alice", "the user name `alice@example.test`".to_owned())
    );
    assert_eq!(choose_space(None, None, "山田").unwrap(), None);
    let error = choose_space(from_flag("Red"), None, "alice").unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
}

#[test]
fn a_value_knows_whether_it_was_typed() {
    let matches = Cli::command()
        .try_get_matches_from(["devspace", "status", "-s", "red"])
        .unwrap();
    let Command::Status(args) = Cli::from_arg_matches(&matches).unwrap().command else {
        panic!()
    };
    let space = sourced(&matches, "space", args.target.space, "--space", "DEVSPACE_SPACE").unwrap();
    assert_eq!(
        (space.value.as_str(), space.origin),
        ("red", Origin::Flag("--space"))
    );
}
