//! The agent is brought without a shell, and runs the developer's container.
//!
//! The kubelet starts containers in their order and waits for a `postStart` hook before it starts the next one
//! (Kubernetes documentation, "Container Lifecycle Hooks"). So an ordinary container that waits for ever, with a hook
//! that copies the binary, does what an init container does and is a second faster.

use k8s_openapi::api::core::v1::{
    Container, EmptyDirVolumeSource, EnvVar, ExecAction, Lifecycle, LifecycleHandler,
    PersistentVolumeClaimVolumeSource, ResourceRequirements, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::draft::Draft;
use super::{CopyRefusal, Input, objects, security};

const BIN_VOLUME: &str = "devspace-bin";
const DATA_VOLUME: &str = "devspace-volume";
const BIN: &str = "/devspace/bin";
const DATA: &str = "/devspace/volume";
const AGENT: &str = "/devspace/bin/devspace-agent";
const INSTALL: &str = "devspace-agent-install";
const SEED: &str = "devspace-agent-seed";

/// A folder of the spec with its place on the volume.
struct Folder {
    path: String,
    place: String,
}

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    if !input.agent() {
        return Ok(());
    }
    let targets = folders(&input.spec.sync_targets, "sync target", "src")?;
    let cache = folders(&input.spec.cache, "cache folder", "cache")?;
    draft.first.push(install(draft, input, &targets, &cache));
    for (number, target) in targets.iter().enumerate() {
        let container = seed(draft, input, number, target);
        draft.first.push(container);
    }
    add_volumes(draft, input);
    mount(draft, targets.iter().chain(&cache));
    draft.main.command = Some(vec![AGENT.to_owned(), "run".to_owned()]);
    draft.main.args = None;
    let variables = variables(draft, input);
    let own = draft.main.env.get_or_insert_default();
    own.retain(|old| variables.iter().all(|new| new.name != old.name));
    own.extend(variables);
    if !input.context.cache_claim {
        draft.change("the cluster has no default StorageClass, so caches go with the pod".to_owned());
    }
    Ok(())
}

/// Checks `paths` and gives each its place, by its number in the list: the agent counts the same way.
fn folders(paths: &[String], role: &'static str, under: &str) -> Result<Vec<Folder>, CopyRefusal> {
    let refuse = |path: &String, reason| CopyRefusal::Folder {
        path: path.clone(),
        role,
        reason,
    };
    let mut all: Vec<Folder> = Vec::new();
    for path in paths {
        let trimmed = path.trim_end_matches('/');
        if !path.starts_with('/') {
            return Err(refuse(path, "it is not absolute"));
        }
        if trimmed.is_empty() {
            return Err(refuse(path, "it is the root of the container"));
        }
        if trimmed.split('/').any(|part| part == ".." || part == ".") || trimmed.contains([':', '\0']) {
            return Err(refuse(path, "it has `.`, `..` or `:` in it"));
        }
        if trimmed == "/devspace" || trimmed.starts_with("/devspace/") {
            return Err(refuse(path, "the agent lives there"));
        }
        if all.iter().any(|folder| folder.path == trimmed) {
            return Err(refuse(path, "it is listed twice"));
        }
        let place = format!("{under}/{}", all.len());
        all.push(Folder {
            path: trimmed.to_owned(),
            place,
        });
    }
    Ok(all)
}

fn install(draft: &Draft, input: &Input<'_>, targets: &[Folder], cache: &[Folder]) -> Container {
    let mut hook = vec!["/devspace-agent", "install", "--to", BIN]
        .into_iter()
        .map(String::from)
        .collect::<Vec<_>>();
    let places = targets.iter().chain(cache).map(|folder| folder.place.as_str());
    for place in ["state"].into_iter().chain(places) {
        hook.extend(["--dir".to_owned(), format!("{DATA}/{place}")]);
    }
    Container {
        name: INSTALL.to_owned(),
        image: Some(input.context.agent_image.to_owned()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(vec!["/devspace-agent".to_owned(), "pause".to_owned()]),
        lifecycle: Some(after_start(hook)),
        volume_mounts: Some(vec![at(BIN_VOLUME, BIN), at(DATA_VOLUME, DATA)]),
        resources: Some(little(input)),
        security_context: Some(as_main(draft, true)),
        ..Container::default()
    }
}

/// A hook is one command, and `seed` takes one folder, so each folder has a container of its own.
fn seed(draft: &Draft, input: &Input<'_>, number: usize, folder: &Folder) -> Container {
    let place = format!("{DATA}/{}", folder.place);
    let hook = [AGENT, "seed", "--from", &folder.path, "--to", &place]
        .map(String::from)
        .to_vec();
    let name = if number == 0 {
        SEED.to_owned()
    } else {
        format!("{SEED}-{number}")
    };
    let bin = VolumeMount {
        read_only: Some(true),
        ..at(BIN_VOLUME, BIN)
    };
    Container {
        name,
        image: draft.main.image.clone(),
        image_pull_policy: draft.main.image_pull_policy.clone(),
        command: Some(vec![AGENT.to_owned(), "pause".to_owned()]),
        lifecycle: Some(after_start(hook)),
        volume_mounts: Some(vec![bin, at(DATA_VOLUME, DATA)]),
        resources: Some(little(input)),
        // The image may keep its files readable for root only, so the user stays the image's own.
        security_context: Some(as_main(draft, false)),
        ..Container::default()
    }
}

fn after_start(command: Vec<String>) -> Lifecycle {
    let exec = ExecAction {
        command: Some(command),
    };
    let handler = LifecycleHandler {
        exec: Some(exec),
        ..LifecycleHandler::default()
    };
    Lifecycle {
        post_start: Some(handler),
        ..Lifecycle::default()
    }
}

fn at(volume: &str, path: &str) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        ..VolumeMount::default()
    }
}

