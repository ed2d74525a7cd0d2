//! Mirrors of the baseline's ConfigMaps and Secrets in a personal namespace.
//!
//! A mirror belongs to one copy and carries the copy's name in its own, so it goes with the copy and two copies of one
//! space never write the same object.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use devspace_api::baseline::{SecretMirror, SecretPolicy};
use devspace_api::names::MIRROR_HASH_ANNOTATION;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::copy::hash_of;
use crate::copy::objects::Owner;

#[cfg(test)]
mod tests;

/// The longest name of a ConfigMap or Secret (RFC 1123 subdomain).
const NAME_MAX: usize = 253;

/// Types of Secret that stand for an identity in the cluster. They are never mirrored.
const IDENTITIES: [&str; 2] = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
];

/// What a [`Reference`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl fmt::Display for ReferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        })
    }
}

/// One place of a pod template that names a ConfigMap or Secret of the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What it names.
    pub kind: ReferenceKind,
    /// Its name in the baseline's namespace.
    pub name: String,
    /// The place, for people.
    pub needed_by: String,
    /// Whether the pod starts without it.
    pub optional: bool,
}

/// Objects of the baseline's namespace by name.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// ConfigMaps.
    pub config_maps: BTreeMap<String, ConfigMap>,
    /// Secrets. Only those that [`wanted`] names need to be read.
    pub secrets: BTreeMap<String, Secret>,
}

/// The mirrors of one copy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mirrors {
    /// ConfigMaps for server-side apply.
    pub config_maps: Vec<ConfigMap>,
    /// Secrets for server-side apply.
    pub secrets: Vec<Secret>,
    /// What was left out, for people.
    pub left_out: Vec<String>,
}

/// Why a copy's ConfigMaps and Secrets cannot be mirrored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorRefusal {
    /// The baseline has no such object.
    #[error("{kind} {name} does not exist in the baseline; {needed_by} needs it")]
    Missing {
        /// What it is.
        kind: ReferenceKind,
        /// Its name.
        name: String,
        /// The place that names it.
        needed_by: String,
    },
    /// The Baseline's policy keeps the Secret back.
    #[error("the Baseline's policy (secrets.mirror: {rule}) keeps Secret {name} back; {needed_by} needs it")]
    Forbidden {
        /// The Secret.
        name: String,
        /// The place that names it.
        needed_by: String,
        /// The rule.
        rule: &'static str,
    },
    /// The Secret is a token of the cluster's.
    #[error("Secret {name} is a token of the cluster and is never mirrored; {needed_by} needs it")]
    Token {
        /// The Secret.
        name: String,
        /// The place that names it.
        needed_by: String,
    },
}

// === impl MirrorRefusal ===

impl MirrorRefusal {
    /// One CamelCase word for the reason of a condition.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "ReferenceMissing",
            Self::Forbidden { .. } => "SecretForbidden",
            Self::Token { .. } => "SecretIsToken",
        }
    }
}

/// The name of the mirror of `name` for the copy of `service`. A Service's name has no dot, so no two mirrors meet.
#[must_use]
pub fn mirrored_name(service: &str, name: &str) -> String {
    let full = format!("{service}.{name}");
    if full.len() <= NAME_MAX {
        return full;
    }
    let head: String = full.chars().take(NAME_MAX - 17).collect();
    format!("{}-{}", head.trim_end_matches(['-', '.']), hash_of(&full))
}

/// Names of the objects that [`plan`] wants to see, by kind. A Secret that the policy keeps back is not among them.
#[must_use]
pub fn wanted(references: &[Reference], policy: &SecretPolicy) -> BTreeSet<(ReferenceKind, String)> {
    let seen = |reference: &&Reference| {
        reference.kind == ReferenceKind::ConfigMap || forbidden_by(policy, &reference.name).is_none()
    };
    references
        .iter()
        .filter(seen)
        .map(|reference| (reference.kind, reference.name.clone()))
        .collect()
}

