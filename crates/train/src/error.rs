//! The errors of training.

use std::{io, path::PathBuf};

/// The error of reading data, of training, or of writing what comes of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model could not be loaded, or a text not be tokenised.
    #[error(transparent)]
    Model(#[from] minilm::Error),
    /// The weights could not be read.
    #[error(transparent)]
    Weights(#[from] minilm::model::Error),
    /// Vectors that an evaluator cannot use.
    #[error(transparent)]
    Evaluation(#[from] minilm_tasks::Error),
    /// A row of the data that cannot be learned from.
    #[error("{place}: {reason}")]
    #[non_exhaustive]
    Row {
        /// Where it is, such as `line 3 of pairs.csv`.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Data that nothing can be learned from.
    #[error("{0}")]
    Data(String),
    /// An option that does not fit the data or the model.
    #[error("option {option}: {reason}")]
    #[non_exhaustive]
    Option {
        /// Its name.
        option: &'static str,
        /// The reason.
        reason: String,
    },
    /// A model that cannot be trained.
    #[error("{}: {reason}", path.display())]
    #[non_exhaustive]
    Untrainable {
        /// Its directory or file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    #[non_exhaustive]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    #[non_exhaustive]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A checkpoint that this run cannot go on from.
    #[error("{}: {reason}", path.display())]
    #[non_exhaustive]
    Checkpoint {
        /// Its directory or file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// Training left the range of numbers.
    #[error(
        "step {step}: {what} is not finite; nothing was written after this step. A lower learning \
         rate helps"
    )]
    #[non_exhaustive]
    NotFinite {
        /// The step, from 1.
        step: usize,
        /// The loss, the gradient, a weight, or an embedding that the weights give.
        what: &'static str,
    },
}

impl Error {
    pub(crate) fn option<T>(option: &'static str, reason: impl Into<String>) -> Result<T, Error> {
        Err(Error::Option { option, reason: reason.into() })
    }
}
