//! What the service speaks and keeps.

use delivery_common::json::number;
use delivery_common::place::Location;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// Metres in a statute mile.
const METRES_PER_MILE: f64 = 1609.344;

/// The speed by which a flight's hours are reckoned: 15 m/s, as in the delivery service's estimates.
const METRES_PER_HOUR: f64 = 15.0 * 3600.0;

/// A request for a drone. For reading, names are those of [`delivery_common::json::any_case`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DroneRequest {
    /// Where the drone fetches the delivery.
    #[serde(default)]
    pub pickup: Option<Location>,
    /// Where it brings it.
    #[serde(default)]
    pub dropoff: Option<Location>,
    /// What it carries: a list, or the single object that the original's workflow sent (quirk Q-11).
    #[serde(
        default,
        rename = "packagedetails",
        alias = "packagedetail",
        deserialize_with = "one_or_many"
    )]
    pub package_details: Vec<PackageDetail>,
    /// Whether it was ordered as urgent.
    #[serde(default)]
    pub expedited: bool,
    /// Who pays for the flight. An addition to the contract: with it the flight counts in the owner's utilization.
    #[serde(default, rename = "ownerid")]
    pub owner_id: Option<String>,
}

/// One package that the drone carries.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PackageDetail {
    /// The package.
    #[serde(default)]
    pub id: String,
    /// Its size: 0 small, 1 medium, 2 large.
    #[serde(default)]
    pub size: i64,
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PackageDetail>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Shape {
        Many(Vec<PackageDetail>),
        One(PackageDetail),
    }
    Ok(match Shape::deserialize(deserializer)? {
        Shape::Many(list) => list,
        Shape::One(detail) => vec![detail],
    })
}

/// A drone by its id: `AssignedDroneId` and a UUID.
#[must_use]
pub fn new_drone_id() -> String {
    format!("AssignedDroneId{}", Uuid::new_v4())
}

/// What one flight adds to an owner's utilization, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UtilizationRecord {
    /// The delivery that the drone flew for.
    pub id: String,
    /// The owner again: what a partitioned query goes by.
    #[serde(rename(serialize = "partitionKey", deserialize = "partitionkey"))]
    pub partition_key: String,
    /// Tells these records from others of the same store.
    #[serde(rename = "type")]
    pub kind: String,
    /// The year of the flight, UTC.
    pub year: i16,
    /// The month of the flight, UTC, 1 to 12.
    pub month: i8,
    /// Who pays.
    #[serde(rename(serialize = "ownerId", deserialize = "ownerid"))]
    pub owner_id: String,
    /// Miles flown. Two l's in the store, one in the API, as in the original.
    #[serde(rename(serialize = "travelledMiles", deserialize = "travelledmiles"))]
    pub travelled_miles: f64,
    /// Hours of the drone's time.
    #[serde(rename(serialize = "assignedHours", deserialize = "assignedhours"))]
    pub assigned_hours: f64,
}

impl UtilizationRecord {
    /// The record of a flight that starts now; `None` where the request does not say for whom or from where to where.
    #[must_use]
    pub fn of_request(delivery: &str, request: &DroneRequest, now: Timestamp) -> Option<Self> {
        let owner = request.owner_id.clone().filter(|owner| !owner.is_empty())?;
        let metres = request.pickup?.metres_to(&request.dropoff?);
        let date = now.to_zoned(TimeZone::UTC).date();
        Some(Self {
            id: delivery.to_owned(),
            partition_key: owner.clone(),
            kind: "DroneUtilization".to_owned(),
            year: date.year(),
            month: date.month(),
            owner_id: owner,
            travelled_miles: metres / METRES_PER_MILE,
            assigned_hours: metres / METRES_PER_HOUR,
        })
    }
}

/// How much an owner's drones flew in a month.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Utilization {
    /// Miles flown.
    #[serde(serialize_with = "number")]
    pub traveled_miles: f64,
    /// Hours of drones' time.
    #[serde(serialize_with = "number")]
    pub assigned_hours: f64,
}

impl Utilization {
    /// Whether nothing was flown.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.traveled_miles <= 0.0 && self.assigned_hours <= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use delivery_common::json::any_case;

    #[test]
    fn both_shapes_of_package_details_are_read() {
        let list: DroneRequest = any_case(br#"{"packageDetails":[{"id":"a","size":1},{"id":"b"}]}"#).unwrap();
        assert_eq!(list.package_details.len(), 2);
        let single: DroneRequest =
            any_case(br#"{"DeliveryId":"d","PackageDetail":{"Id":"a","Size":2},"Expedited":false}"#).unwrap();
        assert_eq!(
            single.package_details,
            [PackageDetail {
                id: "a".to_owned(),
                size: 2
            }]
        );
    }

    #[test]
    fn a_flight_counts_for_its_owner_in_its_month() {
        let text = br#"{"ownerId":"o","pickup":{"latitude":0},"dropoff":{"latitude":1}}"#;
        let request: DroneRequest = any_case(text).unwrap();
        let now = "2025-02-28T23:59:59Z".parse().unwrap();
        let record = UtilizationRecord::of_request("d", &request, now).unwrap();
        assert_eq!((record.year, record.month), (2025, 2));
        assert!(
            (record.travelled_miles - 69.09).abs() < 0.01,
            "{}",
            record.travelled_miles
        );
        assert!(
            (record.assigned_hours - 2.059).abs() < 0.001,
            "{}",
            record.assigned_hours
        );
        let nobody = DroneRequest {
            owner_id: None,
            ..request
        };
        assert_eq!(UtilizationRecord::of_request("d", &nobody, now), None);
    }
}
