//! The errors that end a run. An engine that fails does not end it: the engine is left out of the
//! tables, and the reason is printed.

use std::{io, path::Path};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for something that cannot be done.
    #[error("{0}")]
    Usage(String),
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("{what}: {source}")]
    Json { what: String, source: serde_json::Error },
    #[error(transparent)]
    Minilm(#[from] minilm::Error),
    /// Without minilm there is nothing to compare with.
    #[error("minilm itself failed: {0}")]
    Reference(String),
    /// An engine computes something else.
    #[error("{0}")]
    Disagreement(String),
}

impl Error {
    /// For `map_err`: an error of the file at `path`.
    pub fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
        let what = path.display().to_string();
        move |source| Error::Io { what, source }
    }
}
