//! Upgraded connections: bytes both ways until both sides have ended.

use std::rc::Rc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tracing::debug;

use crate::worker::{Open, Worker};

/// Waits for both upgrades and relays. The tunnel counts as an open connection, so a drain waits for it.
pub(super) fn start(worker: &Rc<Worker>, caller: OnUpgrade, endpoint: OnUpgrade) {
    let open = Open::new(worker);
    let worker = Rc::clone(worker);
    worker.tasks.clone().spawn_local(async move {
        let _open = open;
        worker.metrics.shared.tunnels.inc();
        tokio::select! {
            () = relay(caller, endpoint) => {}
            () = worker.cut.cancelled() => {}
        }
        worker.metrics.shared.tunnels.dec();
    });
}

async fn relay(caller: OnUpgrade, endpoint: OnUpgrade) {
    let (caller, endpoint) = match tokio::try_join!(caller, endpoint) {
        Ok(both) => both,
        Err(error) => {
            debug!(%error, "upgrade was not finished");
            return;
        }
    };
    let (mut caller, mut endpoint) = (TokioIo::new(caller), TokioIo::new(endpoint));
    if let Err(error) = copy_bidirectional(&mut caller, &mut endpoint).await {
        debug!(%error, "tunnel ended");
    }
}
