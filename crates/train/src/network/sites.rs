//! Where dropout happens, and which mask is there.

use minilm_kernels::{attention::AttentionDropout, dropout::Dropout as Mask};

/// Dropout in the forward and the backward pass of a step.
///
/// A mask is a function of these numbers and of a value's place: its sentence in the batch, its
/// token and its column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// The probability after the embeddings and the two projections of a layer:
    /// `hidden_dropout_prob`.
    pub hidden: f32,
    /// The probability for attention's shares: `attention_probs_dropout_prob`.
    pub attention: f32,
    /// The seed of the run.
    pub seed: u64,
    /// The number of the batch: each has masks of its own.
    pub step: u64,
}

/// The sites of dropout in the model, in one step.
#[derive(Debug)]
pub(super) struct Sites(pub Dropout);

impl Sites {
    fn mask(&self, probability: f32, site: usize) -> Option<Mask> {
        let Dropout { seed, step, .. } = self.0;
        (probability > 0.0).then(|| Mask::new(probability, [seed, step, site as u64]))
    }

    pub(super) fn embeddings(&self) -> Option<Mask> {
        self.mask(self.0.hidden, 0)
    }

    /// For the sentences from `first` on.
    pub(super) fn attention(&self, layer: usize, first: usize) -> Option<AttentionDropout> {
        let dropout = self.mask(self.0.attention, 3 * layer + 1)?;
        Some(AttentionDropout { dropout, first })
    }

    pub(super) fn attention_output(&self, layer: usize) -> Option<Mask> {
        self.mask(self.0.hidden, 3 * layer + 2)
    }

    pub(super) fn output(&self, layer: usize) -> Option<Mask> {
        self.mask(self.0.hidden, 3 * layer + 3)
    }
}
