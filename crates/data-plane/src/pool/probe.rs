//! What can be learnt of a socket without sending an invented request.

use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::TcpStream;
use tokio::sync::Notify;

/// Whether an endpoint must show that it speaks HTTP/2 before a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Its port declares it.
    Unneeded,
    /// Nothing declares it: its first frame must be SETTINGS (RFC 9113, section 3.4).
    Needed,
}

/// The length of a frame's head (RFC 9113, section 4.1).
const FRAME_HEAD: usize = 9;
/// The type of a SETTINGS frame (RFC 9113, section 6.5).
const SETTINGS: u8 = 4;

/// The first bytes that came from an endpoint.
#[derive(Debug, Default)]
pub(super) struct FirstBytes {
    seen: Mutex<Vec<u8>>,
    ended: AtomicBool,
    changed: Notify,
}

// === impl FirstBytes ===

impl FirstBytes {
    /// Notes what was read; nothing read is the end. True when no more is needed.
    pub(super) fn record(&self, read: &[u8]) -> bool {
        let complete = match self.seen.lock() {
            Ok(mut seen) => {
                let missing = FRAME_HEAD.saturating_sub(seen.len());
                seen.extend(read.iter().take(missing));
                seen.len() >= FRAME_HEAD
            }
            Err(_) => true,
        };
        if read.is_empty() {
            self.ended.store(true, Ordering::Release);
        }
        if complete || read.is_empty() {
            self.changed.notify_one();
        }
        complete || read.is_empty()
    }

    /// Waits for the first frame's head and says whether it is a SETTINGS frame of stream 0.
    pub(super) async fn is_http2(&self) -> bool {
        loop {
            if let Ok(seen) = self.seen.lock()
                && let [_, _, _, kind, _, s1, s2, s3, s4] = seen.as_slice()
            {
                return *kind == SETTINGS && [s1 & 0x7f, *s2, *s3, *s4] == [0; 4];
            }
            if self.ended.load(Ordering::Acquire) {
                return false;
            }
            self.changed.notified().await;
        }
    }

    /// The connection is over.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.changed.notify_one();
    }
}

/// Whether an idle socket is open and has nothing to read: neither an end nor bytes that nobody asked for.
pub(super) fn is_quiet(socket: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    let looked = socket2::SockRef::from(socket).peek(&mut byte);
    matches!(looked, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}
