//! From watch events to published tables.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use devspace_core::ServiceName;
use devspace_core::table::RouteTable;
use devspace_data_plane::{Metrics, Router, Tables};
use kube::core::DeserializeGuard;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use crate::listen::Block;
use crate::logging::chain;
use crate::state;
use crate::view::{self, Objects};
use crate::watch::Stores;

/// The least time between two tables: a burst of events becomes one table, a lone event is not delayed.
const BETWEEN: Duration = Duration::from_millis(10);

/// Builds and publishes a table after every burst of changes.
pub(crate) struct Publisher {
    pub(crate) stores: Stores,
    pub(crate) tables: Arc<Tables>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) router: Arc<Router>,
    pub(crate) block: Block,
    pub(crate) changed: Arc<Notify>,
    /// Set once a complete table is published: `Publisher --ready--> admin`.
    pub(crate) ready_tx: watch::Sender<bool>,
    /// The last table for the disk: `Publisher --table--> store task`.
    pub(crate) store_tx: watch::Sender<Option<Arc<RouteTable>>>,
}

// === impl Publisher ===

impl Publisher {
    /// Runs until it is dropped. Nothing is published from stores that have not seen a complete list.
    pub(crate) async fn run(mut self) {
        self.stores.complete().await;
        let mut complaints = BTreeSet::new();
        loop {
            let begun = Instant::now();
            self.publish(&mut complaints);
            self.ready_tx.send_replace(true);
            sleep_until(begun + BETWEEN).await;
            self.changed.notified().await;
        }
    }

    fn publish(&mut self, complaints: &mut BTreeSet<String>) {
        let (mut table, left_out) = self.build();
        let before = Arc::clone(&self.tables.load());
        table.carry_over(&before);
        let said: BTreeSet<String> = left_out.iter().map(|reason| chain(reason)).collect();
        for reason in said.difference(complaints) {
            warn!(reason, "left out of the table");
        }
        *complaints = said;
        if table == *before {
            return;
        }
        self.grow(&table);
        for gone in services(&before).difference(&services(&table)) {
            self.metrics.forget(gone);
        }
        info!(
            listeners = table.listeners.len(),
            spaces = table.spaces.len(),
            "table is published"
        );
        self.tables.publish(table.clone());
        self.store_tx.send_replace(Some(Arc::new(table)));
    }

    fn build(&self) -> (RouteTable, Vec<view::LeftOut>) {
        let stores = &self.stores;
        let (services, shadows) = (stores.services.state(), stores.shadows.state());
        let (ingresses, baselines) = (stores.ingresses.state(), stores.baselines.state());
        let (spaces, copies) = (stores.spaces.state(), stores.copies.state());
        let copy_slices = stores.copy_slices.state();
        view::table(&Objects {
            services: services.iter().map(AsRef::as_ref).collect(),
            shadows: shadows.iter().map(AsRef::as_ref).collect(),
            ingresses: ingresses.iter().map(AsRef::as_ref).collect(),
            baselines: baselines
                .iter()
                .filter_map(|object| read("Baseline", object))
                .collect(),
            spaces: spaces.iter().filter_map(|object| read("Space", object)).collect(),
            copies: copies
                .iter()
                .filter_map(|object| read("ServiceCopy", object))
                .collect(),
            copy_slices: copy_slices.iter().map(AsRef::as_ref).collect(),
        })
    }

    /// Binds the listeners that the table names beyond those that are there.
    fn grow(&mut self, table: &RouteTable) {
        let Some(last) = table.last_listener() else { return };
        for listeners in self.block.grow(last) {
            if let Err(failure) = self.router.add(listeners) {
                error!(error = chain(&failure), "listeners cannot be added");
            }
        }
    }
}

fn services(table: &RouteTable) -> BTreeSet<ServiceName> {
    table
        .listeners
        .values()
        .map(|port| port.service.clone())
        .collect()
}

/// An object that does not fit its type is left out, and does not end the watch.
fn read<'a, K>(kind: &'static str, object: &'a Arc<DeserializeGuard<K>>) -> Option<&'a K> {
    match &object.0 {
        Ok(object) => Some(object),
        Err(invalid) => {
            warn!(
                kind,
                name = invalid.metadata.name,
                error = invalid.error,
                "object cannot be read"
            );
            None
        }
    }
}

/// Writes the last table to disk, at most one at a time and always the last.
pub(crate) async fn keep(folder: PathBuf, mut table_rx: watch::Receiver<Option<Arc<RouteTable>>>) {
    while table_rx.changed().await.is_ok() {
        let Some(table) = table_rx.borrow_and_update().clone() else {
            continue;
        };
        let folder = folder.clone();
        match tokio::task::spawn_blocking(move || state::store(&folder, &table)).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => warn!(error = chain(&failure), "table is not kept on disk"),
            Err(failure) => warn!(error = chain(&failure), "table is not kept on disk"),
        }
    }
}
