//! Which container of the template runs the developer's code.

use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::draft::{Draft, Parts};
use super::workload::{ports_of, target_of};
use super::{CopyPort, CopyRefusal, Input, sidecars};

/// kubectl's word for the container that is meant where none is named.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// Picks the container and makes the draft.
pub(super) fn pick(template: &PodTemplateSpec, input: &Input<'_>) -> Result<Draft, CopyRefusal> {
    let mut pod = template.spec.clone().unwrap_or_default();
    let meta = template.metadata.clone().unwrap_or_default();
    let ports = ports_of(input.context.service)?;
    let default = meta
        .annotations
        .as_ref()
        .and_then(|all| all.get(DEFAULT_CONTAINER));
    let index = match &input.spec.container {
        Some(name) => named(&pod, name)?,
        None => reached(&pod, &ports, default.map(String::as_str))?,
    };
    let targets = ports
        .iter()
        .map(|port| resolve(&pod, port))
        .collect::<Result<Vec<_>, _>>()?;
    let elsewhere = |number: i32| {
        let others = pod.containers.iter().enumerate().filter(|(at, _)| *at != index);
        others
            .flat_map(|(_, other)| other.ports.iter().flatten())
            .any(|port| port.container_port == number)
    };
    let is_tcp = |port: &ServicePort| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP");
    let listened = ports
        .iter()
        .zip(&targets)
        .filter(|(port, _)| is_tcp(port))
        .map(|(_, found)| found.target);
    let mut container_ports: Vec<i32> = listened.filter(|number| !elsewhere(*number)).collect();
    container_ports.sort_unstable();
    container_ports.dedup();
    let main = pod.containers.remove(index);
    Ok(Draft::new(Parts {
        meta,
        pod,
        main,
        ports: targets,
        container_ports,
    }))
}

fn names(pod: &PodSpec) -> Vec<String> {
    pod.containers
        .iter()
        .filter(|c| !sidecars::is_injected(c))
        .map(|c| c.name.clone())
        .collect()
}

fn named(pod: &PodSpec, wanted: &str) -> Result<usize, CopyRefusal> {
    let found = pod
        .containers
        .iter()
        .position(|container| container.name == wanted);
    found.ok_or_else(|| CopyRefusal::ContainerNotFound {
        wanted: wanted.to_owned(),
        found: names(pod),
    })
}

/// The container that the Service's first port reaches, else the template's default, else the only one.
fn reached(pod: &PodSpec, ports: &[ServicePort], default: Option<&str>) -> Result<usize, CopyRefusal> {
    let first = ports.first().map(target_of);
    let by_port = first.and_then(|target| pod.containers.iter().position(|c| has_port(c, &target)));
    let by_default = || {
        pod.containers
            .iter()
            .position(|c| Some(c.name.as_str()) == default)
    };
    let only = || {
        let mut own = pod
            .containers
            .iter()
            .enumerate()
            .filter(|(_, c)| !sidecars::is_injected(c));
        let (index, _) = own.next()?;
        own.next().is_none().then_some(index)
    };
    let found = by_port.or_else(by_default).or_else(only);
    found.ok_or_else(|| CopyRefusal::ContainerUnclear { found: names(pod) })
}

fn has_port(container: &Container, target: &IntOrString) -> bool {
    container.ports.iter().flatten().any(|port| match target {
        IntOrString::Int(number) => port.container_port == *number,
        IntOrString::String(name) => port.name.as_ref() == Some(name),
    })
}

/// The number that `port` reaches in the pod.
fn resolve(pod: &PodSpec, port: &ServicePort) -> Result<CopyPort, CopyRefusal> {
    let target = match target_of(port) {
        IntOrString::Int(number) => number,
        IntOrString::String(name) => {
            let sidecars = pod.init_containers.iter().flatten();
            let all = pod
                .containers
                .iter()
                .chain(sidecars)
                .flat_map(|c| c.ports.iter().flatten());
            let found = all
                .into_iter()
                .find(|p| p.name.as_ref() == Some(&name))
                .map(|p| p.container_port);
            found.ok_or(CopyRefusal::PortNotFound {
                port: port.port,
                target: name,
            })?
        }
    };
    let app_protocol = port.app_protocol.clone();
    Ok(CopyPort {
        name: port.name.clone(),
        port: port.port,
        target,
        app_protocol,
    })
}
