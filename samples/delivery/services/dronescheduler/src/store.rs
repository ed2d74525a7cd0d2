//! Where assignments and utilization are kept: PostgreSQL, or the memory of the process.

use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;

use crate::model::{Utilization, UtilizationRecord};

mod memory;
mod postgres;

pub use memory::MemoryStore;
pub use postgres::PostgresStore;

/// A store that failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The connection string has a scheme that names no kind of store.
    #[error("no store has the scheme {0:?}: postgres: and memory: are known")]
    Scheme(String),
    /// The connection string cannot be read. It is not shown, since it may hold a password.
    #[error("the connection string cannot be read")]
    Address(#[source] tokio_postgres::Error),
    /// The pool of connections cannot be made.
    #[error("the pool of connections cannot be made")]
    Build(#[source] deadpool_postgres::BuildError),
    /// No connection is to be had.
    #[error("no connection to PostgreSQL is to be had")]
    Connect(#[source] deadpool_postgres::PoolError),
    /// The tables cannot be made.
    #[error("the tables cannot be made")]
    Schema(#[source] tokio_postgres::Error),
    /// PostgreSQL refused a statement.
    #[error("PostgreSQL refused a statement")]
    Statement(#[source] tokio_postgres::Error),
    /// A record cannot be written as JSON.
    #[error("a record cannot be written as JSON")]
    Record(#[source] serde_json::Error),
}

/// Keeps which drone flies which delivery, and what the flights add up to.
#[async_trait]
pub trait DroneStore: Send + Sync {
    /// Assigns a drone to a delivery and answers with the drone's id. Safe to repeat: a delivery that has a drone keeps
    /// it, whatever is offered (quirk Q-12). The flight is recorded with the assignment, or not at all.
    async fn assign(
        &self,
        delivery: &str,
        offered: &str,
        flight: Option<&UtilizationRecord>,
    ) -> Result<String, StoreError>;

    /// Takes the drone and the record of its flight away. Safe to repeat.
    async fn release(&self, delivery: &str) -> Result<(), StoreError>;

    /// Adds or replaces records of flights.
    async fn record(&self, flights: &[UtilizationRecord]) -> Result<(), StoreError>;

    /// The sums over an owner's records of a month; zeros where there are none. `by_partition` asks by the partition
    /// key, which is the owner, instead of by the owner's name in each record.
    async fn utilization(
        &self,
        owner: &str,
        year: i32,
        month: i32,
        by_partition: bool,
    ) -> Result<Utilization, StoreError>;
}

/// Opens the store that a connection string names.
///
/// # Errors
/// The scheme is unknown, or the store does not answer.
pub async fn open(connection: &str) -> Result<Arc<dyn DroneStore>, StoreError> {
    match connection
        .split_once(':')
        .map_or(connection, |(scheme, _)| scheme)
    {
        "memory" => Ok(Arc::new(MemoryStore::default())),
        "postgres" | "postgresql" => Ok(Arc::new(PostgresStore::connect(connection).await?)),
        other => Err(StoreError::Scheme(other.to_owned())),
    }
}
