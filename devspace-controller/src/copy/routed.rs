//! Whether every ready router sends a space's requests to a copy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use devspace_api::ServiceCopy;
use futures::Stream;
use kube::Client;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::router;

/// How long one question may wait at a router.
const POLL: Duration = Duration::from_secs(20);
/// Between two rounds where a router was not there or did not agree.
const PAUSE: Duration = Duration::from_millis(250);
/// Answers that may wait for the controller.
const ANSWERS: usize = 256;

/// What routers are to send where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) baseline: String,
    pub(super) space: String,
    pub(super) service: String,
    pub(super) address: String,
}

/// Whether every ready router sends a space's requests to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routed {
    /// The copy is not ready.
    No,
    /// The baseline has no ready router.
    NoRouter,
    /// Routers are being asked.
    Asking,
    /// All of them do.
    Yes,
}

/// One copy that routers are asked about.
#[derive(Debug)]
struct Asked {
    target: Target,
    answer: Arc<Mutex<Routed>>,
    task: AbortHandle,
}

/// Asks routers, each copy in a task of its own. Dropping it ends the tasks.
pub(super) struct Routing {
    client: Client,
    inner: Mutex<Inner>,
    answers_tx: mpsc::Sender<ObjectRef<ServiceCopy>>,
}

#[derive(Debug, Default)]
struct Inner {
    asked: HashMap<ObjectRef<ServiceCopy>, Asked>,
    tasks: JoinSet<()>,
}

// === impl Routing ===

impl Routing {
    /// The second value names a copy whenever there is news about it.
    pub(super) fn new(client: Client) -> (Self, impl Stream<Item = ObjectRef<ServiceCopy>> + Send) {
        let (answers_tx, answers_rx) = mpsc::channel(ANSWERS);
        let answers = futures::stream::unfold(answers_rx, |mut answers_rx| async move {
            answers_rx.recv().await.map(|copy| (copy, answers_rx))
        });
        (
            Self {
                client,
                inner: Mutex::default(),
                answers_tx,
            },
            answers,
        )
    }

    /// What is known of `copy`. Starts to ask where it is ready and nobody has asked; stops where it is not ready.
    pub(super) fn look(&self, copy: &ObjectRef<ServiceCopy>, target: &Option<Target>) -> Routed {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        while inner.tasks.try_join_next().is_some() {}
        let Some(target) = target else {
            if let Some(asked) = inner.asked.remove(copy) {
                asked.task.abort();
            }
            return Routed::No;
        };
        if let Some(asked) = inner.asked.get(copy).filter(|asked| asked.target == *target) {
            return *asked.answer.lock().unwrap_or_else(PoisonError::into_inner);
        }
        let answer = Arc::new(Mutex::new(Routed::Asking));
        let question = Question {
            client: self.client.clone(),
            copy: copy.clone(),
            target: target.clone(),
            answer: Arc::clone(&answer),
            answers_tx: self.answers_tx.clone(),
        };
        let task = inner.tasks.spawn(question.put());
        let asked = Asked {
            target: target.clone(),
            answer,
            task,
        };
        if let Some(before) = inner.asked.insert(copy.clone(), asked) {
            before.task.abort();
        }
        Routed::Asking
    }
}

/// The work of one task.
struct Question {
    client: Client,
    copy: ObjectRef<ServiceCopy>,
    target: Target,
    answer: Arc<Mutex<Routed>>,
    answers_tx: mpsc::Sender<ObjectRef<ServiceCopy>>,
}

// === impl Question ===

impl Question {
    /// Asks round after round until every ready router agrees.
    async fn put(self) {
        let Target {
            baseline,
            space,
            service,
            address,
        } = &self.target;
        let wait = POLL.as_millis();
        let question = format!("/applied?space={space}&service={service}&address={address}&timeoutMs={wait}");
        loop {
            let routed = match router::ready(&self.client, baseline).await {
                Ok(routers) if routers.is_empty() => Routed::NoRouter,
                Ok(routers) if router::all_agree(&routers, &question, POLL).await => Routed::Yes,
                Ok(_) => Routed::Asking,
                Err(error) => {
                    tracing::warn!(
                        baseline,
                        error = crate::logging::chain(&error),
                        "routers not listed"
                    );
                    Routed::Asking
                }
            };
            self.tell(routed).await;
            if routed == Routed::Yes {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn tell(&self, routed: Routed) {
        let before = std::mem::replace(
            &mut *self.answer.lock().unwrap_or_else(PoisonError::into_inner),
            routed,
        );
        if before != routed {
            // Closed only when the controller has ended.
            drop(self.answers_tx.send(self.copy.clone()).await);
        }
    }
}
