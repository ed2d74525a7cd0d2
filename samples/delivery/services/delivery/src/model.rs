//! What the service speaks: JSON in camel case out, in any case in; enums are integers.

use delivery_common::place::Location;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who ordered a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The person: the request's `ownerId`.
    #[serde(rename(serialize = "userId", deserialize = "userid"))]
    pub user_id: String,
    /// The account that pays.
    #[serde(default, rename(serialize = "accountId", deserialize = "accountid"))]
    pub account_id: String,
}

/// How the receiver confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub enum ConfirmationType {
    /// 0
    #[default]
    FingerPrint,
    /// 1
    Picture,
    /// 2
    Voice,
    /// 3
    None,
}

impl TryFrom<i64> for ConfirmationType {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        match number {
            0 => Ok(Self::FingerPrint),
            1 => Ok(Self::Picture),
            2 => Ok(Self::Voice),
            3 => Ok(Self::None),
            other => Err(format!("{other} is no confirmation type (0 to 3)")),
        }
    }
}

impl From<ConfirmationType> for i64 {
    fn from(kind: ConfirmationType) -> Self {
        kind as Self
    }
}

/// A delivery in flight. For reading, names are those of [`delivery_common::json::any_case`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Chosen by the caller.
    #[serde(default)]
    pub id: String,
    /// Who ordered it.
    pub owner: Owner,
    /// Where the drone fetches it.
    pub pickup: Location,
    /// Where the drone brings it.
    pub dropoff: Location,
    /// Free text.
    #[serde(default)]
    pub deadline: String,
    /// Whether it was ordered as urgent.
    #[serde(default)]
    pub expedited: bool,
    /// How the receiver is to confirm.
    #[serde(
        default,
        rename(serialize = "confirmationRequired", deserialize = "confirmationrequired")
    )]
    pub confirmation_required: ConfirmationType,
    /// The drone that was assigned.
    #[serde(default, rename(serialize = "droneId", deserialize = "droneid"))]
    pub drone_id: String,
}

/// The parts of a delivery that can be changed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Reschedule {
    /// New place to fetch it.
    pub pickup: Location,
    /// New place to bring it.
    pub dropoff: Location,
    /// New deadline, free text.
    #[serde(default)]
    pub deadline: String,
}

/// Who wants to hear of the delivery's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyMe {
    /// Where to write.
    #[serde(default, rename(serialize = "emailAddress", deserialize = "emailaddress"))]
    pub email_address: String,
    /// Where to send a text.
    #[serde(default)]
    pub sms: String,
}

/// A date and time in words, as confirmations carry it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct DateTimeText {
    /// The words.
    #[serde(default, rename = "datetimevalue")]
    pub value: String,
}

/// The receiver's confirmation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Confirmation {
    /// When it was given.
    #[serde(default, rename = "datetime")]
    pub date_time: DateTimeText,
    /// Where it was given: the delivery's last known location from then on.
    #[serde(rename = "geocoordinates")]
    pub geo_coordinates: Location,
    /// How it was given.
    #[serde(default, rename = "confirmationtype")]
    pub confirmation_type: ConfirmationType,
    /// The print, picture or recording.
    #[serde(default, rename = "confirmationblob")]
    pub confirmation_blob: String,
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub enum Stage {
    /// 0
    Created,
    /// 1
    Rescheduled,
    /// 2
    HeadedToPickup,
    /// 3
    HeadedToDropoff,
    /// 4
    Completed,
    /// 5
    Cancelled,
}

impl Stage {
    /// Every stage, by number.
    pub const ALL: [Self; 6] = [
        Self::Created,
        Self::Rescheduled,
        Self::HeadedToPickup,
        Self::HeadedToDropoff,
        Self::Completed,
        Self::Cancelled,
    ];

    /// The name that stands in keys and log lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Rescheduled => "Rescheduled",
            Self::HeadedToPickup => "HeadedToPickup",
            Self::HeadedToDropoff => "HeadedToDropoff",
            Self::Completed => "Completed",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl TryFrom<i64> for Stage {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::ALL.get(index).copied())
            .ok_or_else(|| format!("{number} is no stage (0 to 5)"))
    }
}

impl From<Stage> for i64 {
    fn from(stage: Stage) -> Self {
        stage as Self
    }
}

/// One thing that happened to a delivery. A delivery has at most one event of each stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackingEvent {
    /// What happened.
    pub stage: Stage,
    /// Where.
    pub location: Location,
    /// When.
    pub at: Timestamp,
}

/// The answer to "where is it".
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryStatus {
    /// How far it has come: the stage of the last tracking event.
    pub stage: Stage,
    /// Where it was last seen: the place of the last tracking event.
    pub last_known_location: Location,
    /// When it is or was fetched, RFC 3339.
    #[serde(rename = "pickupETA")]
    pub pickup_eta: String,
    /// When it is or was brought, RFC 3339.
    #[serde(rename = "deliveryETA")]
    pub delivery_eta: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use delivery_common::json::any_case;

    #[test]
    fn a_delivery_is_read_in_any_case_and_written_in_camel_case() {
        let text = br#"{"Id":"d","Owner":{"UserId":"u","AccountId":"a"},"Pickup":{"Altitude":1,"Latitude":2,
            "Longitude":3.5},"Dropoff":{},"Deadline":"","Expedited":true,"ConfirmationRequired":3,"DroneId":"x"}"#;
        let delivery: Delivery = any_case(text).unwrap();
        assert_eq!(
            serde_json::to_string(&delivery).unwrap(),
            concat!(
                r#"{"id":"d","owner":{"userId":"u","accountId":"a"},"#,
                r#""pickup":{"altitude":1,"latitude":2,"longitude":3.5},"#,
                r#""dropoff":{"altitude":0,"latitude":0,"longitude":0},"#,
                r#""deadline":"","expedited":true,"confirmationRequired":3,"droneId":"x"}"#
            )
        );
    }

    #[test]
    fn enums_are_integers_within_bounds() {
        assert_eq!(serde_json::to_string(&Stage::Cancelled).unwrap(), "5");
        assert!(any_case::<Stage>(b"6").is_err());
        assert!(any_case::<ConfirmationType>(b"-1").is_err());
        assert!(any_case::<ConfirmationType>(br#""Voice""#).is_err());
    }
}
