//! Resources of the developer's container: a build needs more than the service does.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::draft::Draft;
use super::{CopyRefusal, Input, quantity};

/// The two resources that a developer may set.
const NAMES: [&str; 2] = ["cpu", "memory"];

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    let mut requirements = draft.main.resources.take().unwrap_or_default();
    // Claims are objects of the baseline's namespace (see `scheduling`).
    requirements.claims = None;
    for container in &mut draft.pod.containers {
        if let Some(resources) = &mut container.resources {
            resources.claims = None;
        }
    }
    for name in NAMES {
        if let Some(wanted) = by_spec(input, name) {
            checked(wanted, name)?;
            set(&mut requirements, name, wanted, wanted);
            draft.change(format!("{name} set to {wanted}"));
        } else if input.agent() {
            let text = by_default(input, name, &mut requirements)?;
            if let Some(text) = text {
                draft.change(text);
            }
        }
    }
    draft.main.resources = (requirements != ResourceRequirements::default()).then_some(requirements);
    Ok(())
}

fn by_spec<'a>(input: &'a Input<'_>, name: &str) -> Option<&'a str> {
    let resources = input.spec.resources.as_ref()?;
    if name == "cpu" {
        resources.cpu.as_deref()
    } else {
        resources.memory.as_deref()
    }
}

fn checked(text: &str, resource: &'static str) -> Result<(), CopyRefusal> {
    match quantity::value(text) {
        Some(value) if value > 0.0 => Ok(()),
        _ => Err(CopyRefusal::Quantity {
            text: text.to_owned(),
            resource,
        }),
    }
}

fn set(requirements: &mut ResourceRequirements, name: &str, request: &str, limit: &str) {
    let insert = |map: &mut Option<BTreeMap<String, Quantity>>, value: &str| {
        map.get_or_insert_default()
            .insert(name.to_owned(), Quantity(value.to_owned()));
    };
    insert(&mut requirements.requests, request);
    insert(&mut requirements.limits, limit);
}

/// The Baseline's default limit replaces the template's; without one the template's limit goes.
fn by_default(
    input: &Input<'_>,
    name: &'static str,
    requirements: &mut ResourceRequirements,
) -> Result<Option<String>, CopyRefusal> {
    let defaults = &input.context.baseline.copies;
    let default = if name == "cpu" {
        &defaults.cpu
    } else {
        &defaults.memory
    };
    let get = |map: &Option<BTreeMap<String, Quantity>>| map.as_ref().and_then(|map| map.get(name)).cloned();
    let (limit, request) = (get(&requirements.limits), get(&requirements.requests));
    let Some(default) = default else {
        // A namespace with a quota on limits takes no pod without one.
        let demanded = input
            .context
            .baseline
            .limits
            .quota
            .contains_key(&format!("limits.{name}"));
        let Some(limit) = limit.filter(|_| !demanded) else {
            return Ok(None);
        };
        if let Some(limits) = &mut requirements.limits {
            limits.remove(name);
        }
        requirements.limits = requirements.limits.take().filter(|limits| !limits.is_empty());
        if request.is_none() {
            // Kubernetes took the limit as the request where there was none.
            requirements
                .requests
                .get_or_insert_default()
                .insert(name.to_owned(), limit.clone());
        }
        return Ok(Some(format!("{name} limit {} dropped", limit.0)));
    };
    checked(default, name)?;
    let request = request
        .or_else(|| limit.clone())
        .map_or_else(|| default.clone(), |quantity| quantity.0);
    set(requirements, name, quantity::smaller(&request, default), default);
    let before = limit.map_or_else(|| "none".to_owned(), |quantity| quantity.0);
    Ok((before != *default).then(|| format!("{name} limit {before} replaced by {default}")))
}