/// The developer's container's user and group, at the restricted level where that is no root.
/// The agent's own image is never root by itself.
fn as_main(draft: &Draft, own_image: bool) -> SecurityContext {
    let main = draft.main.security_context.clone().unwrap_or_default();
    let pod = draft.pod.security_context.clone().unwrap_or_default();
    let context = SecurityContext {
        run_as_user: main.run_as_user,
        run_as_group: main.run_as_group,
        run_as_non_root: main.run_as_non_root,
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        ..SecurityContext::default()
    };
    let user = main.run_as_user.or(pod.run_as_user);
    let non_root = security::is_non_root(&main, &pod) || (own_image && user.is_none());
    if non_root {
        security::restricted(context)
    } else {
        context
    }
}

/// Resources of a container that works for a moment and then waits. A CPU limit would only slow the moment,
/// so there is one only where the namespace's quota demands it.
fn little(input: &Input<'_>) -> ResourceRequirements {
    let pair = |name: &str, value: &str| (name.to_owned(), Quantity(value.to_owned()));
    let mut limits = std::collections::BTreeMap::from([pair("memory", "128Mi")]);
    if input.context.baseline.limits.quota.contains_key("limits.cpu") {
        limits.extend([pair("cpu", "500m")]);
    }
    let requests = [pair("cpu", "1m"), pair("memory", "16Mi")].into();
    ResourceRequirements {
        limits: Some(limits),
        requests: Some(requests),
        claims: None,
    }
}

fn add_volumes(draft: &mut Draft, input: &Input<'_>) {
    let empty = || Some(EmptyDirVolumeSource::default());
    let claim = input
        .context
        .cache_claim
        .then(|| PersistentVolumeClaimVolumeSource {
            claim_name: objects::claim_name(&input.spec.service),
            ..PersistentVolumeClaimVolumeSource::default()
        });
    let data = Volume {
        name: DATA_VOLUME.to_owned(),
        empty_dir: if claim.is_none() { empty() } else { None },
        persistent_volume_claim: claim,
        ..Volume::default()
    };
    let bin = Volume {
        name: BIN_VOLUME.to_owned(),
        empty_dir: empty(),
        ..Volume::default()
    };
    draft.pod.volumes.get_or_insert_default().extend([bin, data]);
}

fn mount<'a>(draft: &mut Draft, folders: impl Iterator<Item = &'a Folder>) {
    let mut gone = Vec::new();
    let mounts = draft.main.volume_mounts.get_or_insert_default();
    mounts.push(VolumeMount {
        read_only: Some(true),
        ..at(BIN_VOLUME, BIN)
    });
    mounts.push(at(DATA_VOLUME, DATA));
    for folder in folders {
        let before = mounts.len();
        mounts.retain(|mount| mount.mount_path.trim_end_matches('/') != folder.path);
        if mounts.len() != before {
            gone.push(folder.path.clone());
        }
        mounts.push(VolumeMount {
            sub_path: Some(folder.place.clone()),
            ..at(DATA_VOLUME, &folder.path)
        });
    }
    for path in gone {
        draft.change(format!(
            "the template's mount at {path} is replaced by a folder of the copy"
        ));
    }
}

/// What the agent is told. It takes these out of the program's environment.
fn variables(draft: &Draft, input: &Input<'_>) -> Vec<EnvVar> {
    let ports: Vec<String> = draft.container_ports.iter().map(ToString::to_string).collect();
    let list = |values: &[String]| serde_json::Value::from(values.to_vec()).to_string();
    let trimmed = |values: &[String]| -> Vec<String> {
        values
            .iter()
            .map(|path| path.trim_end_matches('/').to_owned())
            .collect()
    };
    let all = [
        ("DEVSPACE_SPACE", input.context.space.to_owned()),
        ("DEVSPACE_SERVICE", input.spec.service.clone()),
        ("DEVSPACE_GATEWAY", input.context.gateway.to_owned()),
        ("DEVSPACE_PORTS", ports.join(",")),
        ("DEVSPACE_VOLUME", DATA.to_owned()),
        // `$(NAME)` in it is expanded by the kubelet, as it would be in the container's command.
        ("DEVSPACE_COMMAND", list(&draft.command)),
        ("DEVSPACE_SYNC_TARGETS", list(&trimmed(&input.spec.sync_targets))),
        ("DEVSPACE_CACHE", list(&trimmed(&input.spec.cache))),
    ];
    let variable = |(name, value): (&str, String)| EnvVar {
        name: name.to_owned(),
        value: Some(value),
        value_from: None,
    };
    all.into_iter().map(variable).collect()
}
