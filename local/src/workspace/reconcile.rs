//! Observe, plan, apply, tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use devspace_agent::environment::Environment;
use devspace_api::copy::CopyPod;
use devspace_api::{ServiceCopy, Space};
use devspace_core::table::{Standing, StandingEntry};
use devspace_core::{ServiceName, SpaceName};
use devspace_plan::space::namespace_name;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::specs::{entry_part, is_part_of};
use super::{Actor, Running};
use crate::log::Log;
use crate::plan::{self, Action, Refusal, UnitKey, UnitSpec};
use crate::protocol::{Context, ServiceState, WorkspaceState};
use crate::reach::Reach;
use crate::status;
use crate::store::{Key, Kind, StoreError};
use crate::unit::{Readiness, Unit, inherited};
use crate::views::{self, Scene};

/// A copy as it was found.
struct Found {
    space: String,
    copy: ServiceCopy,
    refusal: Option<Refusal>,
}

// === impl Found ===

impl Found {
    fn key(&self) -> UnitKey {
        UnitKey {
            space: Some(self.space.clone()),
            service: self.copy.spec.service.clone(),
        }
    }
}

// === impl Actor ===

impl Actor {
    /// One round. It is repeated after whatever changes, so it may leave for the next what cannot be done yet.
    pub(super) fn reconcile(&mut self) {
        let going = self.going();
        if self.gateway == 0 {
            // Nothing was asked for yet, so nothing is routed.
            return self.finish(going);
        }
        let spaces = self.staying_spaces();
        let names: Vec<String> = spaces
            .iter()
            .filter_map(|space| space.metadata.name.clone())
            .collect();
        let found = self.copies(&names);
        let accepted: Vec<&Found> = found.iter().filter(|found| found.refusal.is_none()).collect();
        let keys: Vec<UnitKey> = accepted.iter().map(|found| found.key()).collect();
        let mut alive = keys.clone();
        alive.extend(self.running.keys().cloned());
        self.addresses.ports.keep(|part| is_part_of(part, &alive, &names));
        let entries: BTreeMap<String, u16> = names
            .iter()
            .filter_map(|space| Some((space.clone(), self.addresses.entry(&entry_part(space))?)))
            .collect();
        self.sweep(&names, &keys);
        let wanted = self.wanted(&accepted, &entries);
        let running = self
            .running
            .iter()
            .map(|(key, one)| (key.clone(), (&one.spec, one.stopping)));
        for action in plan::plan(&running.collect(), wanted) {
            match action {
                Action::Stop(key) => self.stop(&key),
                Action::Start(spec) => self.start(*spec),
            }
        }
        self.publish(&spaces, &accepted, &entries);
        self.finish(going);
        self.not_kept = self.tell(&spaces, &found, &entries).err().map(|error| {
            let text = match &error {
                StoreError::Write(cause) => format!("{error} ({cause})"),
                _ => error.to_string(),
            };
            tracing::warn!(%error, "statuses are not kept");
            text
        });
        let state = self.state();
        self.state_tx.send_if_modified(|old| {
            let changed = *old != state;
            *old = state;
            changed
        });
    }

    pub(super) fn spaces(&self) -> Vec<Space> {
        self.shared.store.typed(Kind::Space, &self.workspace.name)
    }

    /// The spaces that are not to go.
    fn staying_spaces(&self) -> Vec<Space> {
        let mut spaces = self.spaces();
        spaces.retain(|space| space.metadata.deletion_timestamp.is_none());
        spaces
    }

