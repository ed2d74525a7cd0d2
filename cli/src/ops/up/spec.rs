//! From a project to what is written to the cluster and asked of the agent. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use devspace_api::ServiceCopy;
use devspace_api::copy::{CopyMode, CopyResources, ServiceCopySpec};
use devspace_api::names::PORTS_ANNOTATION;
use devspace_core::SpaceName;
use devspace_sync::session::{Build, ClientIdentity, Program, SessionConfig, SyncRoot};
use kube::ResourceExt;

use super::CopyRequest;
use crate::project::Project;

/// The copy of a project's folder in `space`.
pub(crate) fn of_folder(project: &Project, space: &SpaceName, client: ClientIdentity) -> CopyRequest {
    let service = project.service.to_string();
    let spec = ServiceCopySpec {
        image: project.image.clone(),
        sync_targets: project.sync.iter().map(|rule| rule.to.clone()).collect(),
        cache: project.cache.clone(),
        ..base(project)
    };
    let mut object = ServiceCopy::new(&service, spec);
    // An engine that picks ports itself has to know which ones there are.
    let ports: Vec<String> = project
        .ports
        .iter()
        .chain(&project.debug)
        .map(u16::to_string)
        .collect();
    if !ports.is_empty() {
        object
            .annotations_mut()
            .insert(PORTS_ANNOTATION.to_owned(), ports.join(","));
    }
    CopyRequest {
        object,
        session: Some(SessionConfig {
            roots: roots(project),
            program: program(project, Some(space)),
            client,
        }),
        debug: project.debug,
        service,
    }
}

/// A copy that runs `image` as it is. Of the project counts what is about the container, not about the folder.
pub(crate) fn of_image(project: &Project, space: &SpaceName, image: String) -> CopyRequest {
    let service = project.service.to_string();
    let spec = ServiceCopySpec {
        mode: CopyMode::Image,
        image: Some(image),
        env: project.environment(Some(space)),
        ..base(project)
    };
    CopyRequest {
        object: ServiceCopy::new(&service, spec),
        session: None,
        debug: None,
        service,
    }
}

/// A copy of `service` that runs `image`, with nothing else changed.
pub(crate) fn of_service(service: &str, image: String) -> CopyRequest {
    let spec = ServiceCopySpec {
        service: service.to_owned(),
        mode: CopyMode::Image,
        image: Some(image),
        ..ServiceCopySpec::default()
    };
    CopyRequest {
        object: ServiceCopy::new(service, spec),
        session: None,
        debug: None,
        service: service.to_owned(),
    }
}

fn base(project: &Project) -> ServiceCopySpec {
    let resources = CopyResources {
        cpu: project.cpu.clone(),
        memory: project.memory.clone(),
    };
    ServiceCopySpec {
        service: project.service.to_string(),
        container: project.container.clone(),
        resources: (resources != CopyResources::default()).then_some(resources),
        hold: project.hold.map(written),
        ..ServiceCopySpec::default()
    }
}

pub(crate) fn roots(project: &Project) -> Vec<SyncRoot> {
    let root = |rule: &crate::project::SyncRule| SyncRoot {
        from: rule.from.clone(),
        to: rule.to.clone(),
        only: rule.only.clone(),
        back: rule.back.clone(),
    };
    project.sync.iter().map(root).collect()
}

/// Environment and command go to the agent and not into the pod's template: changing them restarts the program, not the pod.
pub(crate) fn program(project: &Project, space: Option<&SpaceName>) -> Program {
    let env: BTreeMap<String, String> = project.environment(space);
    let build = project.build.as_ref().map(|build| {
        let (command, when) = (build.command.clone(), build.when.clone());
        if build.here {
            Build::Here {
                command,
                when,
                dir: project.folder.clone(),
            }
        } else {
            Build::Run { command, when }
        }
    });
    Program {
        build,
        run: project.run.clone(),
        env,
        ports: project.ports.clone(),
        restart: project.restart.clone(),
        working_dir: project.working_dir().map(str::to_owned),
        stop_grace: Program::DEFAULT_STOP_GRACE,
    }
}

/// A duration as the objects carry it.
pub(crate) fn written(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_folder_becomes_an_object_and_a_session() {
        let folder = tempfile::tempdir().unwrap();
        let text = "devspace: 1\nservice: a\nimage: dev\nresources: {cpu: 500m}\ncache: [/c]\nsync: [{from: ., to: /app, only: [src]}]\n\
                    build: {run: [make], when: [src/**]}\nrun: [./a]\nenv: {S: '${space}'}\nports: [8081]\ndebug: 9229\nhold: 1500ms\n";
        let project = Project::parse(&folder.path().join("devspace.yaml"), text).unwrap();
        let space = SpaceName::try_new("red").unwrap();
        let client = ClientIdentity {
            user: "u".into(),
            host: "h".into(),
            session_id: "s".into(),
        };
        let request = of_folder(&project, &space, client);
        assert_eq!(
            serde_json::to_value(&request.object.spec).unwrap(),
            serde_json::json!({"service": "a", "mode": "Agent", "image": "dev", "resources": {"cpu": "500m"},
                "syncTargets": ["/app"], "cache": ["/c"], "hold": "1500ms", "fallback": "Fail"})
        );
        assert_eq!(request.object.annotations()[PORTS_ANNOTATION], "8081,9229");
        let session = request.session.unwrap();
        assert_eq!(session.roots[0].from, Path::new(folder.path()));
        assert_eq!(
            (
                session.program.env["S"].as_str(),
                session.program.ports.as_slice()
            ),
            ("red", [8081].as_slice())
        );
        assert_eq!(session.program.working_dir.as_deref(), Some("/app"));
        let request = of_image(&project, &space, "r:1".into());
        assert!(request.session.is_none());
        assert_eq!(
            serde_json::to_value(&request.object.spec).unwrap(),
            serde_json::json!({"service": "a", "mode": "Image", "image": "r:1", "env": {"S": "red"},
                "resources": {"cpu": "500m"}, "hold": "1500ms", "fallback": "Fail"})
        );
    }
}
