use std::path::Path;

use super::*;
use crate::report::Report;

/// A folder with a `web` folder in it, as sync rules need one.
fn parse(text: &str) -> Result<Project, ProjectError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("web")).unwrap();
    Project::parse(&folder.path().join(FILE_NAME), text)
}

/// Message and hint, with the folder taken out.
fn failure(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let error = Project::parse(&folder.path().join(FILE_NAME), text).expect_err(text);
    let causes: String = crate::report::causes(&error)
        .iter()
        .map(|cause| format!("\n  cause: {cause}"))
        .collect();
    let hint = error
        .hint()
        .map(|hint| format!("\nhint: {}", hint.text))
        .unwrap_or_default();
    assert_eq!(error.exit().code(), 64);
    format!("[{}] {error}{causes}{hint}", error.code()).replace(&folder.path().display().to_string(), "/app")
}

/// The three files of the documentation.
const RUST: &str = r#"
devspace: 1
service: delivery
image: rust:1-bookworm
resources: {cpu: "4", memory: 6Gi}
cache: [/src/target, /usr/local/cargo/registry]
sync: [{from: ./web, to: /src, only: [Cargo.toml, crates/common]}]
build: {run: [cargo, build, -p, delivery], when: ["**/*.rs", "**/Cargo.*"]}
run: [/src/target/debug/delivery]
"#;
const NODE: &str = r#"
devspace: 1
service: package
cache: [/app/node_modules]
sync: [{from: ., to: /app, back: [package-lock.json]}]
build: {run: [npm, ci], when: [package-lock.json]}
run: [npx, tsx, watch, --inspect=127.0.0.1:9229, src/main.ts]
debug: 9229
"#;
const JVM: &str = r#"
devspace: 1
service: ingestion
resources: {memory: 2Gi}
build: {here: [mvn, -q, package, -DskipTests], when: ["src/**", pom.xml]}
sync: [{from: target/app, to: /opt/ingestion}]
run: [java, -jar, /opt/ingestion/app.jar]
env: {OPTIONS: "suspend=n", WHO: "${space}-$${x}"}
debug: 5005
hold: 90s
"#;

#[test]
fn the_files_of_the_documentation_are_read() {
    let rust = parse(RUST).unwrap();
    assert_eq!(rust.service.as_str(), "delivery");
    assert_eq!(
        (rust.cpu.as_deref(), rust.memory.as_deref()),
        (Some("4"), Some("6Gi"))
    );
    assert_eq!(rust.sync[0].only, ["Cargo.toml", "crates/common"]);
    assert_eq!(rust.working_dir(), Some("/src"));
    let node = parse(NODE).unwrap();
    assert_eq!(
        (node.debug, node.sync[0].back.as_slice()),
        (Some(9229), ["package-lock.json".to_owned()].as_slice())
    );
    let jvm = parse(JVM).unwrap();
    assert!(
        jvm.build.as_ref().unwrap().here,
        "its artefact folder need not exist yet"
    );
    assert_eq!(jvm.hold, Some(Duration::from_secs(90)));
    let space = SpaceName::try_new("red").unwrap();
    assert_eq!(jvm.environment(Some(&space))["WHO"], "red-${x}");
}

#[test]
fn the_baselines_command_runs_in_the_images_own_folder() {
    let project = parse("devspace: 1\nservice: a\nsync: [{from: ., to: /app}]\n").unwrap();
    assert!(project.run.is_empty());
    assert_eq!(project.working_dir(), None);
}

