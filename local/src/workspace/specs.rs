//! From a service or a copy to what its agent is started with.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use devspace_api::ServiceCopy;
use devspace_core::table::{Standing, StandingEntry};
use devspace_core::{ServiceName, SpaceName};
use devspace_plan::space::namespace_name;

use super::Actor;
use crate::environment::{self, Callee, Inputs, variables};
use crate::plan::{UnitKey, UnitSpec, declared_ports, of_pod};
use crate::protocol::WorkspaceService;

/// The part of a space's own entry.
pub(super) fn entry_part(space: &str) -> String {
    format!("entry/{space}")
}

/// The part of a listener of `service`, for one caller.
fn listener_part(caller: &UnitKey, service: &str, port: u16) -> String {
    let space = caller.space.as_deref();
    match space {
        // The services of the baseline share one set.
        None => format!("listener/-/-/{service}/{port}"),
        Some(space) => format!("listener/{space}/{}/{service}/{port}", caller.service),
    }
}

fn program_part(key: &UnitKey, port: u16) -> String {
    format!(
        "program/{}/{}/{port}",
        key.space.as_deref().unwrap_or("-"),
        key.service
    )
}

/// Whether `part` belongs to one of `units` or to one of `spaces`, or to the workspace itself.
pub(super) fn is_part_of(part: &str, units: &[UnitKey], spaces: &[String]) -> bool {
    let elements: Vec<&str> = part.split('/').collect();
    let has = |space: &str, service: &str| {
        units
            .iter()
            .any(|unit| unit.space.as_deref() == Some(space) && unit.service == service)
    };
    match elements.as_slice() {
        ["entry", space] => spaces.iter().any(|known| known == space),
        ["listener" | "program", "-", ..] => true,
        ["listener" | "program", space, service, ..] => has(space, service),
        _ => true,
    }
}

// === impl Actor ===

impl Actor {
    /// The namespace by which a unit is reached.
    pub(super) fn namespace(&self, key: &UnitKey) -> String {
        match &key.space {
            None => self.workspace.name.clone(),
            Some(space) => namespace_name(&self.workspace.name, space),
        }
    }

    pub(super) fn copies_folder(&self) -> PathBuf {
        self.folder().join("copies")
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.shared.home.workspace(&self.workspace.name)
    }

    pub(super) fn unit_folder(&self, key: &UnitKey) -> PathBuf {
        match &key.space {
            None => self.folder().join("services").join(&key.service),
            Some(space) => self.copies_folder().join(space).join(&key.service),
        }
    }

    /// The baseline's listeners, by service and declared port.
    pub(super) fn listeners(&mut self) -> BTreeMap<(String, u16), u16> {
        let baseline = UnitKey {
            space: None,
            service: String::new(),
        };
        let callees = self.callees(&baseline);
        callees
            .into_iter()
            .flat_map(|callee| {
                let name = callee.name;
                callee
                    .ports
                    .into_iter()
                    .map(move |(port, listener)| ((name.clone(), port), listener))
            })
            .collect()
    }

    /// How `caller` reaches each service.
    fn callees(&mut self, caller: &UnitKey) -> Vec<Callee> {
        let services = self.workspace.services.iter();
        let services: Vec<(String, Vec<u16>)> = services
            .map(|service| (service.name.clone(), service.ports.clone()))
            .collect();
        let mut callees = Vec::new();
        for (name, ports) in services {
            let listener = |port: u16| {
                let part = listener_part(caller, &name, port);
                Some((port, self.addresses.service(&part)?))
            };
            let ports = ports.into_iter().filter_map(listener).collect();
            callees.push(Callee { name, ports });
        }
        callees
    }

    /// The listeners that stand for the copy `key`.
    pub(super) fn standing(&mut self, key: &UnitKey) -> Vec<Standing> {
        let Some(Ok(space)) = key.space.as_deref().map(SpaceName::try_new) else {
            return Vec::new();
        };
        let callees = self.callees(key);
        let stand = |service: &ServiceName, port: u16, listener| Standing {
            listener,
            space: space.clone(),
            entry: StandingEntry::Service {
                service: service.clone(),
                port: port.to_string(),
            },
        };
        let mut standing = Vec::new();
        for callee in callees {
            let Ok(service) = ServiceName::try_new(&callee.name) else {
                continue;
            };
            standing.extend(
                callee
                    .ports
                    .iter()
                    .map(|(port, listener)| stand(&service, *port, *listener)),
            );
        }
        standing
    }

