//! The memory of a forward pass, used again for every layer and every batch.
//!
//! In the book: `docs/02-memory.md`.

use crate::projection::Rounded;
use minilm_kernels::{AlignedVec, attention};

/// Activations of one batch. It grows to the largest batch it has seen; one thread uses it at a
/// time.
///
/// At T tokens: `4·H·T` floats for H = 384, a block of attention scores, and `2·H·T` small integers
/// if the precision is one of them.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) x: AlignedVec,       // [T, H]   the residual stream
    pub(crate) y: AlignedVec,       // [T, H]   the same after attention
    pub(crate) context: AlignedVec, // [T, H]
    pub(crate) part: AlignedVec,    // [T, one group of 3H, or one chunk of F]
    pub(crate) scores: attention::Scratch,
    pub(crate) rounded: Rounded,      // x, y or context as integers
    pub(crate) rounded_part: Rounded, // part as integers
}

impl Scratch {
    /// Makes room for `tokens`, with `hidden` columns in most tensors and up to `part` in one.
    pub(crate) fn resize(&mut self, tokens: usize, hidden: usize, part: usize) {
        for tensor in [&mut self.x, &mut self.y, &mut self.context] {
            tensor.resize(tokens * hidden);
        }
        self.part.resize(tokens * part);
    }
}
