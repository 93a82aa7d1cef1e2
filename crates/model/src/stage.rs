//! The intermediate tensors by the names PyTorch gives them.
//!
//! In the book: `docs/09-testing.md`.

use std::fmt;

/// A step of the forward pass; displayed as the name of the PyTorch module whose output it is. `n`
/// is the layer.
///
/// ```
/// use minilm_model::Stage;
/// assert_eq!(Stage::Attention(3).to_string(), "encoder.layer.3.attention.self");
/// assert_eq!(Stage::AttentionOutput(0).to_string(), "encoder.layer.0.attention.output");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// `embeddings` `[T, H]`: word + type + position, after LayerNorm.
    Embeddings,
    /// `encoder.layer.n.attention.self.query` `[T, H]`: the queries of all heads, side by
    /// side.
    Query(usize),
    /// `encoder.layer.n.attention.self.key` `[T, H]`: the keys.
    Key(usize),
    /// `encoder.layer.n.attention.self.value` `[T, H]`: the values.
    Value(usize),
    /// `encoder.layer.n.attention.self` `[T, H]`: the context of all heads.
    Attention(usize),
    /// `encoder.layer.n.attention.output` `[T, H]`: projection + residual, after LayerNorm.
    AttentionOutput(usize),
    /// `encoder.layer.n.intermediate` `[T, F]`: the feed-forward's inner layer, after GELU.
    Intermediate(usize),
    /// `encoder.layer.n.output` `[T, H]`: feed-forward + residual, after LayerNorm.
    Output(usize),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Embeddings => f.write_str("embeddings"),
            Stage::Query(n) => write!(f, "encoder.layer.{n}.attention.self.query"),
            Stage::Key(n) => write!(f, "encoder.layer.{n}.attention.self.key"),
            Stage::Value(n) => write!(f, "encoder.layer.{n}.attention.self.value"),
            Stage::Attention(n) => write!(f, "encoder.layer.{n}.attention.self"),
            Stage::AttentionOutput(n) => write!(f, "encoder.layer.{n}.attention.output"),
            Stage::Intermediate(n) => write!(f, "encoder.layer.{n}.intermediate"),
            Stage::Output(n) => write!(f, "encoder.layer.{n}.output"),
        }
    }
}
