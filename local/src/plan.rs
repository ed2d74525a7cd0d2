//! What has to be started and stopped, and what cannot be a copy. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use devspace_api::ServiceCopy;
use devspace_api::copy::{CopyMode, Fallback, ServiceCopySpec};
use devspace_api::names::PORTS_ANNOTATION;

use crate::protocol::{Workspace, WorkspaceService};

/// A name is near when this much of it agrees (Damerau-Levenshtein, 1 is equal).
const NEAR: f64 = 0.6;

/// A service of the baseline, or a copy of one in a space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnitKey {
    /// Unset: the baseline.
    pub(crate) space: Option<String>,
    pub(crate) service: String,
}

/// All that an agent is started with. Another spec is another agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitSpec {
    pub(crate) key: UnitKey,
    /// A short name of its own among all workspaces.
    pub(crate) id: String,
    pub(crate) folder: PathBuf,
    /// Path of its sockets without their last letter.
    pub(crate) sockets: PathBuf,
    pub(crate) variables: BTreeMap<String, String>,
    /// Paths as in a container, and their folders.
    pub(crate) paths: BTreeMap<String, PathBuf>,
    /// Declared to picked.
    pub(crate) ports: BTreeMap<u16, u16>,
    /// The copy's UID and what of its spec a pod would be made of.
    pub(crate) object: Option<(String, PodSpec)>,
    /// What its program gets to end.
    pub(crate) grace: Duration,
}

/// What of a copy's spec a pod would be made of, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodSpec(String);

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Stop(UnitKey),
    Start(Box<UnitSpec>),
}

/// Why there is no copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// Brings `running` (with whether it is stopping) to `wanted`. What is to be replaced is started once it has ended.
pub(crate) fn plan(running: &BTreeMap<UnitKey, (&UnitSpec, bool)>, wanted: Vec<UnitSpec>) -> Vec<Action> {
    let is_wanted = |spec: &UnitSpec| wanted.iter().any(|wanted| wanted == spec);
    let stops = running
        .iter()
        .filter(|(_, (spec, stopping))| !stopping && !is_wanted(spec))
        .map(|(key, _)| Action::Stop(key.clone()));
    let mut actions: Vec<Action> = stops.collect();
    let starts = wanted
        .into_iter()
        .filter(|spec| !running.contains_key(&spec.key))
        .map(|spec| Action::Start(Box::new(spec)));
    actions.extend(starts);
    actions
}

/// What of a copy's spec a pod would be made of: the router alone reads the rest.
pub(crate) fn of_pod(spec: &ServiceCopySpec) -> PodSpec {
    let of_pod = ServiceCopySpec {
        hold: None,
        fallback: Fallback::default(),
        ..spec.clone()
    };
    PodSpec(serde_json::to_string(&of_pod).unwrap_or_default())
}

/// The ports that a unit gets, as files number them: the service's, its debugger's, and those that the copy's own file
/// adds, which the CLI tells by an annotation.
pub(crate) fn declared_ports(service: &WorkspaceService, copy: Option<&ServiceCopy>) -> BTreeSet<u16> {
    let annotations = copy.and_then(|copy| copy.metadata.annotations.as_ref());
    let of_copy = annotations.and_then(|all| all.get(PORTS_ANNOTATION));
    // What is no port is nothing that a program could listen on.
    let of_copy = of_copy
        .into_iter()
        .flat_map(|text| text.split(','))
        .filter_map(|port| port.trim().parse().ok())
        .filter(|port| *port != 0);
    let of_service = service.ports.iter().copied().chain(service.debug);
    of_service.chain(of_copy).collect()
}

/// Why `copy` cannot be.
pub(crate) fn refusal(copy: &ServiceCopy, workspace: &Workspace) -> Option<Refusal> {
    let wanted = &copy.spec.service;
    if copy.spec.mode == CopyMode::Image {
        let message = "the local engine runs no images; type `devspace up` in the service's folder, or choose a \
                       cluster with `devspace use kube`";
        return Some(Refusal {
            reason: "NoImages",
            message: message.to_owned(),
        });
    }
    if workspace.services.iter().any(|service| service.name == *wanted) {
        return None;
    }
    let names: Vec<&str> = workspace
        .services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    let near = nearest(wanted, &names);
    let hint = if near.is_empty() {
        format!("it has {}.", names.join(", "))
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    let message = format!(
        "workspace {} has no service {wanted}; {hint} A service is added in {}",
        workspace.name,
        workspace.file.display()
    );
    Some(Refusal {
        reason: "NoService",
        message,
    })
}

fn nearest<'n>(given: &str, known: &[&'n str]) -> Vec<&'n str> {
    let score = |name: &&'n str| (strsim::normalized_damerau_levenshtein(given, name), *name);
    let mut scored: Vec<(f64, &str)> = known
        .iter()
        .map(score)
        .filter(|(score, _)| *score >= NEAR)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().map(|(_, name)| name).take(3).collect()
}

