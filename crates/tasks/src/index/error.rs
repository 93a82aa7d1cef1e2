//! What can be wrong with an index, always with the file.

use crate::Error;
use std::{io, path::PathBuf};

/// Why an index could not be read, written or searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The file could not be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file could not be written. What was there before is there still.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file is no index, or a broken one.
    #[error("{} is not an index: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A row has no readable text.
    #[error("{} has no text for row {row} of {rows}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// The row asked for.
        row: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// Vectors of two models are not to be mixed.
    #[error("{} holds vectors of {index}, which cannot be compared with those of \
        {other}", path.display())]
    Space {
        /// The file.
        path: PathBuf,
        /// What made the vectors in it.
        index: String,
        /// What made the others.
        other: String,
    },
    /// Texts with different prompts are not to be mixed in one index.
    #[error("{} holds texts embedded with the prompt {index:?}, not with {other:?}", path.display())]
    Prompt {
        /// The file.
        path: PathBuf,
        /// The prompt of the texts in it; empty if there is none.
        index: String,
        /// The prompt of those to be added.
        other: String,
    },
    /// The vectors cannot be used: those in the file, the queries, or those to be written.
    #[error("{}", path.display())]
    Vectors {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        source: Error,
    },
}
