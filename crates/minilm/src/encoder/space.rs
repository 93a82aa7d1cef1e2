//! The space of embeddings: everything that two comparable embeddings share, as an index keeps it.

use super::{
    SentenceEncoder,
    settings::{Normalize, Settings},
};
use crate::{EncodeOptions, Error, files::Source};
use minilm_model::{Checkpoint, Precision};
use minilm_tasks::index::Space;
use std::{path::Path, sync::OnceLock};

/// Everything that the vectors of an encoder depend on, besides its settings.
#[derive(Debug)]
pub(super) struct Origin {
    name: String,
    checkpoint: Checkpoint,
    fingerprint: OnceLock<String>,
}

impl Origin {
    pub(super) fn new(source: &Source, checkpoint: Checkpoint) -> Origin {
        let name = match source {
            Source::Directory(root) => name(root),
            Source::Bytes(files) => files.name().unwrap_or("a model in bytes").to_owned(),
        };
        Origin { name, checkpoint, fingerprint: OnceLock::new() }
    }
}

impl SentenceEncoder {
    /// The model's name: that of its directory, or of its [`ModelFiles`](crate::ModelFiles).
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// assert_eq!(encoder.name(), "all-MiniLM-L6-v2");
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(&self) -> &str {
        &self.origin.name
    }

    /// The space of the embeddings that [`SentenceEncoder::encode`] gives: the model's name, the
    /// prompt, and a fingerprint of the weights, the tokenizer, the pooling, the normalisation, the
    /// precision and the number of dimensions.
    ///
    /// The fingerprint is of the file that the encoder was loaded from and still holds, whatever
    /// has become of its directory. The first call reads all of it: 90 MB for all-MiniLM-L6-v2.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// assert!(encoder.space().to_string().starts_with("all-MiniLM-L6-v2 ("));
    /// # Ok(())
    /// # }
    /// ```
    pub fn space(&self) -> Space {
        self.space_of(&self.defaults)
    }

    /// The space of the embeddings that [`SentenceEncoder::encode_with`] gives for `options`.
    ///
    /// ```
    /// use minilm::{EncodeOptions, Prompt};
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let documents = EncodeOptions::new().prompt(Prompt::Text("passage: ".to_owned()));
    /// let space = encoder.space_with(&documents)?;
    /// assert_eq!(space.prompt(), "passage: ");
    /// assert!(space.is_same(&encoder.space())); // queries may have another prompt
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Options that do not fit the model.
    pub fn space_with(&self, options: &EncodeOptions) -> Result<Space, Error> {
        Ok(self.space_of(&self.settings(options)?))
    }

    fn space_of(&self, settings: &Settings) -> Space {
        let normalize = match settings.normalize {
            Normalize::Never => "as pooled",
            Normalize::BeforeTruncation => "normalised, then cut",
            Normalize::AfterTruncation => "cut, then normalised",
        };
        let made = format!("{normalize}; {} dimensions", settings.dimension);
        let precision = self.precision();
        let mut parts = vec![self.model_fingerprint().as_bytes(), made.as_bytes()];
        if precision != Precision::F32 {
            parts.push(precision.name().as_bytes());
        }
        if !self.level().is_fused() {
            parts.push(b"unfused"); // other bits
        }
        let space = Space::new(&self.origin.name, &Space::fingerprint(parts))
            .with_prompt(&settings.prompt)
            .with_part("model", self.model_fingerprint())
            .with_part("normalisation", normalize)
            .with_part("dimensions", &settings.dimension.to_string())
            .with_part("precision", precision.name());
        if self.level().is_fused() { space } else { space.with_part("multiply-adds", "unfused") }
    }

    /// Of the model, whatever the settings.
    fn model_fingerprint(&self) -> &str {
        let origin = &self.origin;
        // It is stored when it is ready: a process that is forked meanwhile would otherwise wait
        // for a thread that it does not have.
        if let Some(fingerprint) = origin.fingerprint.get() {
            return fingerprint;
        }
        let fingerprint = {
            let config = self.bert.config();
            let (heads, epsilon) = (config.num_attention_heads, config.layer_norm_eps);
            let tokenizer = self.tokenizer.definition();
            let modes: Vec<_> = self.pooling.modes().iter().map(|mode| mode.name()).collect();
            let made = format!(
                "{heads} heads; epsilon {epsilon:e}; {}; prompt {}; f32",
                modes.join("+"),
                self.pooling.include_prompt()
            );
            let head = self.head.description();
            let parts = [tokenizer.as_bytes(), made.as_bytes(), head.as_bytes()];
            Space::fingerprint(origin.checkpoint.files().chain(self.head.files()).chain(parts))
        };
        origin.fingerprint.get_or_init(|| fingerprint)
    }
}

/// The directory's name; that of the model if it is in the cache of Hugging Face,
/// `models--ORGANISATION--MODEL/snapshots/REVISION`.
fn name(root: &Path) -> String {
    let path = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let names = || path.iter().rev().map(|name| name.to_string_lossy());
    let cached = names()
        .nth(2)
        .and_then(|name| name.strip_prefix("models--").map(|name| name.replace("--", "/")));
    cached.or_else(|| names().next().map(|name| name.into_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::name;
    use std::path::Path;

    #[test]
    fn a_space_is_named_for_its_model() {
        assert_eq!(name(Path::new("none/all-MiniLM-L6-v2/")), "all-MiniLM-L6-v2");
        assert_eq!(name(Path::new("hub/models--some--model-x/snapshots/0123abcd")), "some/model-x");
    }
}
