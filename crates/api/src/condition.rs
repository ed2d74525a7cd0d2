//! Conditions, after the Kubernetes API conventions ("typical status properties").

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// Condition types that we set.
pub mod kind {
    /// The object is what its spec asks for.
    pub const READY: &str = "Ready";
    /// Every ready router sends the space's requests to this copy.
    pub const ROUTED: &str = "Routed";
    /// The baseline's template has changed since the copy was derived.
    pub const DRIFT: &str = "Drift";
    /// The router of a baseline has a ready pod.
    pub const ROUTER_READY: &str = "RouterReady";
}

/// Whether the condition `kind` is `True`.
#[must_use]
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions.iter().any(|c| c.type_ == kind && c.status == "True")
}

/// The condition `kind`, if it is there.
#[must_use]
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == kind)
}

/// Sets one condition. The time of its last transition moves only when its status does.
/// What is written must not differ from what stands there when nothing has changed, else a status is written for ever.
pub fn set(conditions: &mut Vec<Condition>, mut new: Condition) {
    match conditions.iter_mut().find(|old| old.type_ == new.type_) {
        Some(old) => {
            if old.status == new.status {
                new.last_transition_time = old.last_transition_time.clone();
            }
            *old = new;
        }
        None => conditions.push(new),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn ready(status: &str, second: i64) -> Condition {
        Condition {
            type_: kind::READY.to_owned(),
            status: status.to_owned(),
            reason: "Tested".to_owned(),
            message: String::new(),
            observed_generation: Some(second),
            last_transition_time: Time(Timestamp::from_second(second).unwrap()),
        }
    }

    #[test]
    fn the_transition_time_moves_with_the_status_only() {
        let mut all = Vec::new();
        set(&mut all, ready("False", 1));
        set(&mut all, ready("False", 2));
        assert_eq!((all.len(), all[0].last_transition_time.0.as_second()), (1, 1));
        assert_eq!(all[0].observed_generation, Some(2));
        set(&mut all, ready("True", 3));
        assert_eq!(all[0].last_transition_time.0.as_second(), 3);
        assert!(is_true(&all, kind::READY));
    }
}
