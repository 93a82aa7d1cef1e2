//! Vectors from elsewhere are those of the model: the first of their texts are embedded, and the
//! vectors are compared with the model's.

use crate::{error::Error, show::count};
use minilm::{EncodeOptions, Prompt, SentenceEncoder, similarity::cosine_f64};

/// Texts that are embedded.
const MOST: usize = 8;

/// The least mean cosine of vectors that other programs computed for the same model, also in
/// integers.
pub(crate) const NEAR: f64 = 0.9;

/// The same of vectors of which only the signs are left: the mean cosine with the signs of a normal
/// distribution is 0.8.
pub(crate) const NEAR_SIGNS: f64 = 0.6;

/// The first texts and their vectors.
#[derive(Default)]
pub(crate) struct Sample {
    texts: Vec<String>,
    vectors: Vec<Vec<f32>>,
}

impl Sample {
    /// Keeps a text and its vector, if it is among the first.
    pub(crate) fn push(&mut self, text: &str, vector: &[f32]) {
        if self.is_full() {
            return;
        }
        self.texts.push(text.to_owned());
        self.vectors.push(vector.to_vec());
    }

    /// Whether no more is kept.
    pub(crate) fn is_full(&self) -> bool {
        self.texts.len() >= MOST
    }

    /// The vectors, which are those of the file `name`, are near those of the model. The remedy
    /// ends the message if they are not.
    pub(crate) fn check(
        &self,
        name: &str,
        encoder: &SentenceEncoder,
        least: f64,
        remedy: &str,
    ) -> Result<(), Error> {
        let options = EncodeOptions::new().prompt(Prompt::Document);
        let embeddings = encoder.encode_with(&self.texts, &options)?.embeddings;
        let near = self.cosine(embeddings.rows().into_iter().map(|row| row.to_vec()));
        if near >= least {
            return Ok(());
        }
        let (space, texts) = (encoder.space(), count(self.texts.len(), "text"));
        Err(Error::Input(format!(
            "{name} does not hold the vectors of {space} for these texts: the mean cosine of the \
             first {texts} is {near:.3}{remedy}"
        )))
    }

    /// The mean cosine with other vectors of the same texts. A vector of zeros counts as 0.
    pub(crate) fn cosine(&self, others: impl Iterator<Item = Vec<f32>>) -> f64 {
        let pairs = self.vectors.iter().zip(others);
        let sum: f64 = pairs.map(|(a, b)| cosine_f64(a, &b)).sum();
        sum / self.texts.len().max(1) as f64
    }
}

/// Vectors have as many dimensions as those of the model.
pub(crate) fn check_columns(
    name: &str,
    columns: usize,
    encoder: &SentenceEncoder,
) -> Result<(), Error> {
    let dimensions = encoder.dimension();
    if columns == dimensions {
        return Ok(());
    }
    let space = encoder.space();
    Err(Error::Input(format!(
        "{name} holds vectors of {columns} dimensions; those of {space} have {dimensions}"
    )))
}
