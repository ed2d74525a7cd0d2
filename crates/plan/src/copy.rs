//! Derivation of a copy: the baseline's pod template through a list of named transforms.
//!
//! A transform changes one thing and says so; what all of them said is the copy's `status.changes`.
//! Each lives in a file of its own under `copy/`. The order of [`TRANSFORMS`] matters where a comment says so.

mod agent;
mod container;
mod dns;
mod draft;
mod env;
mod host;
mod identity;
mod image;
mod init;
mod labels;
pub mod objects;
mod probes;
mod quantity;
mod references;
mod resolver;
mod resources;
mod scheduling;
mod security;
mod service_env;
mod sidecars;
mod volumes;
pub mod workload;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use devspace_api::baseline::BaselineSpec;
use devspace_api::copy::{CopyMode, ServiceCopySpec};
use k8s_openapi::api::core::v1::{LocalObjectReference, PodTemplateSpec, Service, ServiceAccount};

use self::draft::Draft;
pub use self::labels::selected_keys;
pub use self::resolver::Resolver;
pub use self::workload::{CopyPort, Workload};
use crate::mirror::Reference;

/// What the derivation knows besides the template and the spec. All of it is of the baseline's namespace.
#[derive(Debug, Clone, Copy)]
pub struct CopyContext<'a> {
    /// The baseline's namespace.
    pub baseline_namespace: &'a str,
    /// The space's name.
    pub space: &'a str,
    /// What the admin decided.
    pub baseline: &'a BaselineSpec,
    /// The Service whose workload is copied, intercepted or not.
    pub service: &'a Service,
    /// Every Service, for the variables that a pod of the baseline is given.
    pub services: &'a [Service],
    /// Label keys that Services and workloads select: [`selected_keys`].
    pub selected_keys: &'a BTreeSet<String>,
    /// The ServiceAccount of the template, where it exists.
    pub service_account: Option<&'a ServiceAccount>,
    /// The resolver settings of a pod of the baseline.
    pub resolver: &'a Resolver,
    /// Image of the agent.
    pub agent_image: &'a str,
    /// Address and port of the gateway Service.
    pub gateway: &'a str,
    /// Whether the cache volume is a claim. Otherwise it is an empty volume that goes with the pod.
    pub cache_claim: bool,
}

/// One thing of the baseline's template that was dropped or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Name of the transform.
    pub transform: &'static str,
    /// What it did, for people.
    pub text: String,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.transform, self.text)
    }
}

/// A copy before it becomes objects.
#[derive(Debug, Clone, PartialEq)]
pub struct DerivedCopy {
    /// The pod template.
    pub template: PodTemplateSpec,
    /// Every port of the Service with the port that it reaches in the pod.
    pub ports: Vec<CopyPort>,
    /// Ports that the Service reaches in the developer's container, sorted.
    pub container_ports: Vec<i32>,
    /// Command and arguments of the baseline's container. Empty where only the image knows them.
    pub command: Vec<String>,
    /// ConfigMaps and Secrets that the template needs, under the baseline's names.
    pub references: Vec<Reference>,
    /// Pull secrets of the ServiceAccount, under the names in the personal namespace.
    pub pull_secrets: Vec<LocalObjectReference>,
    /// The variables that stand for the baseline's Services.
    pub service_env: BTreeMap<String, String>,
    /// What was dropped or changed.
    pub changes: Vec<Change>,
}

/// Why a Service's workload cannot be copied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyRefusal {
    /// The Service's interception record cannot be read.
    #[error("Service {service}: {reason}")]
    Record {
        /// The Service.
        service: String,
        /// What is wrong with the record.
        reason: String,
    },
    /// The Service selects no pods.
    #[error("Service {service} has no selector, so there is no workload to copy")]
    NoSelector {
        /// The Service.
        service: String,
    },
    /// No workload behind the Service.
    #[error("no Deployment or StatefulSet has pods that Service {service} selects")]
    NoWorkload {
        /// The Service.
        service: String,
    },
    /// Several workloads behind the Service.
    #[error("Service {service} selects pods of several workloads: {}", found.join(", "))]
    ManyWorkloads {
        /// The Service.
        service: String,
        /// Kind and name of each.
        found: Vec<String>,
    },
    /// A kind of workload that cannot be copied.
    #[error("Service {service} selects pods of {kind} {name}, and a {kind} cannot be copied")]
    Kind {
        /// The Service.
        service: String,
        /// The workload's kind.
        kind: &'static str,
        /// The workload's name.
        name: String,
    },
    /// The template has no container of that name.
    #[error("the template has no container `{wanted}`; it has {}", found.join(", "))]
    ContainerNotFound {
        /// The name in the spec.
        wanted: String,
        /// The template's containers.
        found: Vec<String>,
    },
    /// Several containers could be meant.
    #[error("no container says that it has the Service's port; name one of {} as `container`", found.join(", "))]
    ContainerUnclear {
        /// The template's containers.
        found: Vec<String>,
    },
    /// The Service's port has a name that no container has.
    #[error("port {port} of the Service goes to the container port `{target}`, which no container has")]
    PortNotFound {
        /// The Service's port.
        port: i32,
        /// The name that it goes to.
        target: String,
    },
    /// A folder of the spec is not one that can be mounted.
    #[error("`{path}` cannot be a {role}: {reason}")]
    Folder {
        /// The path in the spec.
        path: String,
        /// What it was meant for.
        role: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A quantity of the spec or the Baseline is none.
    #[error("`{text}` is no quantity for {resource}")]
    Quantity {
        /// The text.
        text: String,
        /// The resource.
        resource: &'static str,
    },
}

