//! The ways to an encoder.

use super::SentenceEncoder;
use crate::{Error, ModelFiles, SentenceEncoderBuilder};
use std::path::Path;

impl SentenceEncoder {
    /// Loads a model from a directory as sentence-transformers writes it, with default options.
    ///
    /// The weights are memory-mapped: the file must not be changed while the encoder is in use.
    ///
    /// # Errors
    /// A file that is missing, unreadable, or contradicts the others.
    pub fn load(directory: impl AsRef<Path>) -> Result<SentenceEncoder, Error> {
        SentenceEncoder::builder().load(directory)
    }

    /// Loads a model from bytes that the program holds already, with default options: see
    /// [`ModelFiles`].
    ///
    /// # Errors
    /// As [`SentenceEncoder::load`].
    pub fn from_bytes(files: ModelFiles) -> Result<SentenceEncoder, Error> {
        SentenceEncoder::builder().from_bytes(files)
    }

    /// Loads a model by its name from the cache of Hugging Face, with default options: see
    /// [`Hub`](crate::Hub).
    ///
    /// The network is not used, unless minilm is built with the feature `download` and the model is
    /// not in the cache.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::from_hub("sentence-transformers/all-MiniLM-L6-v2")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`SentenceEncoderBuilder::from_hub`].
    pub fn from_hub(name: &str) -> Result<SentenceEncoder, Error> {
        SentenceEncoder::builder().from_hub(name)
    }

    /// Options: threads, level, normalisation, prompt, truncation, progress.
    pub fn builder() -> SentenceEncoderBuilder {
        SentenceEncoderBuilder::default()
    }
}
