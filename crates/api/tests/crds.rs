//! The chart's definitions are those of the types.

use std::path::Path;

#[test]
fn the_chart_has_the_definitions_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/devspace/templates/crds");
    let mut expected: Vec<String> = Vec::new();
    for (name, definition) in devspace_api::crd::all() {
        let text = devspace_api::crd::HEADER.to_owned() + &serde_saphyr::to_string(&definition).unwrap();
        assert!(
            !text.contains("{{"),
            "{name}: Helm would take a part of it for a template"
        );
        let written = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(written == text, "{name} is stale: run `cargo xtask codegen`");
        expected.push(name.to_owned());
    }
    let listed = std::fs::read_dir(&folder).unwrap();
    let mut found: Vec<String> = listed
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "files that no type makes");
}
