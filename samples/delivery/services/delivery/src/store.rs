//! Where deliveries are kept.
//!
//! The kind of store follows from the scheme of the connection: `redis:`, `sqlite:` with a file, or `memory:`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::model::{Delivery, NotifyMe, TrackingEvent};
use crate::month::Month;

mod memory;
mod redis_backed;
mod sqlite;

pub use memory::MemoryStore;
pub use redis_backed::RedisStore;
pub use sqlite::SqliteStore;

/// How long the record of a cancelled or completed delivery stays readable (quirk Q-15): 7 days.
pub const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There was no such delivery.
    Created,
    /// There was one, and it was replaced.
    Replaced,
}

/// A store that failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The connection string has a scheme that names no kind of store.
    #[error("no store has the scheme of {0:?}: redis:, sqlite: and memory: are known")]
    Scheme(String),
    /// Redis cannot be reached.
    #[error("Redis cannot be reached")]
    Connect(#[source] redis::RedisError),
    /// Redis refused a command.
    #[error("Redis refused a command")]
    Command(#[source] redis::RedisError),
    /// The SQLite file cannot be used.
    #[error("the SQLite file cannot be used")]
    File(#[source] rusqlite::Error),
    /// A thread that worked on the SQLite file has failed.
    #[error("work on the SQLite file failed")]
    Task(#[source] tokio::task::JoinError),
    /// A record that was stored cannot be read.
    #[error("the record {key} cannot be read")]
    Record {
        /// Its key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// Keeps deliveries, their tracking events and the requests to be told of their end.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Creates a delivery with its first event, or replaces the record of one that exists. Safe to repeat: a repeated
    /// call answers [`Put::Replaced`] and leaves the first event as it is.
    async fn put(&self, delivery: &Delivery, created: &TrackingEvent) -> Result<Put, StoreError>;

    /// Reads a delivery.
    async fn get(&self, id: &str) -> Result<Option<Delivery>, StoreError>;

    /// Replaces the record of a delivery that exists and adds an event. Answers whether it exists.
    async fn change(&self, delivery: &Delivery, event: &TrackingEvent) -> Result<bool, StoreError>;

    /// Adds the last event of a delivery, whose records expire after [`RETENTION`] from then on.
    async fn close(&self, id: &str, last: &TrackingEvent) -> Result<(), StoreError>;

    /// The tracking events of a delivery, in no order.
    async fn events(&self, id: &str) -> Result<Vec<TrackingEvent>, StoreError>;

    /// Adds a request to be told.
    async fn add_notify(&self, id: &str, request: &NotifyMe) -> Result<(), StoreError>;

    /// The requests to be told, in the order in which they came.
    async fn notifies(&self, id: &str) -> Result<Vec<NotifyMe>, StoreError>;

    /// How many deliveries an owner had created, in a month or ever.
    async fn count(&self, owner: &str, month: Option<Month>) -> Result<u64, StoreError>;

    /// How long a delivery's record stays; `None` where it has no end or does not exist.
    async fn expires_in(&self, id: &str) -> Result<Option<Duration>, StoreError>;
}

/// Opens the store that a connection string names.
///
/// # Errors
/// The scheme is unknown, or the store does not answer.
pub async fn open(connection: &str) -> Result<Arc<dyn DeliveryStore>, StoreError> {
    match connection.split_once(':') {
        Some(("memory", _)) => Ok(Arc::new(MemoryStore::default())),
        Some(("sqlite", path)) => Ok(Arc::new(SqliteStore::open(Path::new(path))?)),
        Some(("redis", _)) => Ok(Arc::new(RedisStore::connect(connection).await?)),
        // The rest of the string may hold a password.
        other => Err(StoreError::Scheme(
            other.map_or("", |(scheme, _)| scheme).to_owned(),
        )),
    }
}

fn written<T: serde::Serialize>(key: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Record {
        key: key.to_owned(),
        source,
    })
}

fn read<T: serde::de::DeserializeOwned>(key: &str, text: &str) -> Result<T, StoreError> {
    delivery_common::json::any_case(text.as_bytes()).map_err(|source| StoreError::Record {
        key: key.to_owned(),
        source,
    })
}
