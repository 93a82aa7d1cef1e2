//! The errors of a download.

use std::{io, path::PathBuf};

/// The error of a download.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// A URL, the endpoint's or one that the server redirects to, cannot be used.
    #[error("cannot use the address {url:?}: {reason}")]
    #[non_exhaustive]
    Address {
        /// The URL.
        url: String,
        /// The reason.
        reason: &'static str,
    },
    /// A setting that the client cannot work with.
    #[error("{what}: {reason}")]
    #[non_exhaustive]
    Setting {
        /// The setting.
        what: &'static str,
        /// The reason.
        reason: String,
    },
    /// The model does not exist, or is not to be read without a token.
    #[error(
        "{url} is refused: {reason} (status {status}); a model that is not public needs a token in \
         HF_TOKEN"
    )]
    #[non_exhaustive]
    Refused {
        /// The URL.
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
        /// The URL.
        url: String,
    },
    /// The server's answer cannot be understood.
    #[error("{url}: {reason}")]
    #[non_exhaustive]
    Answer {
        /// The URL.
        url: String,
        /// The reason.
        reason: String,
    },
    /// Several attempts in a row brought nothing.
    #[error("{url}: gave up after {attempts} attempts: {reason}")]
    #[non_exhaustive]
    GaveUp {
        /// The URL.
        url: String,
        /// Attempts in a row.
        attempts: u32,
        /// The error of the last one.
        reason: String,
    },
    /// The file that arrived is not the one that was announced.
    #[error(
        "{url}: what arrived has the {kind} {found}, but {expected} was announced; it is thrown \
         away"
    )]
    #[non_exhaustive]
    Mismatch {
        /// The URL.
        url: String,
        /// `size`, `SHA-256` or `git SHA-1`.
        kind: &'static str,
        /// The value that was announced.
        expected: String,
        /// The value of the file that arrived.
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

/// The failure of one request.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another attempt may succeed.
    #[non_exhaustive]
    Again {
        reason: String,
        /// The seconds after which the server allows another request.
        after: Option<u64>,
    },
    /// Another attempt will fail the same way.
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
