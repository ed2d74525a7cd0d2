//! The form of a batch on the wire: a header, then one frame for each operation, then an end mark that counts them.
//!
//! A frame is a length (32 bits, little endian) and that many bytes of JSON; the content of a file follows its frame
//! with exactly the length that the frame names. It is our own form and no tar: every operation of a batch
//! has its place in it, a cut stream shows, and there is one parser for paths, the one that [`RelPath`] is.
//!
//! [`RelPath`]: crate::path::RelPath

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::diff::Place;
use crate::manifest::Entry;
use crate::session::RootHash;

/// No frame is longer: a path and a link's target at their longest, written as JSON escapes, fit.
const FRAME_MAX: u32 = 128 * 1024;

/// The first frame of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchHeader {
    /// The root that the copy must have for the batch to fit.
    pub base: RootHash,
    /// How many operations follow.
    pub operations: u64,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub enum Operation {
    /// Write an entry. The content of a file follows the frame.
    Put {
        /// Where.
        place: Place,
        /// What.
        entry: Entry,
    },
    /// Remove an entry that a batch wrote.
    Delete {
        /// Where.
        place: Place,
    },
    /// The batch is complete.
    End {
        /// How many operations came before; it must equal the header's count.
        operations: u64,
    },
}

/// Why a stream is no batch.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream broke or ended early.
    #[error("the batch was cut off")]
    Cut(#[source] io::Error),
    /// A frame claims to be longer than any frame is.
    #[error("a frame of {0} bytes is too long")]
    TooLong(u32),
    /// A frame is not what belongs there. This is also the answer to a path that would leave its root.
    #[error("a frame cannot be read")]
    Malformed(#[source] serde_json::Error),
}

/// Writes one frame.
///
/// # Errors
/// What `out` says.
pub fn write_frame(out: &mut impl Write, frame: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(frame)?;
    let length = u32::try_from(text.len())
        .ok()
        .filter(|length| *length <= FRAME_MAX);
    let length =
        length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the frame is too long"))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&text)
}

/// Reads one frame.
///
/// # Errors
/// [`FrameError`] tells what is wrong with the stream.
pub fn read_frame<T: DeserializeOwned>(input: &mut impl Read) -> Result<T, FrameError> {
    let mut length = [0; 4];
    input.read_exact(&mut length).map_err(FrameError::Cut)?;
    let length = u32::from_le_bytes(length);
    if length > FRAME_MAX {
        return Err(FrameError::TooLong(length));
    }
    let mut text = vec![0; length as usize];
    input.read_exact(&mut text).map_err(FrameError::Cut)?;
    serde_json::from_slice(&text).map_err(FrameError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back() {
        let header = BatchHeader {
            base: RootHash("x".into()),
            operations: 3,
        };
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &header).unwrap();
        assert_eq!(read_frame::<BatchHeader>(&mut bytes.as_slice()).unwrap(), header);
        bytes.pop();
        assert!(matches!(
            read_frame::<BatchHeader>(&mut bytes.as_slice()),
            Err(FrameError::Cut(_))
        ));
    }

    #[test]
    fn a_path_that_leaves_its_root_is_refused_while_reading() {
        for path in ["../x", "/etc/passwd", "a/../../b", ""] {
            let text = format!(r#"{{"op":"delete","place":{{"to":"/src","path":"{path}"}}}}"#);
            let mut bytes = u32::try_from(text.len()).unwrap().to_le_bytes().to_vec();
            bytes.extend(text.as_bytes());
            assert!(
                matches!(
                    read_frame::<Operation>(&mut bytes.as_slice()),
                    Err(FrameError::Malformed(_))
                ),
                "{path}"
            );
        }
    }

    #[test]
    fn a_huge_frame_is_refused_before_memory_is_taken() {
        let bytes = u32::MAX.to_le_bytes();
        assert!(matches!(
            read_frame::<Operation>(&mut bytes.as_slice()),
            Err(FrameError::TooLong(_))
        ));
    }
}
