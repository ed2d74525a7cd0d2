//! A store in the memory of the process: for tests and for a first look without PostgreSQL.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{DroneStore, StoreError};
use crate::model::{Utilization, UtilizationRecord};

/// Assignments in memory. Everything is gone when the process ends.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    drones: HashMap<String, String>,
    flights: HashMap<String, UtilizationRecord>,
}

impl MemoryStore {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Each operation below leaves the entries whole, so a panic elsewhere does not spoil them.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl DroneStore for MemoryStore {
    async fn assign(
        &self,
        delivery: &str,
        offered: &str,
        flight: Option<&UtilizationRecord>,
    ) -> Result<String, StoreError> {
        let mut entries = self.entries();
        if let Some(drone) = entries.drones.get(delivery) {
            return Ok(drone.clone());
        }
        entries.drones.insert(delivery.to_owned(), offered.to_owned());
        if let Some(flight) = flight {
            entries.flights.insert(flight.id.clone(), flight.clone());
        }
        Ok(offered.to_owned())
    }

    async fn release(&self, delivery: &str) -> Result<(), StoreError> {
        let mut entries = self.entries();
        entries.drones.remove(delivery);
        entries.flights.remove(delivery);
        Ok(())
    }

    async fn record(&self, flights: &[UtilizationRecord]) -> Result<(), StoreError> {
        let mut entries = self.entries();
        for flight in flights {
            entries.flights.insert(flight.id.clone(), flight.clone());
        }
        Ok(())
    }

    async fn utilization(
        &self,
        owner: &str,
        year: i32,
        month: i32,
        by_partition: bool,
    ) -> Result<Utilization, StoreError> {
        let of_owner = |flight: &&UtilizationRecord| {
            let key = if by_partition {
                &flight.partition_key
            } else {
                &flight.owner_id
            };
            key == owner && i32::from(flight.year) == year && i32::from(flight.month) == month
        };
        Ok(self
            .entries()
            .flights
            .values()
            .filter(of_owner)
            .fold(Utilization::default(), |sum, flight| Utilization {
                traveled_miles: sum.traveled_miles + flight.travelled_miles,
                assigned_hours: sum.assigned_hours + flight.assigned_hours,
            }))
    }
}
