//! The router as a library: listeners, protocols, upstream pools, drain. Knows nothing of Kubernetes.
//!
//! [`Listeners`] opens the listening sockets, apart from what serves them. [`Router`] starts one
//! `current_thread` runtime per thread; every thread accepts from the same sockets and has its own upstream
//! pool, so no request crosses a thread. All of them read one immutable [`RouteTable`] through [`Tables`];
//! publishing a table closes no connection. ARCHITECTURE.md walks a request through these files.
//!
//! [`RouteTable`]: devspace_core::table::RouteTable

mod answer;
mod body;
mod conn;
mod exec;
mod gateway;
mod headers;
mod listeners;
mod metrics;
mod opaque;
mod pool;
mod proxy;
mod router;
mod settings;
mod tables;
mod validate;
mod worker;

pub use listeners::{BindFailure, Entry, Listeners, ReserveError};
pub use metrics::Metrics;
pub use router::{Drained, Router, StartError};
pub use settings::{DrainSettings, HeadLimits, Http2Limits, Settings, Waits};
pub use tables::{Changes, Tables};