impl CopyRefusal {
    /// One CamelCase word for the reason of a condition.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Record { .. } => "RecordUnreadable",
            Self::NoSelector { .. } => "NoSelector",
            Self::NoWorkload { .. } => "NoWorkload",
            Self::ManyWorkloads { .. } => "ManyWorkloads",
            Self::Kind { .. } => "KindNotCopied",
            Self::ContainerNotFound { .. } => "ContainerNotFound",
            Self::ContainerUnclear { .. } => "ContainerUnclear",
            Self::PortNotFound { .. } => "PortNotFound",
            Self::Folder { .. } => "FolderRefused",
            Self::Quantity { .. } => "QuantityRefused",
        }
    }
}

/// Everything that a transform may look at.
struct Input<'a> {
    spec: &'a ServiceCopySpec,
    context: &'a CopyContext<'a>,
}

impl Input<'_> {
    fn agent(&self) -> bool {
        self.spec.mode == CopyMode::Agent
    }
}

type Transform = fn(&mut Draft, &Input<'_>) -> Result<(), CopyRefusal>;

/// The transforms in their order.
const TRANSFORMS: [(&str, Transform); 17] = [
    ("sidecars", sidecars::apply),
    // After `sidecars`: what an injector brought is not kept as a sidecar of the team.
    ("init", init::apply),
    ("labels", labels::apply),
    ("host", host::apply),
    ("scheduling", scheduling::apply),
    ("image", image::apply),
    ("resources", resources::apply),
    ("probes", probes::apply),
    ("env", env::apply),
    // After everything that drops containers or mounts: volumes that nobody mounts any more go unreported.
    ("volumes", volumes::apply),
    ("identity", identity::apply),
    // After `env`, `volumes` and `identity`: only what is left needs mirroring.
    ("references", references::apply),
    // After `references`: this ConfigMap is ours and has no original.
    ("service-env", service_env::apply),
    ("dns", dns::apply),
    ("security", security::apply),
    // After `image` and `security`: the agent's containers follow the developer's container.
    ("agent", agent::apply),
    ("pod", draft::finish_pod),
];

/// Derives the copy of `workload` that `spec` asks for.
///
/// # Errors
/// [`CopyRefusal`] says why there can be no copy.
pub fn derive_copy(
    workload: &Workload,
    spec: &ServiceCopySpec,
    context: &CopyContext<'_>,
) -> Result<DerivedCopy, CopyRefusal> {
    let input = Input { spec, context };
    let mut draft = container::pick(&workload.template, &input)?;
    for (name, transform) in TRANSFORMS {
        draft.enter(name);
        transform(&mut draft, &input)?;
    }
    Ok(draft.finish())
}

/// A hash of the part of `template` that a copy is derived from. A rollout restart does not change it.
#[must_use]
pub fn template_hash(template: &PodTemplateSpec) -> String {
    let mut template = template.clone();
    if let Some(annotations) = template
        .metadata
        .as_mut()
        .and_then(|meta| meta.annotations.as_mut())
    {
        annotations.remove(draft::RESTARTED_AT);
    }
    hash_of(&template)
}

/// The first 16 hex digits of the BLAKE3 hash of `value` as JSON.
pub(crate) fn hash_of<T: serde::Serialize>(value: &T) -> String {
    // Kubernetes types are maps with text keys, which always serialise.
    let text = serde_json::to_vec(value).unwrap_or_default();
    blake3::hash(&text).to_hex().chars().take(16).collect()
}
