//! The errors of the program: one line for standard error, and the exit status.

use std::{error::Error as _, io};

/// The error of a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line asks for something that cannot be done.
    #[error("{0}")]
    Usage(String),
    /// A folder that is in none of the places where it is looked for.
    #[error("{0}")]
    NotFound(String),
    /// The model, or the encoder.
    #[error(transparent)]
    Encoder(minilm::Error),
    #[error("cannot read {name}")]
    Read { name: String, source: io::Error },
    #[error("cannot write {name}")]
    Write { name: String, source: io::Error },
    /// Standard output, which may have been closed by its reader.
    #[error("cannot write standard output")]
    Stdout(#[source] io::Error),
    /// A file of texts, labels or vectors that is not what it should be.
    #[error("{0}")]
    Input(String),
    /// A file of texts or vectors that cannot be read.
    #[error(transparent)]
    Reader(minilm_readers::Error),
    /// Vectors that cannot be used, or an index.
    #[error(transparent)]
    Index(minilm::tasks::index::IndexError),
    /// Numbers that cannot be evaluated.
    #[error("{name}")]
    Task { name: String, source: minilm::tasks::Error },
    /// Training, or what belongs to it.
    #[error(transparent)]
    Train(minilm_train::Error),
    #[cfg(feature = "serve")]
    #[error("cannot serve on {address}")]
    Serve { address: String, source: io::Error },
    #[error("cannot watch for signals")]
    Signals { source: io::Error },
    /// Ctrl-C came before the end; what is kept.
    #[error("{0}")]
    Interrupted(String),
    /// A text that could not be encoded.
    #[error("{0}")]
    Text(String),
    /// A golden file does not have the content that its page describes.
    #[error("{0}")]
    Golden(String),
    /// This build computes something else than PyTorch.
    #[error("{0}")]
    Mismatch(String),
}

impl Error {
    /// An error of one text among several, with the place where that text is.
    pub(crate) fn in_text(error: minilm::Error, place: impl Fn(usize) -> String) -> Error {
        use minilm::Error::{NotFinite, Tokenize, TooLong};
        Error::Text(match error {
            TooLong { index, tokens, limit, .. } => {
                format!("{} has {tokens} tokens, but the model reads {limit}", place(index))
            }
            Tokenize { index, reason, .. } => {
                format!("{} cannot be tokenised: {reason}", place(index))
            }
            NotFinite { index, .. } => format!("the embedding of {} is not finite", place(index)),
            other => return other.into(),
        })
    }

    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Error::Usage(_) => 2,
            Error::Interrupted(_) => 130, // as a shell tells of a program that Ctrl-C stopped
            _ => 1,
        }
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Error::Stdout(source) if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<minilm::Error> for Error {
    /// An option that does not fit the model is a misuse, named as it is spelt on the command line.
    fn from(error: minilm::Error) -> Error {
        match error {
            minilm::Error::Option { option, reason, .. } => option_error(option, &reason),
            minilm::Error::Prompt { .. } => Error::Usage(format!("--prompt-name: {error}")),
            other => Error::Encoder(other),
        }
    }
}

impl From<minilm::tasks::index::IndexError> for Error {
    fn from(error: minilm::tasks::index::IndexError) -> Error {
        use minilm::tasks::{Error as Task, index::IndexError};
        match error {
            IndexError::Vectors { source: Task::Option { option, reason }, .. } => {
                option_error(option, &reason)
            }
            other => Error::Index(other),
        }
    }
}

impl From<minilm_train::Error> for Error {
    fn from(error: minilm_train::Error) -> Error {
        use minilm_train::Error as Train;
        match error {
            Train::Model(error) => error.into(),
            Train::Option { option, reason, .. } => option_error(spelt(option), &reason),
            other => Error::Train(other),
        }
    }
}

impl From<minilm_readers::Error> for Error {
    /// An option that does not fit the file, and a file of another kind, are misuses.
    fn from(error: minilm_readers::Error) -> Error {
        use minilm_readers::Error as Reader;
        match error {
            Reader::Option { option, reason } => option_error(option, &reason),
            Reader::Kind(reason) => Error::Usage(reason),
            Reader::Index(error) => error.into(),
            other => Error::Reader(other),
        }
    }
}

/// Options of training that are shorter on the command line than in the original.
fn spelt(option: &str) -> &str {
    match option {
        "num_train_epochs" => "epochs",
        "per_device_train_batch_size" => "batch",
        "gradient_accumulation_steps" => "accumulate",
        "lr_scheduler_type" => "schedule",
        "warmup_steps" => "warmup",
        "adam_epsilon" => "epsilon",
        "early_stopping_patience" => "patience",
        "metric_for_best_model" => "metric",
        "range_min" => "from",
        "range_max" => "to",
        "num_negatives" => "negatives",
        other => other,
    }
}

/// An option of the library, as it is spelt on the command line.
fn option_error(option: &str, reason: &str) -> Error {
    Error::Usage(format!("--{}: {reason}", option.replace('_', "-")))
}

/// The error and its sources in one line: `cannot read x: No such file or directory (os error 2)`.
pub(crate) fn chain(error: &Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(": ");
        line.push_str(&error.to_string());
        source = error.source();
    }
    line.replace('\n', " ")
}
