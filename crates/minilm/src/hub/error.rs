//! The errors of finding a model by its name.

use std::{io, path::PathBuf};

/// The error of finding a model by its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The name cannot be that of a model.
    #[error("{name:?} is not the name of a model: {reason}")]
    #[non_exhaustive]
    Name {
        /// The name.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// The revision cannot be a commit, branch or tag.
    #[error("{revision:?} is not a revision: {reason}")]
    #[non_exhaustive]
    Revision {
        /// The revision.
        revision: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// The environment names no cache, and there is no home directory.
    #[error(
        "there is no cache of models: none of SENTENCE_TRANSFORMERS_HOME, HF_HUB_CACHE, HF_HOME \
         and XDG_CACHE_HOME is set, and there is no home directory"
    )]
    NoCache,
    /// The model, or this revision of it, is not in the cache.
    #[error(
        "{name} at revision {revision} is not in the cache; looked for {}; {remedy}",
        list(looked)
    )]
    #[non_exhaustive]
    NotCached {
        /// The model.
        name: String,
        /// The revision.
        revision: String,
        /// Every file and directory that was looked for, in order.
        looked: Vec<PathBuf>,
        /// The way to get it.
        remedy: String,
    },
    /// The snapshot lacks files without which the model cannot be loaded, or gives other vectors.
    #[error("{} is not whole: it lacks {}; {remedy}", snapshot.display(), missing.join(" and "))]
    #[non_exhaustive]
    Incomplete {
        /// The snapshot's directory.
        snapshot: PathBuf,
        /// The missing files.
        missing: Vec<String>,
        /// The way to get it.
        remedy: String,
    },
    /// A file in `refs` does not hold a commit.
    #[error("{} does not hold the hash of a commit", path.display())]
    #[non_exhaustive]
    Reference {
        /// The file.
        path: PathBuf,
    },
    /// A file of the cache could not be read.
    #[error("cannot read {}", path.display())]
    #[non_exhaustive]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The missing files could not be downloaded.
    #[cfg(feature = "download")]
    #[error(transparent)]
    Download(#[from] super::DownloadError),
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
