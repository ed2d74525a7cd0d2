//! Relays of TCP connections from a port of the machine to an address inside the cluster.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt;

/// Bytes read at once from one side.
const BUFFER: usize = 64 * 1024;
/// How long a connection inside may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Silence after which the kernel asks whether the other side is still there. A pod's interface goes away without a
/// word.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Accepts for ever. Each connection is relayed to the target as it is at that moment; where the target does not
/// accept, the connection is reset.
pub(crate) fn serve(listener: &TcpListener, target: SocketAddr) {
    loop {
        match listener.accept() {
            Ok((outside, _)) => {
                let relay = move || match TcpStream::connect_timeout(&target, CONNECT_LIMIT) {
                    Ok(inside) => relay(&outside, &inside),
                    Err(_) => reset(&outside),
                };
                // Without a thread the connection is closed at once, which its client sees.
                drop(thread::Builder::new().name("relay".to_owned()).spawn(relay));
            }
            // The process is out of file descriptors: connections that end give some back.
            Err(_) => thread::park_timeout(Duration::from_millis(10)),
        }
    }
}

/// Carries bytes both ways until both directions have ended. The end of one direction is passed on alone, so that a
/// client that has sent everything still gets its answer. A connection that breaks is broken on the other side too.
fn relay(outside: &TcpStream, inside: &TcpStream) {
    for side in [outside, inside] {
        // Both only make the relay quicker and its clean-up surer; a socket that refuses them still works.
        let _ = side.set_nodelay(true);
        let _ = sockopt::set_socket_keepalive(side, true);
        let _ = sockopt::set_tcp_keepidle(side, KEEP_ALIVE);
    }
    thread::scope(|scope| {
        scope.spawn(|| carry(outside, inside));
        carry(inside, outside);
    });
}

fn carry(from: &TcpStream, to: &TcpStream) {
    if copy(from, to).is_err() {
        reset(from);
        reset(to);
    }
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return to.shutdown(Shutdown::Write),
            Ok(count) => to.write_all(buffer.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Aborts the connection with a reset, and wakes whoever reads from it or writes to it. Closing alone would tell the
/// other side that all went well.
fn reset(stream: &TcpStream) {
    // Disconnecting is how Linux spells abort for a socket that other threads still use; see connect(2), AF_UNSPEC.
    // It fails only for a connection that is already gone.
    let _ = rustix::net::connect_unspec(stream);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A relay to a new listener; answers the relay's address and the listener.
    fn relayed() -> (SocketAddr, TcpListener) {
        let target = TcpListener::bind("127.0.0.1:0").unwrap();
        let front = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, inside) = (front.local_addr().unwrap(), target.local_addr().unwrap());
        thread::spawn(move || serve(&front, inside));
        (address, target)
    }

    #[test]
    fn a_half_closed_connection_still_gets_its_answer() {
        let (address, target) = relayed();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let (mut server, _) = target.accept().unwrap();
        let mut asked = String::new();
        server.read_to_string(&mut asked).unwrap();
        assert_eq!(asked, "question");
        server.write_all(b"answer").unwrap();
        drop(server);
        let mut answered = String::new();
        client.read_to_string(&mut answered).unwrap();
        assert_eq!(answered, "answer");
    }

    #[test]
    fn much_data_arrives_unchanged() {
        let (address, target) = relayed();
        let sent: Vec<u8> = (0..8_000_000_u32).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let mut client = TcpStream::connect(address).unwrap();
        let writer = thread::spawn(move || {
            client.write_all(&sent).unwrap();
        });
        let mut received = Vec::new();
        target.accept().unwrap().0.read_to_end(&mut received).unwrap();
        writer.join().unwrap();
        assert!(received == expected);
    }

    #[test]
    fn a_reset_is_passed_on() {
        let (address, target) = relayed();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"x").unwrap();
        let (mut server, _) = target.accept().unwrap();
        server.read_exact(&mut [0]).unwrap();
        reset(&server);
        drop(server);
        let ended = client.read(&mut [0]);
        assert!(
            matches!(&ended, Err(error) if error.kind() == io::ErrorKind::ConnectionReset),
            "{ended:?}"
        );
    }

    #[test]
    fn a_target_that_is_away_resets_the_client_and_one_that_returns_serves_it() {
        let (address, target) = relayed();
        let inside = target.local_addr().unwrap();
        drop(target);
        let mut refused = TcpStream::connect(address).unwrap();
        assert!(!matches!(refused.read(&mut [0]), Ok(count) if count > 0));
        let target = TcpListener::bind(inside).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        target.accept().unwrap().0.write_all(b"!").unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 1);
    }
}
