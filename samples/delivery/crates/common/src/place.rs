//! Places on the globe, as deliveries name them.

use serde::{Deserialize, Serialize};

use crate::json::number;

/// Mean radius of the earth in metres (IUGG).
const EARTH_RADIUS_METRES: f64 = 6_371_008.8;

/// A place: degrees of latitude and longitude, altitude in metres.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Location {
    /// Metres above sea level.
    #[serde(default, serialize_with = "number")]
    pub altitude: f64,
    /// Degrees north.
    #[serde(default, serialize_with = "number")]
    pub latitude: f64,
    /// Degrees east.
    #[serde(default, serialize_with = "number")]
    pub longitude: f64,
}

impl Location {
    /// The great-circle distance to another place in metres, by the haversine formula. Altitude does not count.
    #[must_use]
    pub fn metres_to(&self, other: &Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let rise = ((to - from) / 2.0).sin();
        let turn = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let chord = rise * rise + from.cos() * to.cos() * turn * turn;
        2.0 * EARTH_RADIUS_METRES * chord.clamp(0.0, 1.0).sqrt().asin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_of_latitude_is_about_111_kilometres() {
        let north = Location {
            latitude: 1.0,
            ..Location::default()
        };
        let metres = Location::default().metres_to(&north);
        assert!((metres - 111_195.0).abs() < 1.0, "{metres}");
        assert!(Location::default().metres_to(&Location::default()).abs() < f64::EPSILON);
    }
}
