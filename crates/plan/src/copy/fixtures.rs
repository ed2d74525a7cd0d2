//! A small baseline for the tests of this module.

use std::collections::BTreeSet;

use devspace_api::baseline::BaselineSpec;
use devspace_api::copy::ServiceCopySpec;
use k8s_openapi::api::core::v1::{PodTemplateSpec, Service, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::de::DeserializeOwned;

use super::objects::Owner;
use super::workload::{Workload, WorkloadKind};
use super::{CopyContext, CopyRefusal, DerivedCopy, Input, Resolver, TRANSFORMS, container, derive_copy};

pub(crate) fn yaml<T: DeserializeOwned>(text: &str) -> T {
    serde_saphyr::from_str(text).unwrap()
}

/// A baseline with Services `package` and `delivery`.
pub(crate) struct World {
    pub(crate) baseline: BaselineSpec,
    pub(crate) service: Service,
    pub(crate) services: Vec<Service>,
    pub(crate) selected: BTreeSet<String>,
    pub(crate) account: Option<ServiceAccount>,
    pub(crate) resolver: Resolver,
    pub(crate) cache_claim: bool,
    pub(crate) spec: ServiceCopySpec,
}

impl World {
    pub(crate) fn new() -> Self {
        let service: Service = yaml(
            "{metadata: {name: package}, spec: {clusterIP: 10.96.0.20, selector: {app: package}, \
             ports: [{name: http, port: 80, targetPort: http}, {name: admin, port: 9000}]}}",
        );
        let other: Service = yaml(
            "{metadata: {name: delivery-api}, spec: {clusterIP: 10.96.0.21, selector: {tier: backend}, \
             ports: [{port: 8080}]}}",
        );
        let headless: Service = yaml(
            "{metadata: {name: db}, spec: {clusterIP: None, selector: {db: main}, ports: [{port: 5432}]}}",
        );
        let gateway: Service =
            yaml("{metadata: {name: devspace-gateway}, spec: {clusterIP: 10.96.0.9, ports: [{port: 80}]}}");
        let resolv = "search devspace-system.svc.cluster.local svc.cluster.local cluster.local\n\
                      nameserver 10.96.0.10\noptions ndots:5\n";
        Self {
            baseline: BaselineSpec::default(),
            selected: ["app".to_owned(), "tier".to_owned()].into(),
            services: vec![service.clone(), other, headless, gateway],
            service,
            account: None,
            resolver: Resolver::parse(resolv).for_namespace("devspace-system", "shop"),
            cache_claim: true,
            spec: ServiceCopySpec {
                service: "package".into(),
                ..ServiceCopySpec::default()
            },
        }
    }

    pub(crate) fn context(&self) -> CopyContext<'_> {
        CopyContext {
            baseline_namespace: "shop",
            space: "red",
            baseline: &self.baseline,
            service: &self.service,
            services: &self.services,
            selected_keys: &self.selected,
            service_account: self.account.as_ref(),
            resolver: &self.resolver,
            agent_image: "devspace.test/devspace-agent:dev",
            gateway: "10.96.0.9:80",
            cache_claim: self.cache_claim,
        }
    }

    /// The whole derivation.
    pub(crate) fn derive(&self, template: &PodTemplateSpec) -> Result<DerivedCopy, CopyRefusal> {
        let workload = Workload {
            kind: WorkloadKind::Deployment,
            name: "package".into(),
            template: template.clone(),
        };
        derive_copy(&workload, &self.spec, &self.context())
    }

    /// One transform alone.
    pub(crate) fn alone(&self, wanted: &str, template: &PodTemplateSpec) -> Result<DerivedCopy, CopyRefusal> {
        let context = self.context();
        let input = Input {
            spec: &self.spec,
            context: &context,
        };
        let mut draft = container::pick(template, &input)?;
        let (name, transform) = TRANSFORMS.into_iter().find(|(name, _)| *name == wanted).unwrap();
        draft.enter(name);
        transform(&mut draft, &input)?;
        Ok(draft.finish())
    }

    pub(crate) fn owner<'a>(context: &'a CopyContext<'a>) -> Owner<'a> {
        let reference = OwnerReference {
            api_version: "devspace.dev/v1alpha1".into(),
            kind: "ServiceCopy".into(),
            name: "package".into(),
            uid: "uid-of-the-copy".into(),
            controller: Some(true),
            block_owner_deletion: None,
        };
        Owner {
            context,
            namespace: "devspace-shop--red",
            service: "package",
            reference,
        }
    }
}

/// What a derivation did, as text.
pub(crate) fn shown(derived: &DerivedCopy) -> String {
    let changes = derived
        .changes
        .iter()
        .map(|change| format!("# {change}\n"))
        .collect::<String>();
    let references = derived.references.iter().map(|r| {
        let optional = if r.optional { " (optional)" } else { "" };
        format!("# needs {} {}{optional}: {}\n", r.kind, r.name, r.needed_by)
    });
    let references = references.collect::<String>();
    let variables = derived
        .service_env
        .iter()
        .map(|(name, value)| format!("# {name}={value}\n"))
        .collect::<String>();
    let template = serde_saphyr::to_string(&derived.template).unwrap();
    format!("{changes}{references}{variables}{template}")
}
