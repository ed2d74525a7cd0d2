//! Where a delivery is and when it comes: computed from its record and its tracking events.
//!
//! - The stage and the last known location are those of the latest tracking event.
//! - A drone is at the pickup 10 minutes after the delivery was created or last rescheduled; 5 minutes if expedited.
//! - It flies from pickup to dropoff on the great circle at 15 m/s; a flight takes 5 minutes at least.
//! - Once a stage was reached, the time of its event replaces the estimate: the pickup when the drone heads for the
//!   dropoff, the delivery when it is completed.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Delivery, DeliveryStatus, Stage, TrackingEvent};

const TO_PICKUP: SignedDuration = SignedDuration::from_mins(10);
const TO_PICKUP_EXPEDITED: SignedDuration = SignedDuration::from_mins(5);
const METRES_PER_SECOND: f64 = 15.0;
const SHORTEST_FLIGHT_SECONDS: f64 = 300.0;

/// The status of a delivery. `events` may be in any order; without any, the delivery counts as created at `now`.
#[must_use]
pub fn status(delivery: &Delivery, events: &[TrackingEvent], now: Timestamp) -> DeliveryStatus {
    let last = latest(events.iter());
    let planned = latest(events.iter().filter(|event| event.stage <= Stage::Rescheduled));
    let at = |stage| {
        events
            .iter()
            .find(|event| event.stage == stage)
            .map(|event| event.at)
    };

    let start = planned.map_or(now, |event| event.at);
    let lead = if delivery.expedited {
        TO_PICKUP_EXPEDITED
    } else {
        TO_PICKUP
    };
    let pickup = at(Stage::HeadedToDropoff).unwrap_or_else(|| later(start, lead));
    let delivered = at(Stage::Completed).unwrap_or_else(|| later(pickup, flight(delivery)));
    DeliveryStatus {
        stage: last.map_or(Stage::Created, |event| event.stage),
        last_known_location: last.map_or(delivery.pickup, |event| event.location),
        pickup_eta: pickup.min(delivered).to_string(),
        delivery_eta: delivered.to_string(),
    }
}

/// The latest of some events; of two at one instant the one of the higher stage.
pub fn latest<'a>(events: impl Iterator<Item = &'a TrackingEvent>) -> Option<&'a TrackingEvent> {
    events.max_by_key(|event| (event.at, event.stage))
}

fn flight(delivery: &Delivery) -> SignedDuration {
    let seconds = delivery.pickup.metres_to(&delivery.dropoff) / METRES_PER_SECOND;
    SignedDuration::try_from_secs_f64(seconds.max(SHORTEST_FLIGHT_SECONDS).round())
        .unwrap_or(SignedDuration::from_hours(1))
}

fn later(start: Timestamp, by: SignedDuration) -> Timestamp {
    start.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Owner;
    use delivery_common::place::Location;

    fn delivery() -> Delivery {
        Delivery {
            id: "d".to_owned(),
            owner: Owner {
                user_id: "u".to_owned(),
                account_id: String::new(),
            },
            pickup: Location {
                latitude: 47.0,
                ..Location::default()
            },
            dropoff: Location {
                latitude: 47.1,
                ..Location::default()
            },
            deadline: String::new(),
            expedited: false,
            confirmation_required: crate::model::ConfirmationType::None,
            drone_id: String::new(),
        }
    }

    fn event(stage: Stage, at: &str) -> TrackingEvent {
        TrackingEvent {
            stage,
            location: Location {
                altitude: 9.0,
                ..Location::default()
            },
            at: at.parse().unwrap(),
        }
    }

    #[test]
    fn estimates_follow_the_plan() {
        let created = [event(Stage::Created, "2025-01-01T10:00:00Z")];
        let status = status(&delivery(), &created, Timestamp::UNIX_EPOCH);
        assert_eq!(status.stage, Stage::Created);
        assert_eq!(status.pickup_eta, "2025-01-01T10:10:00Z");
        // A tenth of a degree of latitude is 11,119.5 m: 741 s of flight.
        assert_eq!(status.delivery_eta, "2025-01-01T10:22:21Z");
    }

    #[test]
    fn events_replace_estimates() {
        let events = [
            event(Stage::Completed, "2025-01-01T11:00:00Z"),
            event(Stage::Created, "2025-01-01T10:00:00Z"),
            event(Stage::HeadedToDropoff, "2025-01-01T10:30:00Z"),
        ];
        let status = status(&delivery(), &events, Timestamp::UNIX_EPOCH);
        assert_eq!(status.stage, Stage::Completed);
        assert!((status.last_known_location.altitude - 9.0).abs() < f64::EPSILON);
        assert_eq!(status.pickup_eta, "2025-01-01T10:30:00Z");
        assert_eq!(status.delivery_eta, "2025-01-01T11:00:00Z");
    }

    #[test]
    fn a_new_plan_moves_the_estimates_and_haste_shortens_them() {
        let events = [
            event(Stage::Created, "2025-01-01T10:00:00Z"),
            event(Stage::Rescheduled, "2025-01-01T12:00:00Z"),
        ];
        let hasty = Delivery {
            expedited: true,
            dropoff: delivery().pickup,
            ..delivery()
        };
        let status = status(&hasty, &events, Timestamp::UNIX_EPOCH);
        assert_eq!(status.pickup_eta, "2025-01-01T12:05:00Z");
        assert_eq!(status.delivery_eta, "2025-01-01T12:10:00Z");
    }
}
