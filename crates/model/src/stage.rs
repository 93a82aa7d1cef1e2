//! The intermediate tensors by the names PyTorch gives them.
//!
//! In the book: `docs/09-testing.md`.

use crate::{Operation, operation::Clock};
use minilm_kernels::Rows;
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
    /// `encoder.layer.n.attention.self.query` `[T, H]`: what each token looks for, the heads side
    /// by side.
    Query(usize),
    /// `encoder.layer.n.attention.self.key` `[T, H]`: what each token is found by.
    Key(usize),
    /// `encoder.layer.n.attention.self.value` `[T, H]`: what each token gives to those that find
    /// it.
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

/// Is shown each intermediate tensor as soon as it is there.
pub type Observer<'a> = &'a mut dyn FnMut(Stage, Rows);

/// Who watches a forward pass, if anybody does.
#[derive(Default)]
pub(crate) struct Observation<'a> {
    pub(crate) observer: Option<Observer<'a>>,
    pub(crate) clock: Option<&'a mut Clock>,
}

impl Observation<'_> {
    /// Whether there is an observer, who also wants to see what the pass itself never has as a
    /// whole.
    pub(crate) fn is_wanted(&self) -> bool {
        self.observer.is_some()
    }

    pub(crate) fn show(&mut self, stage: Stage, tensor: Rows) {
        if let Some(observer) = &mut self.observer {
            observer(stage, tensor);
        }
    }

    /// What ran since the last lap was `operation` of layer `n`.
    pub(crate) fn lap(&mut self, operation: Operation, n: usize) {
        if let Some(clock) = &mut self.clock {
            clock.lap(operation, n);
        }
    }
}