#[test]
fn faults_are_told_with_their_place() {
    let cases = [
        "",
        "# only a comment\n",
        "version: v2beta1\nname: app\npipelines: {}\n",
        "devspace: 1\nservic: a\nsync: [{from: ., to: /app}]\n",
        "devspace: 1\nservice: a\nsync: [{form: ., to: /app}]\n",
        "devspace: 1\nservice: a\nbuild: {runs: [make]}\n",
        "devspace: 1\nservice: a\nzzz: 1\n",
        "devspace: 2\nservice: a\n",
        "service: a\n",
        "devspace: 1\nsync: [{from: ., to: /app}]\n",
        "devspace: 1\nservice: A_b\nsync: [{from: ., to: /app}]\n",
        "devspace: 1\nservice: a\nservice: b\n",
        "devspace: 1\nservice: a\nrun: npm start\n",
        "devspace: 1\nservice: [a\n",
        "devspace: 1\nservice: a\n",
        "devspace: 1\nservice: a\nimage: x\nbuild: {run: [make], here: [make]}\n",
        "devspace: 1\nservice: a\nimage: x\nbuild: {when: ['*']}\n",
        "devspace: 1\nservice: a\nimage: x\nbuild: {run: []}\n",
        "devspace: 1\nservice: a\nimage: x\nrun: []\n",
        "devspace: 1\nservice: a\nsync: [{from: ., to: app}]\n",
        "devspace: 1\nservice: a\nsync: [{from: .}]\n",
        "devspace: 1\nservice: a\nsync: [{from: ., to: /}]\n",
        "devspace: 1\nservice: a\nsync: [{from: nope, to: /app}]\n",
        "devspace: 1\nservice: a\nsync: [{from: ., to: /app}, {from: ., to: /app/web}]\n",
        "devspace: 1\nservice: a\nsync: [{from: ., to: /app, only: [../b]}]\n",
        "devspace: 1\nservice: a\nimage: x\nbuild: {run: [make], when: ['src/{a']}\n",
        "devspace: 1\nservice: a\nimage: x\ncache: [node_modules]\n",
        "devspace: 1\nservice: a\nimage: x\nhold: soon\n",
        "devspace: 1\nservice: a\nimage: x\nports: [0]\n",
        "devspace: 1\nservice: a\nimage: x\nports: [70000]\n",
        "devspace: 1\nservice: a\nimage: x\nenv: {A: 'x-${spaec}'}\n",
        "devspace: 1\nservice: a\nimage: x\nlocal: {env: {A: '${package.uri}'}}\n",
        "devspace: 1\nservice: a\nimage: x\nlocal: {envs: {}}\n",
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|case| format!("{case}---\n{}\n", failure(case)))
        .collect();
    insta::assert_snapshot!(shown.join("\n========\n"));
}

#[test]
fn a_missing_file_names_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let error = Project::load(folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no `devspace.yaml` in {}", folder.path().display())
    );
    assert_eq!((error.code(), error.exit().code()), ("project_missing", 64));
    assert!(error.hint().unwrap().block.unwrap().starts_with("devspace: 1\n"));
}

#[test]
fn a_file_is_found_by_folder_and_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    std::fs::write(&file, "devspace: 1\nservice: a\nsync: [{from: ., to: /app}]\n").unwrap();
    let by_folder = Project::load(folder.path()).unwrap();
    assert_eq!(by_folder, Project::load(&file).unwrap());
    assert_eq!(by_folder.sync[0].from, folder.path());
}

#[test]
fn durations_are_read() {
    assert_eq!(parse_duration("90s"), Some(Duration::from_secs(90)));
    assert_eq!(parse_duration("1h30m"), Some(Duration::from_secs(5400)));
    assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
    assert_eq!(parse_duration("-1s"), None);
    assert_eq!(parse_duration("90"), None);
    assert_eq!(parse_duration(""), None);
}

#[test]
fn the_schema_names_every_key() {
    let schema = schema();
    let keys: Vec<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for key in [
        "devspace",
        "service",
        "image",
        "resources",
        "cache",
        "sync",
        "build",
        "run",
        "env",
        "ports",
        "debug",
        "hold",
        "local",
        "workspace",
    ] {
        assert!(keys.contains(&key), "{key} of {keys:?}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn paths_of_the_file_are_relative_to_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("services/a")).unwrap();
    let file = folder.path().join("services/a").join(FILE_NAME);
    let project = Project::parse(
        Path::new(&file),
        "devspace: 1\nservice: a\nsync: [{from: ../.., to: /src}]\n",
    )
    .unwrap();
    assert_eq!(project.sync[0].from, folder.path());
}
