//! Results of an encoder besides plain arrays.

use crate::TokenCount;
use ndarray::Array2;

/// The embeddings of a call, and the tokens used and dropped of each text.
///
/// ```
/// # fn main() -> Result<(), minilm::Error> {
/// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
/// let encoded = encoder.encode_with(&["one", ""], &minilm::EncodeOptions::new())?;
/// assert_eq!(encoded.embeddings.dim(), (2, 384));
/// assert_eq!(encoded.counts[1].used, 2); // [CLS] [SEP]
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Encoded {
    /// `[texts, dimension]`, in the order of the texts.
    pub embeddings: Array2<f32>,
    /// Tokens of each text.
    pub counts: Vec<TokenCount>,
}

/// The last hidden state of one text.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenEmbeddings {
    /// `[tokens, H]`: one vector per token.
    pub embeddings: Array2<f32>,
    /// The word pieces, `[CLS]` first and `[SEP]` last.
    pub tokens: Vec<String>,
    /// Their ids.
    pub ids: Vec<u32>,
    /// Tokens beyond the model's limit.
    pub dropped: usize,
}
