//! Folders in memory and the files that `init` writes for them. Each written file is read by our own parser, too.

use super::files::memory::Memory;
use super::*;
use crate::project::{FILE_NAME, Project};

mod languages;
mod refused;

/// The text for a folder `shop/NAME`, read back by the parser.
fn written(name: &str, files: &[(&str, &str)]) -> String {
    written_with(name, files, false)
}

fn written_with(name: &str, files: &[(&str, &str)], debug: bool) -> String {
    let files = Memory::new(&format!("shop/{name}"), files);
    let looked = look(&files, debug).unwrap();
    let service = best(&looked.names());
    let text = render(&Filled {
        draft: &looked.draft,
        service: service.clone(),
        local: false,
        workspace: None,
        schema: None,
    });
    let project = parsed(&text);
    assert_eq!(project.service.as_str(), service.value);
    assert_eq!(
        Some(&project.run),
        looked
            .draft
            .run
            .as_ref()
            .map(|run| &run.value)
            .or(Some(&Vec::new()))
    );
    assert_eq!(
        project.ports.first(),
        looked.draft.port.as_ref().map(|port| &port.value)
    );
    assert_eq!(project.cache, looked.draft.cache);
    assert_eq!(
        project.build.map(|build| build.command),
        looked.draft.build.as_ref().map(|build| build.run.clone())
    );
    text
}

/// Read by the parser, in a folder three levels deep so that a workspace above exists.
fn parsed(text: &str) -> Project {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("a/b/c");
    std::fs::create_dir_all(&inner).unwrap();
    Project::parse(&inner.join(FILE_NAME), text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn the_local_engine_gets_a_port_also_where_none_was_found() {
    let files = Memory::new(
        "shop/x",
        &[("go.mod", "module x\n"), ("main.go", "package main\n")],
    );
    let looked = look(&files, false).unwrap();
    assert_eq!(looked.draft.port, None);
    let text = |local| {
        render(&Filled {
            draft: &looked.draft,
            service: best(&looked.names()),
            local,
            workspace: Some("shop".to_owned()),
            schema: None,
        })
    };
    assert!(text(true).contains("\nports: [8080]\n"));
    assert!(text(false).contains("\n# ports: [8080]\n"));
    assert!(text(true).contains("\nworkspace: {name: shop, services: [.]}\n"));
}
