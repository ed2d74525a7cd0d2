//! The objects of a copy, for server-side apply in the personal namespace.

use std::collections::BTreeMap;

use devspace_api::names::{DERIVED_FROM_ANNOTATION, DERIVED_HASH_ANNOTATION, TEMPLATE_HASH_ANNOTATION};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::api::core::v1::{
    ConfigMap, PersistentVolumeClaim, PersistentVolumeClaimSpec, Service, ServiceAccount, ServicePort,
    ServiceSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{CopyContext, DerivedCopy, hash_of, labels};
use crate::space::short_name;

/// Size of the cache volume where the Baseline names none.
const CACHE_SIZE: &str = "5Gi";

/// Whose objects these are.
#[derive(Debug, Clone)]
pub struct Owner<'a> {
    /// What the copy is derived in.
    pub context: &'a CopyContext<'a>,
    /// The personal namespace.
    pub namespace: &'a str,
    /// The Service that the copy stands for.
    pub service: &'a str,
    /// The ServiceCopy.
    pub reference: OwnerReference,
}

/// What the Deployment remembers of its derivation. It stands beside the pod template, so it rolls nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Which ask of the developer the template follows.
    pub derived_from: String,
    /// Hash of the baseline's template.
    pub template_hash: String,
}

/// Name of a copy's Deployment and ServiceAccount.
#[must_use]
pub fn workload_name(service: &str) -> String {
    service.to_owned()
}

/// Name of a copy's headless Service. It shadows no name that a program looks up.
#[must_use]
pub fn service_name(service: &str) -> String {
    short_name(&format!("devspace-copy-{service}"))
}

/// Name of a copy's cache claim.
#[must_use]
pub fn claim_name(service: &str) -> String {
    format!("devspace-cache-{service}")
}

/// Name of the ConfigMap with the variables that stand for the baseline's Services.
#[must_use]
pub fn service_env_name(service: &str) -> String {
    format!("devspace-service-env-{service}")
}

// === impl Owner ===

impl Owner<'_> {
    /// Metadata of an object that goes with the ServiceCopy.
    #[must_use]
    pub fn meta(&self, name: String) -> ObjectMeta {
        ObjectMeta {
            name: Some(name),
            namespace: Some(self.namespace.to_owned()),
            labels: Some(labels::own(self.context, self.service)),
            owner_references: Some(vec![self.reference.clone()]),
            ..ObjectMeta::default()
        }
    }

    /// The Deployment: one pod, and never two, since both would write the same volume.
    #[must_use]
    pub fn deployment(&self, derived: &DerivedCopy, provenance: &Provenance) -> Deployment {
        let annotations = BTreeMap::from([
            (
                DERIVED_FROM_ANNOTATION.to_owned(),
                provenance.derived_from.clone(),
            ),
            (
                TEMPLATE_HASH_ANNOTATION.to_owned(),
                provenance.template_hash.clone(),
            ),
            (DERIVED_HASH_ANNOTATION.to_owned(), hash_of(&derived.template)),
        ]);
        let mut selector = labels::own(self.context, self.service);
        selector.retain(|key, _| key.starts_with("devspace.dev/"));
        Deployment {
            metadata: ObjectMeta {
                annotations: Some(annotations),
                ..self.meta(workload_name(self.service))
            },
            spec: Some(DeploymentSpec {
                replicas: Some(1),
                revision_history_limit: Some(1),
                selector: LabelSelector {
                    match_labels: Some(selector),
                    ..LabelSelector::default()
                },
                strategy: Some(DeploymentStrategy {
                    type_: Some("Recreate".to_owned()),
                    rolling_update: None,
                }),
                template: derived.template.clone(),
                ..DeploymentSpec::default()
            }),
            status: None,
        }
    }

    /// The headless Service, whose EndpointSlices tell the routers where the copy is.
    /// Its ports have the names and numbers of the baseline's Service, so slice ports match by name.
    #[must_use]
    pub fn service(&self, derived: &DerivedCopy) -> Service {
        let mut selector = labels::own(self.context, self.service);
        selector.retain(|key, _| key.starts_with("devspace.dev/"));
        let ports = derived.ports.iter().map(|port| ServicePort {
            name: port.name.clone(),
            port: port.port,
            target_port: Some(IntOrString::Int(port.target)),
            app_protocol: port.app_protocol.clone(),
            protocol: Some("TCP".to_owned()),
            node_port: None,
        });
        Service {
            metadata: self.meta(service_name(self.service)),
            spec: Some(ServiceSpec {
                cluster_ip: Some("None".to_owned()),
                selector: Some(selector),
                ports: Some(ports.collect()),
                publish_not_ready_addresses: Some(false),
                ..ServiceSpec::default()
            }),
            status: None,
        }
    }

    /// The ServiceAccount: pull secrets, no token, no rights.
    #[must_use]
    pub fn service_account(&self, derived: &DerivedCopy) -> ServiceAccount {
        ServiceAccount {
            metadata: self.meta(workload_name(self.service)),
            automount_service_account_token: Some(false),
            image_pull_secrets: (!derived.pull_secrets.is_empty()).then(|| derived.pull_secrets.clone()),
            secrets: None,
        }
    }

    /// The ConfigMap with the variables that stand for the baseline's Services.
    #[must_use]
    pub fn service_env(&self, derived: &DerivedCopy) -> ConfigMap {
        ConfigMap {
            metadata: self.meta(service_env_name(self.service)),
            data: Some(derived.service_env.clone()),
            ..ConfigMap::default()
        }
    }

    /// The cache claim. It outlives the ServiceCopy and goes with the namespace, so nothing owns it.
    #[must_use]
    pub fn claim(&self) -> PersistentVolumeClaim {
        let defaults = &self.context.baseline.copies;
        let size = defaults.cache_size.as_deref().unwrap_or(CACHE_SIZE);
        let requests = BTreeMap::from([("storage".to_owned(), Quantity(size.to_owned()))]);
        PersistentVolumeClaim {
            metadata: ObjectMeta {
                owner_references: None,
                ..self.meta(claim_name(self.service))
            },
            spec: Some(PersistentVolumeClaimSpec {
                access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
                storage_class_name: defaults.storage_class.clone(),
                resources: Some(VolumeResourceRequirements {
                    requests: Some(requests),
                    limits: None,
                }),
                ..PersistentVolumeClaimSpec::default()
            }),
            status: None,
        }
    }
}