    /// The objects that are to go, and their UIDs. With a space go all its copies.
    fn going(&self) -> Vec<(Key, String)> {
        let mut going = Vec::new();
        let mut take = |kind: Kind, namespace: &str, metadata: ObjectMeta| {
            let key = key(kind, namespace, metadata.name.unwrap_or_default());
            // A copy that was made as its space was marked is not marked yet.
            if metadata.deletion_timestamp.is_none()
                && let Err(error) = self.shared.store.mark(&key)
            {
                tracing::warn!(?key, %error, "an object is not marked for removal");
            }
            going.push((key, metadata.uid.unwrap_or_default()));
        };
        for space in self.spaces() {
            let space_goes = space.metadata.deletion_timestamp.is_some();
            let name = space.metadata.name.clone().unwrap_or_default();
            let namespace = namespace_name(&self.workspace.name, &name);
            for copy in self.shared.store.typed::<ServiceCopy>(Kind::Copy, &namespace) {
                if space_goes || copy.metadata.deletion_timestamp.is_some() {
                    take(Kind::Copy, &namespace, copy.metadata);
                }
            }
            if space_goes {
                take(Kind::Space, &self.workspace.name, space.metadata);
            }
        }
        going
    }

    /// Removes `going`, which the table in force was made without: whoever sees that one is gone gets no answer of it
    /// any more. What was marked since the table was made is not among them and has its turn in the next round.
    fn finish(&self, going: Vec<(Key, String)>) {
        let store = &self.shared.store;
        for (key, uid) in going {
            if let Err(error) = store.finish(&key, &uid) {
                tracing::warn!(?key, %error, "an object is not removed");
            }
        }
    }

    fn copies(&self, spaces: &[String]) -> Vec<Found> {
        let of_space = |space: &String| {
            let namespace = namespace_name(&self.workspace.name, space);
            let copies = self.shared.store.typed::<ServiceCopy>(Kind::Copy, &namespace);
            let found = |copy: ServiceCopy| Found {
                space: space.clone(),
                refusal: plan::refusal(&copy, &self.workspace),
                copy,
            };
            let staying = |copy: &ServiceCopy| copy.metadata.deletion_timestamp.is_none();
            copies.into_iter().filter(staying).map(found).collect::<Vec<_>>()
        };
        spaces.iter().flat_map(of_space).collect()
    }

    fn wanted(&mut self, copies: &[&Found], entries: &BTreeMap<String, u16>) -> Vec<UnitSpec> {
        let services = self.workspace.services.clone();
        let mut wanted = Vec::new();
        for service in &services {
            let blocked = self
                .baseline
                .get(&service.name)
                .is_none_or(|one| one.blocked.is_some());
            if !blocked {
                wanted.push(self.spec(service, None));
            }
            for found in copies
                .iter()
                .filter(|found| found.copy.spec.service == service.name)
            {
                let Some(entry) = entries.get(&found.space) else {
                    continue;
                };
                let spec = self.spec(service, Some((&found.space, &found.copy, *entry)));
                if !self.waits_for_seed(&spec) {
                    wanted.push(spec);
                }
            }
        }
        wanted
    }

    fn stop(&mut self, key: &UnitKey) {
        if let Some(running) = self.running.get_mut(key) {
            running.stopping = true;
            running.readiness = Readiness::Down;
            running.stop.cancel();
            // Who connects from now on waits for the agent that comes after it.
            let namespace = self.namespace(key);
            self.shared.reaches.set(&namespace, &key.service, None);
        }
    }

    fn start(&mut self, spec: UnitSpec) {
        self.next += 1;
        if let Err(error) = std::fs::create_dir_all(self.data_folder(&spec.key.service)) {
            tracing::warn!(%error, service = spec.key.service, "its data folder cannot be made");
        }
        let log = Arc::new(Log::new(spec.folder.join("log")));
        let stop = CancellationToken::new();
        let unit = Unit {
            seeds: self.seeds(&spec),
            spec: spec.clone(),
            shared: Arc::clone(&self.shared),
            log: Arc::clone(&log),
            number: self.next,
            events: self.events_tx.clone(),
            stop: stop.clone(),
        };
        let reach = Reach {
            control: crate::environment::sockets(&spec.sockets).0,
            ports: spec.ports.clone(),
            log,
            context: context(&spec),
        };
        let namespace = self.namespace(&spec.key);
        self.shared
            .reaches
            .set(&namespace, &spec.key.service, Some(Arc::new(reach)));
        self.units.spawn(unit.run());
        let running = Running {
            pod: CopyPod {
                name: self.last_pod(&spec.key),
                uid: String::new(),
                ip: Some("127.0.0.1".to_owned()),
                trouble: String::new(),
            },
            number: self.next,
            stop,
            stopping: false,
            readiness: Readiness::Down,
            addresses: BTreeMap::new(),
            spec,
        };
        self.running.insert(running.spec.key.clone(), running);
    }

