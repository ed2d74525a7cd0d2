//! Tasks of one thread.

use std::future::Future;

use hyper::rt::Executor;
use tokio_util::task::TaskTracker;

/// Runs hyper's tasks on the thread's own set, each counted by the tracker.
#[derive(Debug, Clone)]
pub(crate) struct LocalExec(pub(crate) TaskTracker);

impl<F> Executor<F> for LocalExec
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn_local(task);
    }
}
