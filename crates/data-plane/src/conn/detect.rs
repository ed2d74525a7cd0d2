//! What a caller speaks, told by its first bytes.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The client's connection preface (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The longest method that counts as one.
const METHOD_MAX: usize = 24;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
    Other,
}

/// The first bytes of a connection and what they mean.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) spoken: Spoken,
    pub(super) bytes: Bytes,
}

/// Reads until it is told what is spoken. The first byte may take any time, the rest `limit`.
/// `None`: the caller left before it said anything.
pub(super) async fn start(socket: &mut TcpStream, limit: Duration) -> Option<Start> {
    let mut bytes = BytesMut::with_capacity(1024);
    if socket.read_buf(&mut bytes).await.ok()? == 0 {
        return None;
    }
    let more = async {
        loop {
            if let Some(spoken) = classify(&bytes) {
                return Some(spoken);
            }
            if socket.read_buf(&mut bytes).await.ok()? == 0 {
                return Some(Spoken::Other);
            }
        }
    };
    let spoken = timeout(limit, more).await.ok().flatten()?;
    Some(Start {
        spoken,
        bytes: bytes.freeze(),
    })
}

/// What `bytes` are the beginning of; `None` where more is needed.
fn classify(bytes: &[u8]) -> Option<Spoken> {
    if bytes.starts_with(PREFACE) {
        return Some(Spoken::Http2);
    }
    if PREFACE.starts_with(bytes) {
        return None;
    }
    // A server should skip an empty line before a request (RFC 9112, section 2.2).
    let line = bytes.trim_ascii_start();
    let Some(space) = line.iter().position(|b| *b == b' ') else {
        let may_be_method = line.len() <= METHOD_MAX && line.iter().all(u8::is_ascii_uppercase);
        return if may_be_method { None } else { Some(Spoken::Other) };
    };
    let (method, target) = line.split_at(space);
    let is_method = !method.is_empty() && method.iter().all(|b| b.is_ascii_uppercase() || *b == b'-');
    match target.get(1) {
        None if is_method => None,
        Some(b'/' | b'*' | b'h' | b'H') if is_method => Some(Spoken::Http1),
        Some(_) if method == b"CONNECT" => Some(Spoken::Http1),
        _ => Some(Spoken::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_what_is_spoken() {
        for (bytes, spoken) in [
            (&b"GET / HTTP/1.1\r\n"[..], Some(Spoken::Http1)),
            (b"OPTIONS * HTTP/1.1", Some(Spoken::Http1)),
            (b"GET http://a/ HTTP/1.1", Some(Spoken::Http1)),
            (b"M-SEARCH * HTTP/1.1", Some(Spoken::Http1)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Spoken::Http2)),
            (b"PRI * HT", None),
            (b"P", None),
            (b"POS", None),
            (b"POST ", None),
            (b"\x16\x03\x01\x02", Some(Spoken::Other)),
            (b"get key\r\n", Some(Spoken::Other)),
            (b"PING\r\n", Some(Spoken::Other)),
            (b"\0\0\0\x08\x04\xd2\x16\x2f", Some(Spoken::Other)),
        ] {
            assert_eq!(classify(bytes), spoken, "{bytes:?}");
        }
    }
}