    /// The name of the pod that the copy's status tells of.
    fn last_pod(&self, key: &UnitKey) -> String {
        let object = self.shared.store.get(&Key {
            kind: Kind::Copy,
            namespace: self.namespace(key),
            name: key.service.clone(),
        });
        let name = object
            .as_ref()
            .and_then(|object| object.pointer("/status/pod/name")?.as_str());
        name.unwrap_or_default().to_owned()
    }

    fn publish(&mut self, spaces: &[Space], copies: &[&Found], entries: &BTreeMap<String, u16>) {
        let mut standing: Vec<Standing> = Vec::new();
        for (space, entry) in entries {
            standing.extend(SpaceName::try_new(space).ok().map(|space| Standing {
                listener: *entry,
                space,
                entry: StandingEntry::Gateway,
            }));
        }
        for found in copies {
            standing.extend(self.standing(&found.key()));
        }
        let listeners = self.listeners();
        // New sockets accept before the table knows them: their callers wait.
        self.addresses.flush();
        let is_ready = |one: &&Running| one.readiness == Readiness::Ready && !one.stopping;
        let ready = self.running.values().filter(is_ready);
        let ready = ready
            .map(|one| (one.spec.key.clone(), one.addresses.clone()))
            .collect();
        let copies: Vec<(String, ServiceCopy)> = copies.iter().map(|found| self.remembering(found)).collect();
        let table = views::table(&Scene {
            workspace: &self.workspace,
            spaces,
            copies: &copies,
            listeners: &listeners,
            standing,
            ready: &ready,
        });
        if table != self.published {
            self.addresses.tables().publish(table.clone());
            self.published = table;
        }
    }

    /// The copy with what its status will say: one that is ready now was ready once.
    fn remembering(&self, found: &Found) -> (String, ServiceCopy) {
        let mut copy = found.copy.clone();
        let running = self.running.get(&found.key());
        if running.is_some_and(|one| one.readiness == Readiness::Ready) {
            copy.status.get_or_insert_default().ever_ready = true;
        }
        (found.space.clone(), copy)
    }

    fn tell(
        &mut self,
        spaces: &[Space],
        copies: &[Found],
        entries: &BTreeMap<String, u16>,
    ) -> Result<(), StoreError> {
        let mut told = Ok(());
        for space in spaces {
            let name = space.metadata.name.clone().unwrap_or_default();
            let own = entries.get(&name).copied();
            let status = status::of_space(space, &self.workspace, spaces, self.gateway, own);
            let uid = space.metadata.uid.as_deref().unwrap_or_default();
            let key = key(Kind::Space, &self.workspace.name, name);
            // One that cannot be kept does not hold back the others.
            told = told.and(self.shared.store.set_status(&key, uid, &status));
        }
        for found in copies {
            told = told.and(self.tell_copy(found));
        }
        told.and(self.tell_baseline())
    }

