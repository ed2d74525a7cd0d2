//! Every limit and time of the data plane, with its default.

use std::num::NonZeroUsize;
use std::time::Duration;

/// What the data plane is told at start. [`Settings::default`] is what the shipped program runs with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Threads that serve. Default: the processors that the process may use (the control group counts), at most 4.
    pub threads: NonZeroUsize,
    /// The most requests that wait for a copy at once, over all threads. One more is answered 503 at once.
    /// Default: 1024.
    pub held_requests: usize,
    /// Idle HTTP/1.1 connections kept per upstream endpoint and thread. Default: 64.
    pub idle_per_endpoint: usize,
    /// Limits of request and response heads.
    pub head: HeadLimits,
    /// Limits of HTTP/2 connections.
    pub http2: Http2Limits,
    /// Times.
    pub waits: Waits,
    /// Times of a drain.
    pub drain: DrainSettings,
}

/// Limits of message heads, the same for both versions of HTTP and both directions.
#[derive(Debug, Clone)]
pub struct HeadLimits {
    /// Bytes of a head. Default: 64 KiB. A larger request head is answered 431.
    pub bytes: u32,
    /// Fields of a head. Default: 256.
    pub fields: usize,
    /// From the first byte of an HTTP/1 request to the end of its head. An idle connection has no limit.
    /// Default: 10 s.
    pub read: Duration,
}

/// Limits of HTTP/2 connections (RFC 9113, sections 6.5.2 and 10.5).
#[derive(Debug, Clone)]
pub struct Http2Limits {
    /// Streams that a client may have open. Default: 250.
    pub streams: u32,
    /// Flow-control window of a client's stream and connection, in bytes. Default: 256 KiB and 1 MiB.
    pub client_windows: (u32, u32),
    /// The same towards upstreams. Default: 1 MiB and 8 MiB.
    pub upstream_windows: (u32, u32),
    /// Streams that a client reset and that the router has not taken yet, before it ends the connection.
    /// Default: 20.
    pub pending_resets: usize,
    /// Streams that the router reset because the client broke a rule, before it ends the connection.
    /// Default: 1024.
    pub local_resets: usize,
    /// Bytes buffered for a slow reader, per stream. Default: 128 KiB.
    pub send_buffer: usize,
    /// Between two PINGs. Default: 20 s.
    pub ping: Duration,
    /// How long a PING may stay without an answer. Default: 20 s.
    pub ping_answer: Duration,
}

/// Times of the data plane.
#[derive(Debug, Clone)]
pub struct Waits {
    /// To connect to an endpoint. Default: 1 s.
    pub connect: Duration,
    /// How long an idle HTTP/1.1 connection to an endpoint is reused. Default: 3 s, below the 5 s after which
    /// common servers close.
    pub upstream_idle: Duration,
    /// How long an unused HTTP/2 connection to an endpoint is kept. Default: 30 s.
    pub upstream_idle_http2: Duration,
    /// How long an endpoint that did not answer to connecting comes last in the order. Default: 2 s.
    pub endpoint_penalty: Duration,
    /// How long a keyless request waits where no endpoint of the baseline can be connected. Default: 1 s.
    pub baseline_hold: Duration,
    /// Between two tries to connect to a copy that restarts: the first and the longest. Default: 10 and 100 ms.
    pub retry: (Duration, Duration),
    /// How long an accepted connection waits until the table knows its listener. Default: 10 s.
    pub unknown_listener: Duration,
    /// How long the first byte is waited for on a port that declares no protocol, before the server may speak
    /// first. Default: 200 ms.
    pub detect: Duration,
    /// How long a body is held back for the endpoint's `100 Continue` (RFC 9110, section 10.1.1). Default: 1 s.
    pub expect: Duration,
}

/// Times of a drain.
#[derive(Debug, Clone)]
pub struct DrainSettings {
    /// How long the router goes on accepting as if nothing were, so that Kubernetes takes it out first.
    /// Default: 5 s.
    pub delay: Duration,
    /// How long an HTTP/1 connection must have been idle to be closed without a word. Default: 5 s.
    pub idle: Duration,
    /// When what is still open is cut, counted from the end of `delay`. Default: 30 s.
    pub limit: Duration,
}

/// The most threads that [`Settings::default`] takes.
const THREADS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            threads: cores.min(THREADS_MAX),
            held_requests: 1024,
            idle_per_endpoint: 64,
            head: HeadLimits {
                bytes: 64 * 1024,
                fields: 256,
                read: Duration::from_secs(10),
            },
            http2: Http2Limits {
                streams: 250,
                client_windows: (256 * 1024, 1024 * 1024),
                upstream_windows: (1024 * 1024, 8 * 1024 * 1024),
                pending_resets: 20,
                local_resets: 1024,
                send_buffer: 128 * 1024,
                ping: Duration::from_secs(20),
                ping_answer: Duration::from_secs(20),
            },
            waits: Waits {
                connect: Duration::from_secs(1),
                upstream_idle: Duration::from_secs(3),
                upstream_idle_http2: Duration::from_secs(30),
                endpoint_penalty: Duration::from_secs(2),
                baseline_hold: Duration::from_secs(1),
                retry: (Duration::from_millis(10), Duration::from_millis(100)),
                unknown_listener: Duration::from_secs(10),
                detect: Duration::from_millis(200),
                expect: Duration::from_secs(1),
            },
            drain: DrainSettings {
                delay: Duration::from_secs(5),
                idle: Duration::from_secs(5),
                limit: Duration::from_secs(30),
            },
        }
    }
}
