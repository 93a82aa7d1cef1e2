//! The errors of an index. Each of them names the file.

use super::layout::{VERSION, Wrong};
use crate::Error;
use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// A part of an index that has a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The header: shapes, and the embedding space.
    Header,
    /// The vectors.
    Vectors,
    /// Where each text begins.
    Offsets,
    /// The checksums themselves.
    Checksums,
    /// The texts.
    Texts,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Header => "header's bytes",
            Part::Vectors => "vectors",
            Part::Offsets => "offsets of texts",
            Part::Checksums => "checksums",
            Part::Texts => "texts",
        })
    }
}

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
    /// The file could not be written. A file that was there before is unchanged.
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
        /// The fault in it.
        reason: String,
    },
    /// The file is an index of another version of this crate.
    #[error("{} is an index of version {found}, but this minilm reads version {expected}; \
             make it again from its texts with `minilm index FILE… -o {}`",
            path.display(), path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The version that is read and written.
        expected: &'static str,
    },
    /// A part of the file is not as it was written: a flipped bit on a disk or on the way there.
    #[error("{} is damaged: its {part} do not match their checksum; \
             take a copy of it, or make it again from its texts", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The part.
        part: Part,
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
        {other}{differences}", path.display())]
    Space {
        /// The file.
        path: PathBuf,
        /// The model and the settings that made the vectors in it.
        index: String,
        /// The model and the settings that made the others.
        other: String,
        /// Which named parts of the two differ, if they are known: `; dimensions: 384, not 64`.
        differences: String,
    },
    /// Texts with different prompts are not to be mixed in one index.
    #[error(
        "{} holds texts embedded with the prompt {index:?}, not with {other:?}",
        path.display()
    )]
    Prompt {
        /// The file.
        path: PathBuf,
        /// The prompt of the texts in it; empty if there is none.
        index: String,
        /// The prompt of those to be added.
        other: String,
    },
    /// Rows with other fields are not to be mixed in one index.
    #[error(
        "{} holds rows with {}, not with {}",
        path.display(),
        fields(index),
        fields(other)
    )]
    Fields {
        /// The file.
        path: PathBuf,
        /// The fields of the rows in it.
        index: Vec<String>,
        /// The fields, or values, of those to be added.
        other: Vec<String>,
    },
    /// The vectors cannot be used: those in the file, the queries, or those to be written.
    #[error("{}", path.display())]
    Vectors {
        /// The file.
        path: PathBuf,
        /// The fault in them.
        source: Error,
    },
}

fn fields(names: &[String]) -> String {
    match names {
        [] => "no fields".to_owned(),
        names => format!("the fields {}", names.join(", ")),
    }
}

impl IndexError {
    pub(super) fn wrong(path: &Path, wrong: Wrong) -> IndexError {
        let path = path.to_owned();
        match wrong {
            Wrong::Format(reason) => IndexError::Format { path, reason },
            Wrong::Version(found) => IndexError::Version { path, found, expected: VERSION },
            Wrong::Damaged(part) => IndexError::Damaged { path, part },
        }
    }
}
