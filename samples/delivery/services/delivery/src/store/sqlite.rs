//! Deliveries in one SQLite file: for one machine without Redis. Several processes may have it open at once, so that
//! a copy of the service under development sees what the others wrote.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{DeliveryStore, Put, RETENTION, StoreError, read, written};
use crate::model::{Delivery, NotifyMe, TrackingEvent};
use crate::month::Month;

/// How long a write waits for that of another process.
const BUSY_LIMIT: Duration = Duration::from_secs(5);

/// A record and all that belongs to it expire together. `created` outlives them, for invoices.
const SCHEMA: &str = "
create table if not exists record (id text primary key, text text not null, expires integer) without rowid;
create table if not exists event (id text, stage text, text text not null, primary key (id, stage)) without rowid;
create table if not exists notify (number integer primary key, id text not null, text text not null);
create table if not exists created (owner text, id text, at integer not null, primary key (owner, id)) without rowid;
";

/// Deliveries in a file.
#[derive(Clone)]
pub struct SqliteStore {
    connection: Arc<Mutex<Connection>>,
}

impl SqliteStore {
    /// Opens the file, and makes it where it is not there.
    ///
    /// # Errors
    /// The file cannot be opened, or is no database.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(StoreError::File)?;
        connection.busy_timeout(BUSY_LIMIT).map_err(StoreError::File)?;
        // Readers and the writer of several processes do not wait for each other.
        connection
            .pragma_update(None, "journal_mode", "wal")
            .map_err(StoreError::File)?;
        connection.execute_batch(SCHEMA).map_err(StoreError::File)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Runs `work` in a transaction that writes, on a thread that may block, after what has expired is gone.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |connection| {
            let transaction = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(StoreError::File)?;
            expire(&transaction).map_err(StoreError::File)?;
            let done = work(&transaction)?;
            transaction.commit().map_err(StoreError::File)?;
            Ok(done)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let work = tokio::task::spawn_blocking(move || {
            // A panic within a transaction rolls it back, so the connection is whole.
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        work.await.map_err(StoreError::Task)?
    }

    /// The texts of one column, in the order of the query.
    async fn texts(&self, query: &'static str, id: &str) -> Result<Vec<String>, StoreError> {
        let id = id.to_owned();
        let texts = self.run(move |connection| {
            let mut statement = connection.prepare_cached(query).map_err(StoreError::File)?;
            let rows = statement
                .query_map(params![id, now()], |row| row.get(0))
                .map_err(StoreError::File)?;
            rows.collect::<Result<Vec<String>, _>>().map_err(StoreError::File)
        });
        texts.await
    }
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

fn expire(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    for table in ["event", "notify"] {
        let query = format!("delete from {table} where id in (select id from record where expires <= ?1)");
        transaction.execute(&query, [now()])?;
    }
    transaction
        .execute("delete from record where expires <= ?1", [now()])
        .map(drop)
}

fn add_event(transaction: &Transaction<'_>, id: &str, event: &TrackingEvent) -> Result<(), StoreError> {
    let stage = event.stage.name();
    let text = written(&format!("{id} {stage}"), event)?;
    transaction
        .execute(
            "insert or replace into event (id, stage, text) values (?1, ?2, ?3)",
            params![id, stage, text],
        )
        .map(drop)
        .map_err(StoreError::File)
}

#[async_trait]
impl DeliveryStore for SqliteStore {
    async fn put(&self, delivery: &Delivery, created: &TrackingEvent) -> Result<Put, StoreError> {
        let (delivery, created) = (delivery.clone(), created.clone());
        let put = self.write(move |transaction| {
            let text = written(&delivery.id, &delivery)?;
            let replaced = transaction
                .execute(
                    "update record set text = ?2 where id = ?1",
                    params![delivery.id, text],
                )
                .map_err(StoreError::File)?;
            if replaced > 0 {
                return Ok(Put::Replaced);
            }
            transaction
                .execute(
                    "insert into record (id, text) values (?1, ?2)",
                    params![delivery.id, text],
                )
                .map_err(StoreError::File)?;
            add_event(transaction, &delivery.id, &created)?;
            // A delivery that was there before keeps the time at which it was created.
            transaction
                .execute(
                    "insert or ignore into created (owner, id, at) values (?1, ?2, ?3)",
                    params![delivery.owner.user_id, delivery.id, created.at.as_millisecond()],
                )
                .map_err(StoreError::File)?;
            Ok(Put::Created)
        });
        put.await
    }

    async fn get(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        let query = "select text from record where id = ?1 and (expires is null or expires > ?2)";
        let text = self.texts(query, id).await?.into_iter().next();
        text.map(|text| read(id, &text)).transpose()
    }

    async fn change(&self, delivery: &Delivery, event: &TrackingEvent) -> Result<bool, StoreError> {
        let (delivery, event) = (delivery.clone(), event.clone());
        let changed = self.write(move |transaction| {
            let text = written(&delivery.id, &delivery)?;
            let changed = transaction
                .execute(
                    "update record set text = ?2 where id = ?1",
                    params![delivery.id, text],
                )
                .map_err(StoreError::File)?;
            if changed > 0 {
                add_event(transaction, &delivery.id, &event)?;
            }
            Ok(changed > 0)
        });
        changed.await
    }

    async fn close(&self, id: &str, last: &TrackingEvent) -> Result<(), StoreError> {
        let (id, last) = (id.to_owned(), last.clone());
        let ends = now().saturating_add(i64::try_from(RETENTION.as_millis()).unwrap_or(i64::MAX));
        let closed = self.write(move |transaction| {
            let known = transaction
                .execute("update record set expires = ?2 where id = ?1", params![id, ends])
                .map_err(StoreError::File)?;
            if known > 0 {
                add_event(transaction, &id, &last)?;
            }
            Ok(())
        });
        closed.await
    }

    async fn events(&self, id: &str) -> Result<Vec<TrackingEvent>, StoreError> {
        let query = "select event.text from event join record using (id)
                     where id = ?1 and (expires is null or expires > ?2)";
        let texts = self.texts(query, id).await?;
        texts.iter().map(|text| read(id, text)).collect()
    }

    async fn add_notify(&self, id: &str, request: &NotifyMe) -> Result<(), StoreError> {
        let (id, request) = (id.to_owned(), request.clone());
        let added = self.write(move |transaction| {
            transaction
                .execute(
                    "insert into notify (id, text) select id, ?2 from record where id = ?1",
                    params![id, written(&id, &request)?],
                )
                .map(drop)
                .map_err(StoreError::File)
        });
        added.await
    }

    async fn notifies(&self, id: &str) -> Result<Vec<NotifyMe>, StoreError> {
        let query = "select notify.text from notify join record using (id)
                     where id = ?1 and (expires is null or expires > ?2) order by number";
        let texts = self.texts(query, id).await?;
        texts.iter().map(|text| read(id, text)).collect()
    }

    async fn count(&self, owner: &str, month: Option<Month>) -> Result<u64, StoreError> {
        let owner = owner.to_owned();
        let (from, until) = month
            .and_then(Month::bounds)
            .map_or((i64::MIN, i64::MAX), |(from, until)| {
                (from.as_millisecond(), until.as_millisecond())
            });
        let counted = self.run(move |connection| {
            let query = "select count(*) from created where owner = ?1 and at >= ?2 and at < ?3";
            let counted: i64 = connection
                .query_row(query, params![owner, from, until], |row| row.get(0))
                .map_err(StoreError::File)?;
            Ok(counted.unsigned_abs())
        });
        counted.await
    }

    async fn expires_in(&self, id: &str) -> Result<Option<Duration>, StoreError> {
        let id = id.to_owned();
        let ends = self.run(move |connection| {
            let query = "select expires from record where id = ?1";
            let found: Option<Option<i64>> = connection
                .query_row(query, [id], |row| row.get(0))
                .optional()
                .map_err(StoreError::File)?;
            Ok(found.flatten())
        });
        let left = ends.await?.map(|ends| ends.saturating_sub(now()));
        Ok(left
            .and_then(|left| u64::try_from(left).ok())
            .map(Duration::from_millis))
    }
}
