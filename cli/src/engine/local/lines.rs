//! An answer that goes on, line by line.

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use tokio_util::io::StreamReader;

use super::request::{Answer, Ask, Client};
use crate::engine::EngineError;

/// Sends `ask` and gives the lines of its answer, without their ends. Dropping the stream closes the connection.
pub(super) async fn lines(
    client: &Client,
    ask: Ask<'_>,
) -> Result<BoxStream<'static, Result<Vec<u8>, EngineError>>, EngineError> {
    let Answer { response, connection } = client.send(ask).await?;
    let data = response
        .into_body()
        .into_data_stream()
        .map_err(std::io::Error::other);
    let reader = StreamReader::new(data);
    let client = client.clone();
    let lines = futures::stream::try_unfold((reader, connection, client), |state| async move {
        let (mut reader, connection, client) = state;
        let mut line = Vec::new();
        match tokio::io::AsyncBufReadExt::read_until(&mut reader, b'\n', &mut line).await {
            Ok(0) => Ok(None),
            Ok(_) => {
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                Ok(Some((line, (reader, connection, client))))
            }
            Err(error) => Err(client.broken(error)),
        }
    });
    Ok(lines.boxed())
}
