//! From the files to what the daemon is told. Pure.

use devspace_local::protocol::{Workspace, WorkspaceService};

use crate::ops::up::spec::{program, roots};
use crate::project::{Project, WorkspaceFile};

/// The workspace of `file`, whose services are `projects`.
pub(crate) fn workspace(file: &WorkspaceFile, projects: &[Project]) -> Workspace {
    Workspace {
        name: file.name.to_string(),
        file: file.file.clone(),
        host: file.host.clone(),
        port: file.port,
        routes: file.routes.clone(),
        services: projects.iter().map(service).collect(),
    }
}

fn service(project: &Project) -> WorkspaceService {
    WorkspaceService {
        name: project.service.to_string(),
        folder: project.folder.clone(),
        ports: project.ports.clone(),
        debug: project.debug,
        cache: project.cache.clone(),
        roots: roots(project),
        program: program(project, None),
        env: project.local_env.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_what_the_daemon_runs() {
        let folder = tempfile::tempdir().unwrap();
        let text = "devspace: 1\nservice: package\nsync: [{from: ., to: /app}]\ncache: [/app/node_modules]\n\
                    build: {run: [npm, ci], when: [package-lock.json]}\nrun: [node, main.js, '${port}']\nports: [8080]\n\
                    debug: 9229\nenv: {QUEUE: 'jobs-${space}'}\nlocal: {env: {DELIVERY: '${delivery.url}'}}\n";
        let project = Project::parse(&folder.path().join("devspace.yaml"), text).unwrap();
        let file = WorkspaceFile {
            file: folder.path().join("devspace.yaml"),
            name: devspace_core::ServiceName::try_new("shop").unwrap(),
            services: vec![folder.path().to_owned()],
            host: None,
            routes: [("/api".to_owned(), "package".to_owned())].into(),
            port: Some(7080),
        };
        let made = workspace(&file, &[project]);
        let value = serde_json::to_value(&made).unwrap();
        assert_eq!((made.name.as_str(), made.port), ("shop", Some(7080)));
        assert_eq!(value["routes"]["/api"], "package");
        let service = &made.services[0];
        assert_eq!(
            (service.ports.as_slice(), service.debug),
            ([8080].as_slice(), Some(9229))
        );
        assert_eq!(service.roots[0].to, "/app");
        assert_eq!(service.program.run, ["node", "main.js", "${port}"]);
        assert_eq!(service.program.working_dir.as_deref(), Some("/app"));
        assert_eq!(service.program.env["QUEUE"], "jobs-baseline");
        assert_eq!(service.env["DELIVERY"], "${delivery.url}");
    }
}
