//! Assignments and utilization in PostgreSQL; the records of flights are JSON documents.

use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::NoTls;

use super::{DroneStore, StoreError};
use crate::model::{Utilization, UtilizationRecord};

/// Connections of one replica.
const CONNECTIONS: usize = 8;

/// How long a request waits for a connection before it fails.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Two replicas may start at once: the lock makes the second wait, since PostgreSQL's own "if not exists" can still
/// fail on a race. The number names this schema and nothing else.
const SCHEMA: &str = "
begin;
select pg_advisory_xact_lock(7245019833);
create table if not exists assignment (
    delivery_id text primary key,
    drone_id text not null,
    assigned_at timestamptz not null default now()
);
create table if not exists utilization (
    id text primary key,
    partition_key text not null,
    document jsonb not null
);
create index if not exists utilization_partition on utilization (partition_key);
create index if not exists utilization_owner on utilization ((document->>'ownerId'));
commit;
";

const ASSIGN: &str = "insert into assignment (delivery_id, drone_id) values ($1, $2) on conflict do nothing";
const ASSIGNED: &str = "select drone_id from assignment where delivery_id = $1";
const RECORD: &str = "insert into utilization (id, partition_key, document) values ($1, $2, $3::text::jsonb)
on conflict (id) do update set partition_key = excluded.partition_key, document = excluded.document";

/// The two queries differ in what finds the owner's records: the key of the partition or the document's own field.
const SUM_BY_PARTITION: &str = "select coalesce(sum((document->>'travelledMiles')::float8), 0),
coalesce(sum((document->>'assignedHours')::float8), 0) from utilization
where partition_key = $1 and (document->>'year')::int = $2 and (document->>'month')::int = $3";
const SUM_BY_OWNER: &str = "select coalesce(sum((document->>'travelledMiles')::float8), 0),
coalesce(sum((document->>'assignedHours')::float8), 0) from utilization
where document->>'ownerId' = $1 and (document->>'year')::int = $2 and (document->>'month')::int = $3";

/// Assignments in PostgreSQL.
pub struct PostgresStore {
    pool: Pool,
}

impl PostgresStore {
    /// Connects and makes the tables where they are missing.
    ///
    /// # Errors
    /// The address is wrong, PostgreSQL does not answer, or it refuses the tables.
    pub async fn connect(connection: &str) -> Result<Self, StoreError> {
        let config: tokio_postgres::Config = connection.parse().map_err(StoreError::Address)?;
        // Fast: a connection that broke is noticed by the driver and not handed out again.
        let manager_config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let timeouts = Timeouts {
            wait: Some(CONNECT_LIMIT),
            create: Some(CONNECT_LIMIT),
            recycle: Some(CONNECT_LIMIT),
        };
        let pool = Pool::builder(Manager::from_config(config, NoTls, manager_config))
            .max_size(CONNECTIONS)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(StoreError::Build)?;
        let store = Self { pool };
        store
            .client()
            .await?
            .batch_execute(SCHEMA)
            .await
            .map_err(StoreError::Schema)?;
        Ok(store)
    }

    async fn client(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(StoreError::Connect)
    }
}

async fn record(
    client: &deadpool_postgres::Transaction<'_>,
    flight: &UtilizationRecord,
) -> Result<(), StoreError> {
    let document = serde_json::to_string(flight).map_err(StoreError::Record)?;
    let statement = client
        .prepare_cached(RECORD)
        .await
        .map_err(StoreError::Statement)?;
    client
        .execute(&statement, &[&flight.id, &flight.partition_key, &document])
        .await
        .map_err(StoreError::Statement)?;
    Ok(())
}

#[async_trait]
impl DroneStore for PostgresStore {
    async fn assign(
        &self,
        delivery: &str,
        offered: &str,
        flight: Option<&UtilizationRecord>,
    ) -> Result<String, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(StoreError::Statement)?;
        let assign = transaction
            .prepare_cached(ASSIGN)
            .await
            .map_err(StoreError::Statement)?;
        let added = transaction
            .execute(&assign, &[&delivery, &offered])
            .await
            .map_err(StoreError::Statement)?;
        if let (1, Some(flight)) = (added, flight) {
            record(&transaction, flight).await?;
        }
        let assigned = transaction
            .prepare_cached(ASSIGNED)
            .await
            .map_err(StoreError::Statement)?;
        let row = transaction
            .query_one(&assigned, &[&delivery])
            .await
            .map_err(StoreError::Statement)?;
        let drone = row.try_get(0).map_err(StoreError::Statement)?;
        transaction.commit().await.map_err(StoreError::Statement)?;
        Ok(drone)
    }

    async fn release(&self, delivery: &str) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(StoreError::Statement)?;
        for statement in [
            "delete from assignment where delivery_id = $1",
            "delete from utilization where id = $1",
        ] {
            transaction
                .execute(statement, &[&delivery])
                .await
                .map_err(StoreError::Statement)?;
        }
        transaction.commit().await.map_err(StoreError::Statement)
    }

    async fn record(&self, flights: &[UtilizationRecord]) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(StoreError::Statement)?;
        for flight in flights {
            record(&transaction, flight).await?;
        }
        transaction.commit().await.map_err(StoreError::Statement)
    }

    async fn utilization(
        &self,
        owner: &str,
        year: i32,
        month: i32,
        by_partition: bool,
    ) -> Result<Utilization, StoreError> {
        let client = self.client().await?;
        let query = if by_partition {
            SUM_BY_PARTITION
        } else {
            SUM_BY_OWNER
        };
        let statement = client
            .prepare_cached(query)
            .await
            .map_err(StoreError::Statement)?;
        let row = client
            .query_one(&statement, &[&owner, &year, &month])
            .await
            .map_err(StoreError::Statement)?;
        Ok(Utilization {
            traveled_miles: row.try_get(0).map_err(StoreError::Statement)?,
            assigned_hours: row.try_get(1).map_err(StoreError::Statement)?,
        })
    }
}
