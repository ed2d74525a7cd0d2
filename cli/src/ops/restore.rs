//! `devspace baseline restore`: every intercepted Service put back from its record, with nothing of ours alive.

use devspace_api::record::RecordError;
use devspace_plan::interception::{Restoration, forget, hand_back, restoration};
use k8s_openapi::api::core::v1::Service;
use tokio::sync::mpsc;

use crate::engine::EngineError;
use crate::engine::kube::{Kube, services};
use crate::event::Event;
use crate::exit::Exit;
use crate::report::{Hint, Report};

/// How often a Service that changes under us is read again. Each try needs somebody else's write in between.
const TRIES: usize = 10;

/// Why a Service is not put back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// The cluster did not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its record cannot be read.
    #[error("service {service}: its record cannot be read")]
    Record {
        service: String,
        #[source]
        source: RecordError,
    },
    /// It changes all the time.
    #[error("service {service} changed {TRIES} times while it was put back")]
    Busy { service: String },
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RestoreRequest {
    /// Change nothing.
    pub(crate) plan: bool,
    /// Also take our finalizers off our objects.
    pub(crate) finalizers: bool,
}

/// Puts the Services of `namespace` back, and tells each.
///
/// # Errors
/// [`RestoreError`] for the first Service that cannot be put back. The others before it are.
pub(crate) async fn restore(
    kube: &Kube,
    namespace: &str,
    request: RestoreRequest,
    event_tx: &mpsc::Sender<Event>,
) -> Result<usize, RestoreError> {
    let mut count = 0;
    for service in services::list(kube, namespace).await? {
        let Some(planned) = planned(&service)? else {
            continue;
        };
        count += 1;
        if !request.plan {
            put_back(kube, namespace, service).await?;
        }
        let event = Event::Restored {
            service: planned.service,
            done: !request.plan,
            detail: planned.describes,
        };
        drop(event_tx.send(event).await);
    }
    if request.finalizers {
        for object in services::take_finalizers(kube, namespace, request.plan).await? {
            let event = Event::Restored {
                service: object,
                done: !request.plan,
                detail: "finalizer taken off".to_owned(),
            };
            drop(event_tx.send(event).await);
        }
    }
    Ok(count)
}

fn planned(service: &Service) -> Result<Option<Restoration>, RestoreError> {
    let name = || service.metadata.name.clone().unwrap_or_default();
    restoration(service).map_err(|source| RestoreError::Record {
        service: name(),
        source,
    })
}

/// The patch from the record, the owners' fields given back, and then the record taken off. Each lands on what was read,
/// or the Service is read again.
async fn put_back(kube: &Kube, namespace: &str, mut service: Service) -> Result<(), RestoreError> {
    let name = service.metadata.name.clone().unwrap_or_default();
    for _ in 0..TRIES {
        match once(kube, namespace, &name, &service).await {
            Err(RestoreError::Engine(EngineError::Conflict { .. })) => {}
            result => return result,
        }
        let found = services::list(kube, namespace).await?;
        match found
            .into_iter()
            .find(|found| found.metadata.name.as_ref() == Some(&name))
        {
            Some(found) => service = found,
            None => return Ok(()),
        }
    }
    Err(RestoreError::Busy { service: name })
}

async fn once(kube: &Kube, namespace: &str, name: &str, service: &Service) -> Result<(), RestoreError> {
    let Some(planned) = planned(service)? else {
        return Ok(());
    };
    let mut current = service.clone();
    if let Some(patch) = &planned.patch {
        current = services::merge(kube, namespace, name, patch).await?;
    }
    if let Some(patch) = hand_back(Some(service), &current) {
        current = services::merge(kube, namespace, name, &patch).await?;
    }
    services::merge(kube, namespace, name, &forget(&current)).await?;
    Ok(())
}

impl Report for RestoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Record { .. } => "record",
            Self::Busy { .. } => "busy",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit(),
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Busy { .. } => Some(Hint::new(
                "a controller that is alive takes it back; disable the Service or uninstall first",
            )),
            Self::Record { .. } => None,
        }
    }
}
