//! Ingress objects.

use devspace_core::ServiceName;
use devspace_core::table::{BackendRef, EntryRule, PathMatch, PortRef};
use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress, IngressBackend};
use kube::ResourceExt;

/// The gateway's rules in the order of age, so that the older object wins where two say the same.
pub(super) fn rules(ingresses: &[&Ingress]) -> Vec<EntryRule> {
    let mut ordered = ingresses.to_vec();
    ordered.sort_by_key(|ingress| {
        (
            ingress.creation_timestamp().map(|time| time.0),
            ingress.name_any(),
        )
    });
    ordered.iter().flat_map(|ingress| of_ingress(ingress)).collect()
}

fn of_ingress(ingress: &Ingress) -> Vec<EntryRule> {
    let Some(spec) = &ingress.spec else {
        return Vec::new();
    };
    let mut rules = Vec::new();
    for rule in spec.rules.iter().flatten() {
        for path in rule.http.iter().flat_map(|http| &http.paths) {
            let Some(backend) = backend(&path.backend) else {
                continue;
            };
            rules.push(EntryRule {
                host: rule.host.clone(),
                path: Some(path_match(path)),
                backend,
            });
        }
    }
    if let Some(backend) = spec.default_backend.as_ref().and_then(backend) {
        rules.push(EntryRule {
            host: None,
            path: None,
            backend,
        });
    }
    rules
}

fn path_match(path: &HTTPIngressPath) -> PathMatch {
    let text = path.path.clone().unwrap_or_else(|| "/".to_owned());
    if path.path_type == "Exact" {
        PathMatch::Exact(text)
    } else {
        PathMatch::Prefix(text)
    }
}

fn backend(backend: &IngressBackend) -> Option<BackendRef> {
    let service = backend.service.as_ref()?;
    let port = service.port.as_ref()?;
    let port = match (port.number, &port.name) {
        (Some(number), _) => PortRef::Number(u16::try_from(number).ok()?),
        (None, Some(name)) => PortRef::Name(name.clone()),
        (None, None) => return None,
    };
    Some(BackendRef {
        service: ServiceName::try_new(&service.name).ok()?,
        port,
    })
}