    /// What the agent of `service`, or of its copy in a space, is started with.
    pub(super) fn spec(
        &mut self,
        service: &WorkspaceService,
        copy: Option<(&str, &ServiceCopy, u16)>,
    ) -> UnitSpec {
        let key = UnitKey {
            space: copy.map(|(space, ..)| space.to_owned()),
            service: service.name.clone(),
        };
        let runs = self.running.contains_key(&key);
        let mut ports = BTreeMap::new();
        for port in declared_ports(service, copy.map(|(_, copy, _)| copy)) {
            ports.extend(
                self.addresses
                    .ports
                    .pick(&program_part(&key, port), runs)
                    .map(|picked| (port, picked)),
            );
        }
        let folder = self.unit_folder(&key);
        let targets = match copy {
            None => service.roots.iter().map(|root| root.to.clone()).collect(),
            Some((_, copy, _)) => copy.spec.sync_targets.clone(),
        };
        let cache = copy.map_or(&service.cache, |(_, copy, _)| &copy.spec.cache);
        let paths = environment::paths(&folder, targets.iter().chain(cache));
        let id = id(&self.workspace.name, &key);
        let sockets = self.shared.home.run().join(&id);
        let callees = self.callees(&key);
        let none = BTreeMap::new();
        let variables = variables(&Inputs {
            space: key.space.as_deref(),
            service,
            folder: &folder,
            sockets: &sockets,
            data: &self.data_folder(&service.name),
            gateway: copy.map_or(self.gateway, |(_, _, entry)| entry),
            targets: &targets,
            paths: &paths,
            ports: &ports,
            callees: &callees,
            env: copy.map_or(&none, |(_, copy, _)| &copy.spec.env),
        });
        let uid = |copy: &ServiceCopy| copy.metadata.uid.clone().unwrap_or_default();
        UnitSpec {
            id,
            folder,
            sockets,
            variables,
            paths,
            ports,
            object: copy.map(|(_, copy, _)| (uid(copy), of_pod(&copy.spec))),
            grace: service.program.stop_grace,
            key,
        }
    }

    /// The caches of a copy that is new begin as those of the baseline's service.
    pub(super) fn seeds(&self, spec: &UnitSpec) -> Vec<(PathBuf, PathBuf)> {
        if spec.key.space.is_none() {
            return Vec::new();
        }
        let baseline = UnitKey {
            space: None,
            service: spec.key.service.clone(),
        };
        let from = self.unit_folder(&baseline);
        let services = self.workspace.services.iter();
        let shared = services
            .filter(|service| service.name == spec.key.service)
            .flat_map(|service| &service.cache);
        let shared: Vec<&String> = shared.collect();
        let place = |folder: &Path, path: &String| environment::paths(folder, [path]).into_values().next();
        let both = |path: &String| Some((place(&from, path)?, place(&spec.folder, path)?));
        shared
            .into_iter()
            .filter(|path| spec.paths.contains_key(path.trim_end_matches('/')))
            .filter_map(both)
            .collect()
    }

    /// Whether a new copy has to wait: a cache that the baseline's build is filling would be copied half done. The build
    /// ends, or fails, and either is followed by another round.
    pub(super) fn waits_for_seed(&self, spec: &UnitSpec) -> bool {
        let builds = self
            .baseline
            .get(&spec.key.service)
            .is_some_and(|one| one.may_build());
        builds && !self.running.contains_key(&spec.key) && self.seeds(spec).iter().any(|(_, to)| !to.exists())
    }

    /// A folder that the service keeps, shared with its copies as they share a database in a cluster.
    pub(super) fn data_folder(&self, service: &str) -> PathBuf {
        self.folder().join("data").join(service)
    }
}

/// Short, since it is part of a socket's path, and unlike any other's.
fn id(workspace: &str, key: &UnitKey) -> String {
    let mut hasher = DefaultHasher::new();
    (workspace, &key.space, &key.service).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_go_with_what_they_belong_to() {
        let key = UnitKey {
            space: Some("red".to_owned()),
            service: "package".to_owned(),
        };
        let (units, spaces) = ([key.clone()], ["red".to_owned()]);
        let is = |part: &str| is_part_of(part, &units, &spaces);
        assert!(is("gateway") && is("entry/red") && !is("entry/blue"));
        assert!(is(&listener_part(&key, "web", 80)) && is(&program_part(&key, 80)));
        assert!(is("listener/-/-/web/80") && is("program/-/web/80"));
        assert!(!is("listener/red/web/package/80") && !is("program/blue/package/80"));
    }
}
