use super::*;
use crate::report::Report;

/// A folder with two services and a workspace file of `text`.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["package", "delivery"] {
        let service = folder.path().join("services").join(name);
        std::fs::create_dir_all(service.join("src")).unwrap();
        let text = format!(
            "devspace: 1\nservice: {name}\nsync: [{{from: ., to: /app}}]\nrun: [node, main.js]\nports: [8080]\n"
        );
        std::fs::write(service.join(FILE_NAME), text).unwrap();
    }
    std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
    folder
}

/// Message and hint of what is wrong, with the folder taken out.
fn failure(folder: &tempfile::TempDir, from: &str) -> String {
    let from = folder.path().join(from);
    let error = WorkspaceFile::find(&from)
        .and_then(|workspace| workspace.projects())
        .expect_err("should be refused");
    assert_eq!(error.exit().code(), 64);
    let hint = error.hint().map_or(String::new(), |hint| {
        format!("\nhint: {}\n{}", hint.text, hint.block.unwrap_or_default())
    });
    format!("[{}] {error}{hint}", error.code()).replace(&folder.path().display().to_string(), "/app")
}

const GOOD: &str = "devspace: 1
workspace:
  name: shop
  services: [services/package, ./services/delivery]
  host: Shop.localhost
  routes: {/: package, /api: delivery}
  port: 7080
";

#[test]
fn a_workspace_is_found_from_below() {
    let folder = folder(GOOD);
    let below = folder.path().join("services/package/src");
    let found = WorkspaceFile::find(&below).unwrap();
    assert_eq!(found.file, folder.path().join(FILE_NAME));
    assert_eq!(found, WorkspaceFile::find(&found.file).unwrap());
    assert_eq!((found.name.as_str(), found.port), ("shop", Some(7080)));
    assert_eq!(found.host.as_deref(), Some("shop.localhost"));
    assert_eq!(found.services[1], folder.path().join("services/delivery"));
    assert_eq!(found.routes["/api"], "delivery");
    let projects = found.projects().unwrap();
    assert_eq!(projects[1].service.as_str(), "delivery");
}

#[test]
fn another_tools_file_on_the_way_is_passed_by() {
    let folder = folder(GOOD);
    let foreign = folder.path().join("services/package/src");
    std::fs::write(foreign.join(FILE_NAME), "version: v2beta1\nname: x\n").unwrap();
    assert!(WorkspaceFile::find(&foreign).is_ok());
}

#[test]
fn a_workspace_is_no_service() {
    let folder = folder(GOOD);
    let error = Project::load(folder.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is the file of a workspace, not of a service")
    );
    assert_eq!(
        error.hint().unwrap().block.as_deref(),
        Some("devspace up services/package\ndevspace up ./services/delivery")
    );
}

#[test]
fn faults_are_told_with_their_place() {
    let of = |workspace: &str| format!("devspace: 1\nworkspace: {workspace}\n");
    let cases = [
        "devspace: 1\nservice: a\nimage: x\n".to_owned(),
        "workspace: {name: shop, services: [services/package]}\n".to_owned(),
        "devspace: 1\nservice: a\nworkspace: {name: shop, services: [services/package]}\n".to_owned(),
        of("{services: [services/package]}"),
        of("{name: shop}"),
        of("{name: Shop, services: [services/package]}"),
        of("{name: shop, services: []}"),
        of("{name: shop, services: [services/pakage]}"),
        of("{name: shop, services: [services/package/src]}"),
        of("{name: shop, services: [services/package, ./services/package]}"),
        of("{name: shop, services: [services/package], host: 'a:80'}"),
        of("{name: shop, services: [services/package], routes: {api: package}}"),
        of("{name: shop, services: [services/package], routes: {/api: pakage}}"),
        of("{name: shop, services: [services/package], port: 0}"),
        of("{name: shop, servises: [services/package]}"),
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|case| format!("{case}---\n{}\n", failure(&folder(case), "services/package/src")))
        .collect();
    insta::assert_snapshot!(shown.join("\n========\n"));
}

#[test]
fn a_service_that_only_a_cluster_can_run_is_told_its_line() {
    let folder = folder(GOOD);
    let file = folder.path().join("services/delivery").join(FILE_NAME);
    let mut shown = Vec::new();
    for text in [
        "devspace: 1\nservice: delivery\nimage: x\nrun: [a]\nports: [1]\n",
        "devspace: 1\nservice: delivery\nsync: [{from: ., to: /app}]\nports: [1]\n",
        "devspace: 1\nservice: delivery\nsync: [{from: ., to: /app}]\nrun: [a]\n",
        "devspace: 1\nservice: delivery\nsync: [{from: ., to: /app}]\nrun: [a]\nports: [1]\nlocal: {env: {P: '${pakage.url}'}}\n",
    ] {
        std::fs::write(&file, text).unwrap();
        shown.push(format!("{text}---\n{}\n", failure(&folder, ".")));
    }
    insta::assert_snapshot!(shown.join("\n========\n"));
}
