//! Nothing of the node is within a copy's reach.

use k8s_openapi::api::core::v1::{Container, PodSecurityContext, PodSpec, SecurityContext};

use super::draft::Draft;
use super::{CopyRefusal, Input};

/// The one capability that the restricted pod security level lets a container add.
const HARMLESS: &str = "NET_BIND_SERVICE";

pub(super) fn apply(draft: &mut Draft, _input: &Input<'_>) -> Result<(), CopyRefusal> {
    let pod = &mut draft.pod;
    let mut gone: Vec<String> = namespaces(pod).into_iter().map(ToOwned::to_owned).collect();
    if let Some(context) = &mut pod.security_context {
        gone.extend(pod_context(context).into_iter().map(ToOwned::to_owned));
    }
    for container in draft.containers_mut() {
        let name = container.name.clone();
        gone.extend(
            of_container(container)
                .into_iter()
                .map(|what| format!("{what} of container {name}")),
        );
    }
    let apparmor = |key: &String| key.starts_with("container.apparmor.security.beta.kubernetes.io/");
    draft.annotations.retain(|key, _| !apparmor(key));
    for what in gone {
        draft.change(format!("{what} dropped"));
    }
    Ok(())
}

fn namespaces(pod: &mut PodSpec) -> Vec<&'static str> {
    let fields = [
        ("host network", pod.host_network.take()),
        ("host process ids", pod.host_pid.take()),
        ("host IPC", pod.host_ipc.take()),
    ];
    fields
        .into_iter()
        .filter(|(_, set)| *set == Some(true))
        .map(|(name, _)| name)
        .collect()
}

fn pod_context(context: &mut PodSecurityContext) -> Vec<&'static str> {
    let mut gone = Vec::new();
    if context.sysctls.take().is_some_and(|all| !all.is_empty()) {
        gone.push("sysctls");
    }
    if context.windows_options.take().is_some() {
        gone.push("Windows options");
    }
    if context
        .seccomp_profile
        .take_if(|profile| profile.type_ != "RuntimeDefault")
        .is_some()
    {
        gone.push("seccomp profile");
    }
    if context
        .app_armor_profile
        .take_if(|profile| profile.type_ != "RuntimeDefault")
        .is_some()
    {
        gone.push("AppArmor profile");
    }
    if context.se_linux_options.take().is_some() {
        gone.push("SELinux options");
    }
    gone
}

fn of_container(container: &mut Container) -> Vec<String> {
    let mut gone = Vec::new();
    for port in container.ports.iter_mut().flatten() {
        port.host_ip = None;
        if let Some(number) = port.host_port.take().filter(|number| *number != 0) {
            gone.push(format!("host port {number}"));
        }
    }
    if container.volume_devices.take().is_some_and(|all| !all.is_empty()) {
        gone.push("block devices".to_owned());
    }
    if let Some(context) = &mut container.security_context {
        gone.extend(container_context(context));
    }
    gone
}

fn container_context(context: &mut SecurityContext) -> Vec<String> {
    let mut gone = Vec::new();
    if context.privileged.take() == Some(true) {
        gone.push("privileged".to_owned());
    }
    if context.proc_mount.take_if(|mount| mount != "Default").is_some() {
        gone.push("unmasked /proc".to_owned());
    }
    if context.windows_options.take().is_some() {
        gone.push("Windows options".to_owned());
    }
    if context
        .seccomp_profile
        .take_if(|profile| profile.type_ != "RuntimeDefault")
        .is_some()
    {
        gone.push("seccomp profile".to_owned());
    }
    if context
        .app_armor_profile
        .take_if(|profile| profile.type_ != "RuntimeDefault")
        .is_some()
    {
        gone.push("AppArmor profile".to_owned());
    }
    if context.se_linux_options.take().is_some() {
        gone.push("SELinux options".to_owned());
    }
    if let Some(capabilities) = &mut context.capabilities {
        let added = capabilities.add.take().unwrap_or_default();
        let (kept, dropped): (Vec<_>, Vec<_>) = added.into_iter().partition(|name| name == HARMLESS);
        capabilities.add = (!kept.is_empty()).then_some(kept);
        gone.extend(dropped.into_iter().map(|name| format!("capability {name}")));
    }
    gone
}
