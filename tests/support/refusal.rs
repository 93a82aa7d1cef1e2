//! Directories that must be refused, and why.

use super::tiny::Tiny;
use minilm::{Error, SentenceEncoder};
use tempfile::TempDir;

/// The error of a directory that is wrong.
pub fn load(directory: &TempDir) -> Error {
    SentenceEncoder::load(directory.path()).map(drop).expect_err("the directory is wrong")
}

/// The whole chain of messages.
pub fn message(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

/// Loads `tiny` and requires each of `parts` in the message.
#[track_caller]
pub fn refused(tiny: &Tiny, parts: &[&str]) {
    let error = load(&tiny.write());
    let message = message(&error);
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}
