//! ConfigMaps and Secrets that the copy needs: each is named once for mirroring, and the template gets its mirror's name.

use k8s_openapi::api::core::v1::{Container, EnvFromSource, EnvVar, Volume};

use super::draft::Draft;
use super::{CopyRefusal, Input};
use crate::mirror::{Reference, ReferenceKind, mirrored_name};

/// ConfigMaps that the cluster itself makes in every namespace.
const EVERYWHERE: [&str; 2] = ["kube-root-ca.crt", "openshift-service-ca.crt"];

/// Collects references and renames them.
struct Collector<'a> {
    service: &'a str,
    found: Vec<Reference>,
}

impl Collector<'_> {
    fn take(&mut self, kind: ReferenceKind, name: &mut String, needed_by: String, optional: Option<bool>) {
        if name.is_empty() || (kind == ReferenceKind::ConfigMap && EVERYWHERE.contains(&name.as_str())) {
            return;
        }
        let mirror = mirrored_name(self.service, name);
        let original = std::mem::replace(name, mirror);
        self.found.push(Reference {
            kind,
            name: original,
            needed_by,
            optional: optional == Some(true),
        });
    }
}

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    let mut collector = Collector {
        service: &input.spec.service,
        found: Vec::new(),
    };
    for container in draft.containers_mut() {
        of_container(container, &mut collector);
    }
    for volume in draft.pod.volumes.iter_mut().flatten() {
        of_volume(volume, &mut collector);
    }
    for secret in draft.pod.image_pull_secrets.iter_mut().flatten() {
        // The kubelet pulls without a secret that is missing.
        let why = "the template, to pull images".to_owned();
        collector.take(ReferenceKind::Secret, &mut secret.name, why, Some(true));
    }
    draft.references.append(&mut collector.found);
    Ok(())
}

fn of_container(container: &mut Container, collector: &mut Collector<'_>) {
    let name = container.name.clone();
    for variable in container.env.iter_mut().flatten() {
        of_variable(variable, &name, collector);
    }
    for source in container.env_from.iter_mut().flatten() {
        of_source(source, &name, collector);
    }
}

fn of_variable(variable: &mut EnvVar, container: &str, collector: &mut Collector<'_>) {
    let why = format!("variable {} of container {container}", variable.name);
    let Some(source) = &mut variable.value_from else {
        return;
    };
    if let Some(key) = &mut source.config_map_key_ref {
        collector.take(ReferenceKind::ConfigMap, &mut key.name, why.clone(), key.optional);
    }
    if let Some(key) = &mut source.secret_key_ref {
        collector.take(ReferenceKind::Secret, &mut key.name, why, key.optional);
    }
}

fn of_source(source: &mut EnvFromSource, container: &str, collector: &mut Collector<'_>) {
    let why = format!("the environment of container {container}");
    if let Some(map) = &mut source.config_map_ref {
        collector.take(ReferenceKind::ConfigMap, &mut map.name, why.clone(), map.optional);
    }
    if let Some(secret) = &mut source.secret_ref {
        collector.take(ReferenceKind::Secret, &mut secret.name, why, secret.optional);
    }
}

fn of_volume(volume: &mut Volume, collector: &mut Collector<'_>) {
    let why = format!("volume {}", volume.name);
    if let Some(map) = &mut volume.config_map {
        collector.take(ReferenceKind::ConfigMap, &mut map.name, why.clone(), map.optional);
    }
    if let Some(secret) = &mut volume.secret
        && let Some(name) = &mut secret.secret_name
    {
        collector.take(ReferenceKind::Secret, name, why.clone(), secret.optional);
    }
    for source in volume
        .projected
        .iter_mut()
        .flat_map(|projected| projected.sources.iter_mut().flatten())
    {
        if let Some(map) = &mut source.config_map {
            collector.take(ReferenceKind::ConfigMap, &mut map.name, why.clone(), map.optional);
        }
        if let Some(secret) = &mut source.secret {
            collector.take(
                ReferenceKind::Secret,
                &mut secret.name,
                why.clone(),
                secret.optional,
            );
        }
    }
}
