//! Why a file cannot be read.

use minilm_tasks::index::IndexError;
use std::io;

/// Why a file cannot be read. Messages name the file and the place in it; where an option is the
/// remedy, they spell it as the program `minilm` does (`--encoding`).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system does not read the file, or it is broken before any record is looked
    /// at: compressed bytes that cannot be unpacked, letters that are not of its encoding.
    #[error("cannot read {name}")]
    Read {
        /// The file.
        name: String,
        /// What is wrong.
        source: io::Error,
    },
    /// A line that is not text.
    #[error(
        "line {line} of {name} is not UTF-8 from byte {byte} on; --encoding names another encoding"
    )]
    NotUtf8 {
        /// The file.
        name: String,
        /// From 1.
        line: u64,
        /// In the line, from 1.
        byte: usize,
    },
    /// A record or row, or the head of a file, that is not what it should be; the message has the
    /// file and the place.
    #[error("{0}")]
    Content(String),
    /// An option that does not fit the file.
    #[error("{option}: {reason}")]
    Option {
        /// The option.
        option: &'static str,
        /// Why it does not fit.
        reason: String,
    },
    /// A file whose name is that of nothing that can be read.
    #[error("{0}")]
    Kind(String),
    /// An index that cannot be read.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl Error {
    /// An error of reading the file of this name.
    pub(crate) fn read(name: &str, source: io::Error) -> Error {
        Error::Read { name: name.to_owned(), source }
    }
}
