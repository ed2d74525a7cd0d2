//! Baselines: observe, plan, apply, status.

use std::sync::Arc;

use crate::context::Context;

/// Keeps every Baseline until the context's `shutdown` ends.
pub(crate) async fn run(context: Arc<Context>) {
    context.shutdown.cancelled().await;
}
