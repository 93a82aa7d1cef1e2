//! Attention, softmax(q·kᵀ/√D)·v, of several sentences and all heads.
//!
//! Two products with a softmax between them, on matrices that are as large as the sentence is long.
//!
//! In the book: `docs/06-attention.md`.

pub mod per_head;
pub mod shipped;
pub mod tiles;
pub mod whole;

use minilm_kernels::{AlignedVec, Level, attention};

/// context `[T, H]` of qkv `[T, 3·H]`: queries, keys and values side by side.
pub type Rung =
    fn(level: Level, qkv: &[f32], batch: Batch, scratch: &mut Scratch, context: &mut [f32]);

/// The batch: the rows of each sentence, and the columns of each head.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Columns of the context: H.
    pub hidden: usize,
    /// The H columns are this many heads, A, of D = H / A.
    pub heads: usize,
    /// Sentence i is the rows `starts[i]..starts[i + 1]`.
    pub starts: &'a [usize],
}

/// Memory to work in; each rung uses its own part.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) padded: AlignedVec,
    pub(crate) keys: AlignedVec,
    pub(crate) scores: AlignedVec,
    pub(crate) shipped: attention::Scratch,
}
