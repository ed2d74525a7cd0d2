use super::*;
use crate::init::Draft;
use crate::report::Report;

fn looked(folder: &str, package: &str) -> Looked {
    let files = tempfile::tempdir().unwrap();
    let at = files.path().join(folder);
    std::fs::create_dir(&at).unwrap();
    std::fs::write(
        at.join("package.json"),
        format!(r#"{{"name": "{package}", "main": "a.js"}}"#),
    )
    .unwrap();
    std::fs::write(at.join("a.js"), "").unwrap();
    look(&Disk::new(&at), false).unwrap()
}

fn arguments(service: Option<&str>) -> InitArgs {
    InitArgs {
        path: ".".into(),
        service: service.map(str::to_owned),
        vscode: false,
        force: false,
        yes: false,
        baseline: None,
    }
}

fn baseline(local: bool) -> Baseline {
    Baseline::Known {
        name: "shop".into(),
        services: vec!["delivery".into(), "package".into()],
        local,
    }
}

#[test]
fn the_service_is_the_one_that_the_baseline_has() {
    let looked = looked("package-service", "@shop/package");
    let service = service(&arguments(None), &looked, &baseline(false)).unwrap();
    assert_eq!(service.value, "package");
    assert_eq!(
        service.why,
        "the name in package.json; a service of the baseline shop"
    );
}

#[test]
fn a_cluster_refuses_what_its_baseline_lacks_and_names_what_is_near() {
    let error = service(&arguments(None), &looked("pakage", "x"), &baseline(false)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the baseline shop has no service `pakage` (the folder's name)"
    );
    assert_eq!(error.exit(), Exit::Refused);
    assert_eq!(
        error.hint().unwrap().block.as_deref(),
        Some("devspace init --service package")
    );
    let error = service(
        &arguments(Some("billing")),
        &looked("package", "x"),
        &baseline(false),
    )
    .unwrap_err();
    let hint = error.hint().unwrap().text;
    assert!(hint.contains("there is delivery, package"), "{hint}");
}

#[test]
fn on_the_local_engine_a_service_may_be_new() {
    let service = service(&arguments(None), &looked("billing", "x"), &baseline(true)).unwrap();
    assert_eq!(service.value, "billing");
}

#[test]
fn without_a_baseline_the_name_is_taken_as_it_is() {
    let unknown = Baseline::Unknown {
        why: "x".into(),
        local: false,
    };
    let looked = looked("Billing API", "x");
    let service = |args: &InitArgs| service(args, &looked, &unknown).unwrap();
    assert_eq!(service(&arguments(None)).value, "billing-api");
    assert_eq!(service(&arguments(Some("pay"))).value, "pay");
}

#[test]
fn services_below_are_named_as_they_are_typed() {
    assert_eq!(below_given(Path::new("."), "a/b"), "a/b");
    assert_eq!(below_given(Path::new("../shop"), "a/b"), "../shop/a/b");
}

/// The files of an editor need a draft alone, whatever the baseline.
#[test]
fn a_language_without_a_debugger_gets_no_launch_file() {
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("Cargo.toml"), "[package]\nname = \"x\"\n").unwrap();
    std::fs::create_dir(files.path().join("src")).unwrap();
    std::fs::write(files.path().join("src/main.rs"), "").unwrap();
    let draft: Draft = look(&Disk::new(files.path()), true).unwrap().draft;
    let paths: Vec<&str> = vscode::files(&draft, &serde_json::json!({}), None)
        .iter()
        .map(|file| file.path)
        .collect();
    assert_eq!(
        paths,
        [".vscode/tasks.json", ".vscode/settings.json", vscode::SCHEMA]
    );
}
