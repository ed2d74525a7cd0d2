//! Opaque TCP: a greeting with the name and version, then every byte comes back.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Identity;

/// Serves until the listener fails.
pub(super) async fn forever(listener: TcpListener, identity: Arc<Identity>) -> std::io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        connections.spawn(greet_and_echo(stream, Arc::clone(&identity)));
        while connections.try_join_next().is_some() {}
    }
}

async fn greet_and_echo(mut stream: TcpStream, identity: Arc<Identity>) {
    let greeting = format!("{} {}\n", identity.name, identity.version);
    if stream.write_all(greeting.as_bytes()).await.is_ok() {
        let (mut read, mut write) = stream.split();
        // A client that leaves in the middle is no fault of the server.
        let _ = tokio::io::copy(&mut read, &mut write).await;
    }
}