    fn tell_copy(&self, found: &Found) -> Result<(), StoreError> {
        let running = self.running.get(&found.key());
        // An agent of an earlier spec is none of this one; one without a number is not started yet.
        let uid = found.copy.metadata.uid.as_deref().unwrap_or_default();
        let of_this = |one: &&Running| {
            let current = (uid.to_owned(), plan::of_pod(&found.copy.spec));
            !one.pod.uid.is_empty() && one.spec.object.as_ref() == Some(&current)
        };
        let agent = running.filter(of_this).map(|one| status::Agent {
            pod: one.pod.clone(),
            readiness: one.readiness,
        });
        let services = self.workspace.services.iter();
        let service = services
            .into_iter()
            .find(|service| service.name == found.copy.spec.service);
        let status = status::of_copy(
            &found.copy,
            service,
            found.refusal.as_ref(),
            agent.as_ref(),
            self.routes_to(found),
        );
        let namespace = namespace_name(&self.workspace.name, &found.space);
        let name = found.copy.metadata.name.clone().unwrap_or_default();
        self.shared
            .store
            .set_status(&key(Kind::Copy, &namespace, name), uid, &status)
    }

    /// Whether the table in force sends the space's requests to its copy.
    fn routes_to(&self, found: &Found) -> bool {
        let names = SpaceName::try_new(&found.space)
            .ok()
            .zip(ServiceName::try_new(&found.copy.spec.service).ok());
        names.is_some_and(|(space, service)| self.published.has_copy(&space, &service))
    }

    fn tell_baseline(&self) -> Result<(), StoreError> {
        let key = key(Kind::Baseline, &self.workspace.name, self.workspace.name.clone());
        let body = json!({"spec": {
            "intercept": {"all": true},
            "hosts": [views::host(&self.workspace)],
            "outsideKeys": "Allow",
        }});
        let object = self.shared.store.apply(&key, &body)?;
        let baseline: devspace_api::Baseline =
            serde_json::from_value(object).map_err(std::io::Error::from)?;
        let status = status::of_baseline(&baseline, &self.workspace, self.gateway);
        let uid = baseline.metadata.uid.unwrap_or_default();
        self.shared.store.set_status(&key, &uid, &status)
    }

    fn state(&mut self) -> WorkspaceState {
        let listeners = self.listeners();
        let services = self.workspace.services.iter().map(|service| {
            let baseline = self.baseline.get(&service.name);
            let first = service.ports.first().copied().unwrap_or_default();
            let listener = listeners
                .get(&(service.name.clone(), first))
                .copied()
                .unwrap_or_default();
            ServiceState {
                name: service.name.clone(),
                phase: baseline.map_or(crate::protocol::ServicePhase::Starting, super::Baseline::phase),
                url: format!("http://127.0.0.1:{listener}"),
                trouble: baseline
                    .map(super::Baseline::trouble)
                    .filter(|trouble| !trouble.is_empty())
                    .or_else(|| self.not_kept.clone())
                    .unwrap_or_default(),
                crashes: baseline.map(super::Baseline::crashes).unwrap_or_default(),
            }
        });
        WorkspaceState {
            name: self.workspace.name.clone(),
            file: self.workspace.file.clone(),
            url: format!("http://{}:{}", views::host(&self.workspace), self.gateway),
            port_note: self.port_note.clone(),
            services: services.collect(),
        }
    }
}

fn key(kind: Kind, namespace: &str, name: String) -> Key {
    Key {
        kind,
        namespace: namespace.to_owned(),
        name,
    }
}

/// What a command in the copy's place sees.
fn context(spec: &UnitSpec) -> Context {
    let own = spec
        .variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    let environment = Environment::from_variables(inherited().into_iter().chain(own));
    let (env, folder) = match environment {
        Ok(environment) => (
            environment.of_program(&BTreeMap::new(), &[]),
            environment.working_dir(None),
        ),
        Err(error) => {
            tracing::error!(%error, "the agent's variables are wrong");
            (BTreeMap::new(), None)
        }
    };
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        // A variable that is no text cannot be told by JSON.
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    Context {
        folder: folder.unwrap_or_else(|| spec.folder.clone()),
        env: env.into_iter().filter_map(text).collect(),
        paths: spec.paths.clone(),
    }
}
