//! A store in the memory of the process: for tests and for a first look without Redis.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{DeliveryStore, Put, RETENTION, StoreError};
use crate::model::{Delivery, NotifyMe, Stage, TrackingEvent};
use crate::month::Month;

/// Deliveries in memory. Everything is gone when the process ends.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    records: HashMap<String, Entry>,
    /// Owner, then when each of the owner's deliveries was created. It outlives the records, for invoices.
    created: HashMap<String, HashMap<String, Timestamp>>,
}

#[derive(Debug)]
struct Entry {
    delivery: Delivery,
    events: HashMap<Stage, TrackingEvent>,
    notifies: Vec<NotifyMe>,
    expires: Option<Instant>,
}

impl MemoryStore {
    /// The entries, without those whose time is over.
    fn live(&self) -> MutexGuard<'_, Entries> {
        // Each operation below leaves the entries whole, so a panic elsewhere does not spoil them.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        entries
            .records
            .retain(|_, entry| entry.expires.is_none_or(|end| end > now));
        entries
    }
}

#[async_trait]
impl DeliveryStore for MemoryStore {
    async fn put(&self, delivery: &Delivery, created: &TrackingEvent) -> Result<Put, StoreError> {
        let mut entries = self.live();
        if let Some(entry) = entries.records.get_mut(&delivery.id) {
            entry.delivery = delivery.clone();
            return Ok(Put::Replaced);
        }
        let entry = Entry {
            delivery: delivery.clone(),
            events: HashMap::from([(created.stage, created.clone())]),
            notifies: Vec::new(),
            expires: None,
        };
        entries.records.insert(delivery.id.clone(), entry);
        let owner = entries.created.entry(delivery.owner.user_id.clone()).or_default();
        owner.entry(delivery.id.clone()).or_insert(created.at);
        Ok(Put::Created)
    }

    async fn get(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        Ok(self.live().records.get(id).map(|entry| entry.delivery.clone()))
    }

    async fn change(&self, delivery: &Delivery, event: &TrackingEvent) -> Result<bool, StoreError> {
        let mut entries = self.live();
        let Some(entry) = entries.records.get_mut(&delivery.id) else {
            return Ok(false);
        };
        entry.delivery = delivery.clone();
        entry.events.insert(event.stage, event.clone());
        Ok(true)
    }

    async fn close(&self, id: &str, last: &TrackingEvent) -> Result<(), StoreError> {
        if let Some(entry) = self.live().records.get_mut(id) {
            entry.events.insert(last.stage, last.clone());
            entry.expires = Some(Instant::now() + RETENTION);
        }
        Ok(())
    }

    async fn events(&self, id: &str) -> Result<Vec<TrackingEvent>, StoreError> {
        let entries = self.live();
        Ok(entries
            .records
            .get(id)
            .map(|entry| entry.events.values().cloned().collect())
            .unwrap_or_default())
    }

    async fn add_notify(&self, id: &str, request: &NotifyMe) -> Result<(), StoreError> {
        if let Some(entry) = self.live().records.get_mut(id) {
            entry.notifies.push(request.clone());
        }
        Ok(())
    }

    async fn notifies(&self, id: &str) -> Result<Vec<NotifyMe>, StoreError> {
        Ok(self
            .live()
            .records
            .get(id)
            .map(|entry| entry.notifies.clone())
            .unwrap_or_default())
    }

    async fn count(&self, owner: &str, month: Option<Month>) -> Result<u64, StoreError> {
        let entries = self.live();
        let Some(created) = entries.created.get(owner) else {
            return Ok(0);
        };
        let bounds = month.and_then(Month::bounds);
        let within = |at: &&Timestamp| bounds.is_none_or(|(from, until)| **at >= from && **at < until);
        Ok(created.values().filter(within).count() as u64)
    }

    async fn expires_in(&self, id: &str) -> Result<Option<Duration>, StoreError> {
        let now = Instant::now();
        Ok(self
            .live()
            .records
            .get(id)
            .and_then(|entry| entry.expires)
            .map(|end| end - now))
    }
}
