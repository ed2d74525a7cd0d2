//! Deliveries in Redis.
//!
//! One database, so that one transaction covers what belongs together. Keys:
//! `delivery:{id}` the record, `event:{id}_{Stage}` one tracking event each, `notify:{id}` a list of requests to be
//! told, `owner:{owner}` a sorted set of the owner's delivery ids by the millisecond of their creation.

use std::time::Duration;

use async_trait::async_trait;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, ExistenceCheck, Pipeline, SetExpiry, SetOptions};

use super::{DeliveryStore, Put, RETENTION, StoreError, read, written};
use crate::model::{Delivery, NotifyMe, Stage, TrackingEvent};
use crate::month::Month;

/// How long a command may take before the request that needs it fails.
const COMMAND_LIMIT: Duration = Duration::from_secs(5);

/// Deliveries in Redis, over one connection that is made again when it breaks.
#[derive(Clone)]
pub struct RedisStore {
    connection: ConnectionManager,
}

impl RedisStore {
    /// Connects.
    ///
    /// # Errors
    /// The address is wrong or Redis does not answer.
    pub async fn connect(connection: &str) -> Result<Self, StoreError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(COMMAND_LIMIT))
            .set_response_timeout(Some(COMMAND_LIMIT))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(500));
        let client = redis::Client::open(connection).map_err(StoreError::Connect)?;
        let mut connection = ConnectionManager::new_with_config(client, config)
            .await
            .map_err(StoreError::Connect)?;
        // A Redis that still loads its data accepts connections and refuses commands.
        connection.ping::<()>().await.map_err(StoreError::Connect)?;
        Ok(Self { connection })
    }

    async fn run<T: redis::FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        pipeline
            .query_async(&mut self.connection.clone())
            .await
            .map_err(StoreError::Command)
    }
}

fn record_key(id: &str) -> String {
    format!("delivery:{id}")
}

fn event_key(id: &str, stage: Stage) -> String {
    format!("event:{id}_{}", stage.name())
}

fn notify_key(id: &str) -> String {
    format!("notify:{id}")
}

fn owner_key(owner: &str) -> String {
    format!("owner:{owner}")
}

#[async_trait]
impl DeliveryStore for RedisStore {
    async fn put(&self, delivery: &Delivery, created: &TrackingEvent) -> Result<Put, StoreError> {
        let (record, event) = (record_key(&delivery.id), event_key(&delivery.id, created.stage));
        let new = SetOptions::default().conditional_set(ExistenceCheck::NX);
        let text = written(&record, delivery)?;
        let mut create = redis::pipe();
        create.atomic();
        create.set_options(&record, &text, new.clone());
        create
            .set_options(&event, written(&event, created)?, new)
            .ignore();
        // NX: a replaced delivery keeps the time at which it was created.
        create
            .cmd("ZADD")
            .arg(owner_key(&delivery.owner.user_id))
            .arg("NX")
            .arg(created.at.as_millisecond())
            .arg(&delivery.id)
            .ignore();
        let (done,): (Option<String>,) = self.run(&create).await?;
        if done.is_some() {
            return Ok(Put::Created);
        }
        let same_end = SetOptions::default().with_expiration(SetExpiry::KEEPTTL);
        let mut replace = redis::pipe();
        replace.set_options(&record, &text, same_end).ignore();
        self.run::<()>(&replace).await?;
        Ok(Put::Replaced)
    }

    async fn get(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        let key = record_key(id);
        let text: Option<String> = self
            .connection
            .clone()
            .get(&key)
            .await
            .map_err(StoreError::Command)?;
        text.map(|text| read(&key, &text)).transpose()
    }

    async fn change(&self, delivery: &Delivery, event: &TrackingEvent) -> Result<bool, StoreError> {
        let (record, event_key) = (record_key(&delivery.id), event_key(&delivery.id, event.stage));
        let existing = SetOptions::default()
            .conditional_set(ExistenceCheck::XX)
            .with_expiration(SetExpiry::KEEPTTL);
        let mut change = redis::pipe();
        change.set_options(&record, written(&record, delivery)?, existing);
        let (done,): (Option<String>,) = self.run(&change).await?;
        if done.is_none() {
            return Ok(false);
        }
        let mut add = redis::pipe();
        add.set(&event_key, written(&event_key, event)?).ignore();
        self.run::<()>(&add).await?;
        Ok(true)
    }

    async fn close(&self, id: &str, last: &TrackingEvent) -> Result<(), StoreError> {
        let key = event_key(id, last.stage);
        let seconds = RETENTION.as_secs().cast_signed();
        let mut close = redis::pipe();
        close.atomic();
        close.set(&key, written(&key, last)?).ignore();
        close.expire(record_key(id), seconds).ignore();
        close.expire(notify_key(id), seconds).ignore();
        for stage in Stage::ALL {
            close.expire(event_key(id, stage), seconds).ignore();
        }
        self.run(&close).await
    }

    async fn events(&self, id: &str) -> Result<Vec<TrackingEvent>, StoreError> {
        let keys: Vec<String> = Stage::ALL.iter().map(|stage| event_key(id, *stage)).collect();
        let texts: Vec<Option<String>> = self
            .connection
            .clone()
            .mget(&keys)
            .await
            .map_err(StoreError::Command)?;
        keys.iter()
            .zip(texts)
            .filter_map(|(key, text)| text.map(|text| read(key, &text)))
            .collect()
    }

    async fn add_notify(&self, id: &str, request: &NotifyMe) -> Result<(), StoreError> {
        let key = notify_key(id);
        let text = written(&key, request)?;
        self.connection
            .clone()
            .rpush(&key, text)
            .await
            .map_err(StoreError::Command)
    }

    async fn notifies(&self, id: &str) -> Result<Vec<NotifyMe>, StoreError> {
        let key = notify_key(id);
        let texts: Vec<String> = self
            .connection
            .clone()
            .lrange(&key, 0, -1)
            .await
            .map_err(StoreError::Command)?;
        texts.iter().map(|text| read(&key, text)).collect()
    }

    async fn count(&self, owner: &str, month: Option<Month>) -> Result<u64, StoreError> {
        let key = owner_key(owner);
        let mut connection = self.connection.clone();
        let counted = match month.and_then(Month::bounds) {
            None => connection.zcard(&key).await,
            Some((from, until)) => {
                // "(": the first millisecond of the next month does not count.
                let end = format!("({}", until.as_millisecond());
                connection.zcount(&key, from.as_millisecond(), end).await
            }
        };
        counted.map_err(StoreError::Command)
    }

    async fn expires_in(&self, id: &str) -> Result<Option<Duration>, StoreError> {
        let millis: i64 = self
            .connection
            .clone()
            .pttl(record_key(id))
            .await
            .map_err(StoreError::Command)?;
        Ok(u64::try_from(millis).ok().map(Duration::from_millis))
    }
}
