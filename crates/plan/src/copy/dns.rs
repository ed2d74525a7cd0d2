//! Names resolve as in a pod of the baseline.

use k8s_openapi::api::core::v1::{PodDNSConfig, PodDNSConfigOption};

use super::draft::Draft;
use super::{CopyRefusal, Input, Resolver};

/// Limits of a pod's resolver settings (Kubernetes documentation, "DNS for Services and Pods").
const MAX_NAMESERVERS: usize = 3;
const MAX_SEARCHES: usize = 32;

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    // `None` says all there is to say, and `Default` means the node's: neither depends on a namespace.
    if matches!(draft.pod.dns_policy.as_deref(), Some("None" | "Default")) {
        return Ok(());
    }
    let own = draft.pod.dns_config.take().unwrap_or_default();
    draft.pod.dns_policy = Some("None".to_owned());
    draft.pod.dns_config = Some(merged(input.context.resolver, own));
    Ok(())
}

/// The kubelet's merge for `ClusterFirst`: the pod's servers and domains follow, its options win.
fn merged(resolver: &Resolver, own: PodDNSConfig) -> PodDNSConfig {
    let nameservers = unique(&resolver.nameservers, own.nameservers, MAX_NAMESERVERS);
    let searches = unique(&resolver.searches, own.searches, MAX_SEARCHES);
    let own_options = own.options.unwrap_or_default();
    let of_cluster = resolver.options.iter().map(|(name, value)| PodDNSConfigOption {
        name: Some(name.clone()),
        value: value.clone(),
    });
    let kept = of_cluster.filter(|option| own_options.iter().all(|own| own.name != option.name));
    let options: Vec<PodDNSConfigOption> = kept.collect();
    let options = options.into_iter().chain(own_options).collect();
    PodDNSConfig {
        nameservers: Some(nameservers),
        searches: Some(searches),
        options: Some(options),
    }
}

fn unique(first: &[String], second: Option<Vec<String>>, most: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for text in first.iter().cloned().chain(second.unwrap_or_default()) {
        if !all.contains(&text) && all.len() < most {
            all.push(text);
        }
    }
    all
}
