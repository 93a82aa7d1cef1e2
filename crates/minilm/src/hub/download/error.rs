//! Why a download failed.

use std::{io, path::PathBuf};

/// Why a file could not be downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// A URL, the endpoint's or one that the server redirects to, cannot be used.
    #[error("cannot use the address {url:?}: {reason}")]
    #[non_exhaustive]
    Address {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A setting that the client cannot work with.
    #[error("{what}: {reason}")]
    #[non_exhaustive]
    Setting {
        /// What was set.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The model does not exist, or is not to be read without a token.
    #[error(
        "{url} is refused: {reason} (status {status}); a model that is not public needs a token in \
         HF_TOKEN"
    )]
    #[non_exhaustive]
    Refused {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's reason.
        reason: String,
    },
    /// The repository has no such file, and a model needs it.
    #[error("{url} does not exist")]
    #[non_exhaustive]
    NotFound {
        /// What was asked for.
        url: String,
    },
    /// The server answers what cannot be understood.
    #[error("{url}: {reason}")]
    #[non_exhaustive]
    Answer {
        /// What was asked for.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// Several attempts in a row brought nothing.
    #[error("{url}: gave up after {attempts} attempts: {reason}")]
    #[non_exhaustive]
    GaveUp {
        /// What was asked for.
        url: String,
        /// Attempts in a row.
        attempts: u32,
        /// What ended the last.
        reason: String,
    },
    /// The file that arrived is not the one that was announced.
    #[error(
        "{url}: what arrived has the {kind} {found}, but {expected} was announced; it is thrown \
         away"
    )]
    #[non_exhaustive]
    Mismatch {
        /// What was asked for.
        url: String,
        /// `size`, `SHA-256` or `git SHA-1`.
        kind: &'static str,
        /// What was announced.
        expected: String,
        /// What arrived.
        found: String,
    },
    /// The cache could not be written.
    #[error("cannot write {}", path.display())]
    #[non_exhaustive]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

/// Why one request failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another attempt may do better.
    #[non_exhaustive]
    Again {
        reason: String,
        /// When the server wants to be asked again, in seconds.
        after: Option<u64>,
    },
    /// It will not.
    Final(DownloadError),
}

impl Failure {
    pub(super) fn again(reason: impl ToString) -> Failure {
        Failure::Again { reason: reason.to_string(), after: None }
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Failure {
        Failure::Final(error)
    }
}
