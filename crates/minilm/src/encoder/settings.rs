//! The settings of a call: the encoder's defaults, changed by the call's options.

use super::SentenceEncoder;
use crate::{EncodeOptions, Error};
use minilm_kernels::Rows;
use minilm_pooling::normalize;
use std::borrow::Cow;

/// When an embedding is scaled to length 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Normalize {
    Never,
    BeforeTruncation,
    AfterTruncation,
}

impl Normalize {
    /// The user's choice has priority over the model's modules.
    pub(super) fn of(wanted: Option<bool>, by_modules: bool) -> Normalize {
        match wanted {
            Some(true) => Normalize::AfterTruncation,
            Some(false) => Normalize::Never,
            None if by_modules => Normalize::BeforeTruncation,
            None => Normalize::Never,
        }
    }
}

/// The settings by which texts become embeddings.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(super) normalize: Normalize,
    pub(super) dimension: usize,
    /// The text before each text; empty if there is none.
    pub prompt: String,
    /// Tokens at a text's beginning that are not pooled.
    pub(super) unpooled: usize,
}

impl Settings {
    /// The text as the model reads it.
    pub(super) fn prompted<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.prompt.as_str() {
            "" => Cow::Borrowed(text),
            prompt => Cow::Owned([prompt, text].concat()),
        }
    }

    /// Scales a vector that was made of embeddings to length 1, if embeddings are.
    pub(crate) fn scale(&self, v: &mut [f32]) {
        if self.normalize != Normalize::Never {
            normalize(v);
        }
    }

    /// A vector of the model's last module but the normalisation, normalised and cut:
    /// `[dimension]`.
    pub(super) fn finish<'v>(&self, vector: &'v mut [f32]) -> &'v [f32] {
        if self.normalize == Normalize::BeforeTruncation {
            normalize(vector);
        }
        let kept = &mut vector[..self.dimension];
        if self.normalize == Normalize::AfterTruncation {
            normalize(kept);
        }
        kept
    }
}

impl SentenceEncoder {
    /// The encoder's defaults, changed by `options`.
    pub(crate) fn settings(&self, options: &EncodeOptions) -> Result<Settings, Error> {
        let mut settings = self.defaults.clone();
        if let Some(normalize) = options.normalize {
            settings.normalize = Normalize::of(Some(normalize), false);
        }
        if let Some(dimensions) = options.truncate_dim {
            settings.dimension = self.checked_dimension(dimensions)?;
        }
        if let Some(prompt) = &options.prompt {
            settings.prompt = self.prompts.text(prompt)?.to_owned();
            settings.unpooled = self.unpooled(&settings.prompt)?;
        }
        Ok(settings)
    }

    /// A number of values that an embedding can be cut to.
    fn checked_dimension(&self, dimensions: usize) -> Result<usize, Error> {
        let width = self.head.width();
        if dimensions == 0 || dimensions > width {
            let reason = format!("{dimensions} is not between 1 and the model's {width}");
            return Err(Error::Option { option: "truncate_dim", reason });
        }
        Ok(dimensions)
    }

    /// Tokens of a prompt that are not pooled.
    pub(super) fn unpooled(&self, prompt: &str) -> Result<usize, Error> {
        if self.pooling.include_prompt() || prompt.is_empty() {
            return Ok(0);
        }
        let length = self.tokenizer.prompt_length(prompt);
        length.map_err(|reason| Error::Tokenize { index: 0, reason })
    }

    /// Pools the hidden state of one text `[L, H]`, and makes it an embedding `[dimension]`;
    /// `vector` is where that is done.
    pub(super) fn embed<'v>(
        &self,
        settings: &Settings,
        hidden: Rows,
        vector: &'v mut Vec<f32>,
    ) -> &'v [f32] {
        vector.resize(self.pooling.width(hidden.cols()), 0.0);
        self.pooling.pool_from(settings.unpooled, hidden, vector);
        self.head.run(vector, |_, _| {});
        settings.finish(vector)
    }
}