/// What of the spec does not count here, one line each.
pub(crate) fn ignored(spec: &ServiceCopySpec) -> Vec<String> {
    let image = spec
        .image
        .as_ref()
        .map(|image| format!("image {image} is ignored: it runs on this machine"));
    let resources = spec.resources.as_ref();
    let resources = resources.map(|_| "resources are ignored: it runs on this machine".to_owned());
    let container = spec.container.as_ref();
    let container = container.map(|name| format!("container {name} is ignored: there is none here"));
    image.into_iter().chain(resources).chain(container).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use devspace_sync::session::Program;

    use super::*;

    pub(crate) fn service(name: &str) -> WorkspaceService {
        WorkspaceService {
            name: name.to_owned(),
            folder: format!("/home/ada/{name}").into(),
            ports: vec![8080],
            debug: None,
            cache: Vec::new(),
            roots: Vec::new(),
            program: Program {
                build: None,
                run: vec![name.to_owned()],
                env: BTreeMap::new(),
                ports: Vec::new(),
                restart: None,
                working_dir: None,
                stop_grace: Duration::from_secs(5),
            },
            env: BTreeMap::new(),
        }
    }

    pub(crate) fn workspace(names: &[&str]) -> Workspace {
        Workspace {
            name: "shop".to_owned(),
            file: "/home/ada/devspace.yaml".into(),
            host: None,
            port: None,
            routes: BTreeMap::new(),
            services: names.iter().map(|name| service(name)).collect(),
        }
    }

    fn spec(name: &str, port: u16) -> UnitSpec {
        UnitSpec {
            key: UnitKey {
                space: None,
                service: name.to_owned(),
            },
            id: name.to_owned(),
            folder: PathBuf::new(),
            sockets: PathBuf::new(),
            variables: BTreeMap::new(),
            paths: BTreeMap::new(),
            ports: BTreeMap::from([(8080, port)]),
            object: None,
            grace: Duration::ZERO,
        }
    }

    #[test]
    fn what_differs_is_replaced_after_it_has_ended() {
        let (same, old, gone, ending) = (
            spec("same", 1),
            spec("new", 1),
            spec("gone", 1),
            spec("ending", 1),
        );
        let all = [(&same, false), (&old, false), (&gone, false), (&ending, true)];
        let mut running: BTreeMap<UnitKey, (&UnitSpec, bool)> = all
            .into_iter()
            .map(|(spec, stopping)| (spec.key.clone(), (spec, stopping)))
            .collect();
        let wanted = vec![
            spec("same", 1),
            spec("new", 2),
            spec("fresh", 1),
            spec("ending", 1),
        ];
        assert_eq!(
            plan(&running, wanted.clone()),
            [
                Action::Stop(gone.key.clone()),
                Action::Stop(old.key.clone()),
                Action::Start(Box::new(spec("fresh", 1))),
            ]
        );
        running.remove(&old.key);
        running.remove(&gone.key);
        assert!(plan(&running, wanted).contains(&Action::Start(Box::new(spec("new", 2)))));
    }

    #[test]
    fn a_copy_that_cannot_be_is_refused_with_what_to_do() {
        let workspace = workspace(&["package", "delivery"]);
        let mut copy = ServiceCopy::default();
        copy.spec.service = "package".to_owned();
        assert_eq!(refusal(&copy, &workspace), None);
        copy.spec.service = "pakage".to_owned();
        let refused = refusal(&copy, &workspace).unwrap();
        assert_eq!(
            refused.message,
            "workspace shop has no service pakage; did you mean package? A service is added in /home/ada/devspace.yaml"
        );
        copy.spec.service = "zzz".to_owned();
        let refused = refusal(&copy, &workspace).unwrap();
        assert!(
            refused.message.contains("it has package, delivery. A service"),
            "{}",
            refused.message
        );
        copy.spec.mode = CopyMode::Image;
        assert_eq!(refusal(&copy, &workspace).unwrap().reason, "NoImages");
    }

    #[test]
    fn a_copys_file_adds_ports_to_those_of_the_baseline() {
        let mut service = service("package");
        service.debug = Some(9229);
        assert_eq!(declared_ports(&service, None), BTreeSet::from([8080, 9229]));
        let mut copy = ServiceCopy::default();
        assert_eq!(
            declared_ports(&service, Some(&copy)),
            BTreeSet::from([8080, 9229])
        );
        let named = (
            PORTS_ANNOTATION.to_owned(),
            "8080, 8081,5005,x,0,70000,".to_owned(),
        );
        copy.metadata.annotations = Some(BTreeMap::from([named]));
        let all = BTreeSet::from([8080, 8081, 5005, 9229]);
        assert_eq!(declared_ports(&service, Some(&copy)), all);
    }

    #[test]
    fn what_only_the_router_reads_makes_no_new_agent() {
        let mut spec = ServiceCopySpec {
            service: "a".to_owned(),
            ..ServiceCopySpec::default()
        };
        let before = of_pod(&spec);
        spec.hold = Some("5s".to_owned());
        assert_eq!(of_pod(&spec), before);
        spec.image = Some("rust:1".to_owned());
        assert_ne!(of_pod(&spec), before);
        assert_eq!(
            ignored(&spec),
            ["image rust:1 is ignored: it runs on this machine"]
        );
    }
}