/// The rule that keeps Secret `name` back.
fn forbidden_by(policy: &SecretPolicy, name: &str) -> Option<&'static str> {
    match policy.mirror {
        SecretMirror::Referenced => None,
        SecretMirror::None => Some("None"),
        SecretMirror::Listed => policy
            .names
            .iter()
            .all(|listed| listed != name)
            .then_some("Listed"),
    }
}

/// The mirrors of everything that `references` name.
///
/// # Errors
/// [`MirrorRefusal`] names the first object that is needed and cannot be mirrored.
pub fn plan(
    references: &[Reference],
    sources: &Sources,
    policy: &SecretPolicy,
    owner: &Owner<'_>,
) -> Result<Mirrors, MirrorRefusal> {
    let mut mirrors = Mirrors::default();
    let mut done: BTreeSet<(ReferenceKind, &str)> = BTreeSet::new();
    for reference in references {
        let found = find(reference, sources, policy);
        match found {
            Err(refusal) if reference.optional => {
                let line = format!("mirror: {refusal}, which starts without it");
                if !mirrors.left_out.contains(&line) {
                    mirrors.left_out.push(line);
                }
            }
            Err(refusal) => return Err(refusal),
            Ok(_) if !done.insert((reference.kind, &reference.name)) => {}
            Ok(Source::ConfigMap(source)) => {
                mirrors
                    .config_maps
                    .push(of_config_map(source, &reference.name, owner));
            }
            Ok(Source::Secret(source)) => mirrors.secrets.push(of_secret(source, &reference.name, owner)),
        }
    }
    Ok(mirrors)
}

/// The object that a [`Reference`] names.
enum Source<'a> {
    ConfigMap(&'a ConfigMap),
    Secret(&'a Secret),
}

fn find<'a>(
    reference: &Reference,
    sources: &'a Sources,
    policy: &SecretPolicy,
) -> Result<Source<'a>, MirrorRefusal> {
    let (kind, name, needed_by) = (
        reference.kind,
        reference.name.clone(),
        reference.needed_by.clone(),
    );
    if kind == ReferenceKind::ConfigMap {
        let found = sources.config_maps.get(&name).map(Source::ConfigMap);
        return found.ok_or(MirrorRefusal::Missing {
            kind,
            name,
            needed_by,
        });
    }
    if let Some(rule) = forbidden_by(policy, &name) {
        return Err(MirrorRefusal::Forbidden {
            name,
            needed_by,
            rule,
        });
    }
    match sources.secrets.get(&name) {
        None => Err(MirrorRefusal::Missing {
            kind,
            name,
            needed_by,
        }),
        Some(secret) if secret.type_.as_deref().is_some_and(|t| IDENTITIES.contains(&t)) => {
            Err(MirrorRefusal::Token { name, needed_by })
        }
        Some(secret) => Ok(Source::Secret(secret)),
    }
}

/// Labels and annotations of the source stay behind: tools of the baseline act on them.
fn meta(name: &str, hash: String, owner: &Owner<'_>) -> ObjectMeta {
    let annotations = BTreeMap::from([(MIRROR_HASH_ANNOTATION.to_owned(), hash)]);
    ObjectMeta {
        annotations: Some(annotations),
        ..owner.meta(mirrored_name(owner.service, name))
    }
}

fn of_config_map(source: &ConfigMap, name: &str, owner: &Owner<'_>) -> ConfigMap {
    let content = ConfigMap {
        metadata: ObjectMeta::default(),
        ..source.clone()
    };
    ConfigMap {
        metadata: meta(name, hash_of(&content), owner),
        ..content
    }
}

fn of_secret(source: &Secret, name: &str, owner: &Owner<'_>) -> Secret {
    let content = Secret {
        metadata: ObjectMeta::default(),
        ..source.clone()
    };
    Secret {
        metadata: meta(name, hash_of(&content), owner),
        ..content
    }
}
