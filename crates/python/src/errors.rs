//! The library's errors as Python exceptions, with the same sentences.

use minilm::{Error, HubError, tasks, tasks::index::IndexError};
use pyo3::{
    PyErr,
    exceptions::{PyFileNotFoundError, PyOSError, PyValueError},
};
use std::{error::Error as StdError, io};

/// A sentence, and the reasons behind it.
fn sentence(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        text.push_str(": ");
        text.push_str(&reason.to_string());
        source = reason.source();
    }
    text
}

/// The operating system's error among the reasons.
fn system(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

/// `OSError` if a file is the reason, else `ValueError`.
fn exception(error: &(dyn StdError + 'static)) -> PyErr {
    let text = sentence(error);
    match system(error) {
        Some(io::ErrorKind::NotFound) => PyFileNotFoundError::new_err(text),
        Some(_) => PyOSError::new_err(text),
        None => PyValueError::new_err(text),
    }
}

/// The exception of an encoder's error.
pub(crate) fn from_encoder(error: Error) -> PyErr {
    match &error {
        Error::Hub(
            HubError::NotCached { .. } | HubError::Incomplete { .. } | HubError::NoCache,
        ) => PyFileNotFoundError::new_err(sentence(&error)),
        _ => exception(&error),
    }
}

/// The exception of a task's error.
pub(crate) fn from_task(error: tasks::Error) -> PyErr {
    exception(&error)
}

/// The exception of an index file's error.
pub(crate) fn from_index(error: IndexError) -> PyErr {
    exception(&error)
}

/// The exception of training's error.
pub(crate) fn from_train(error: minilm_train::Error) -> PyErr {
    exception(&error)
}
