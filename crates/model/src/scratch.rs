//! The memory of a forward pass, used again for every layer and every pack.
//!
//! In the book: `docs/02-memory.md`.

use crate::Config;
use minilm_kernels::{AlignedVec, Rows, attention};

/// Activations of one pack. It grows to the largest pack it has seen; one thread uses it at a time.
///
/// At T tokens: `4·H·T` floats for H = 384, and a block of attention scores.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) x: AlignedVec,       // [T, H]   the residual stream
    pub(crate) y: AlignedVec,       // [T, H]   the next x
    pub(crate) context: AlignedVec, // [T, H]
    pub(crate) part: AlignedVec,    // [T, one group of 3H, or one chunk of F]
    pub(crate) whole: AlignedVec,   // [T, 3H], later [T, F]: only under observation
    pub(crate) attention: attention::Scratch,
}

impl Scratch {
    /// The residual stream `[T, H]`.
    pub(crate) fn hidden(&self, config: &Config) -> Rows<'_> {
        Rows::new(&self.x, config.hidden_size)
    }
}
