//! Multi-head self-attention over sentences of any length that lie end to end, without padding.
//!
//! ```text
//! for each sentence (L tokens) and each head (D columns of q, k and v):
//!   v               [L, D]       copied: rows side by side
//!   for each block of queries, one per lane (LOOP 2):
//!     qᵀ              [D, lanes]   transposed in registers
//!     scores = k·qᵀ   [L, lanes]   micro-kernel of GEMM: rows of k in place, panel qᵀ, one chain
//!     e      = exp((scores − max)/√D),  Σ e    per lane: no sum across lanes, no masks, no padding
//!     for each tile of MR queries (LOOP 1):
//!       context = (e·v)·(1/Σ)       [MR, D]     e broadcast, panel v, chains over keys as in GEMM
//! ```
//!
//! Queries lie in lanes, so what runs over the keys (maximum, exponential, sum, both products) is
//! the same instruction for sixteen queries, and keys are read where the projection left them. The
//! whole score matrix never exists: a block of it is at most 512 × 32 floats, 64 KiB. Scaling the
//! context by 1/Σ instead of dividing every probability takes one division per query instead of L.
//!
//! A sentence sees its own rows alone, so the rest of the batch cannot change its result.
//!
//! Reference: A. Vaswani et al., *Attention Is All You Need*, arXiv:1706.03762, section 3.2.
//!
//! In the book: `docs/06-attention.md`.

mod backward;
mod block;
mod dropout;

pub use backward::{BackwardScratch, attention_backward};
use block::{Block, copy_values, vectors};
pub use dropout::AttentionDropout;
use dropout::Masking;

use crate::{
    AlignedVec, Level, Rows, RowsMut,
    simd::{Kernel, LANES, Simd},
    tiles::{Tiled, Tiles},
};
use std::ops::Range;

/// Memory that [`attention`] works in; it grows to the longest sentence and is then reused.
#[derive(Debug, Default)]
pub struct Scratch {
    queries: AlignedVec, // [D, NQ vectors]
    scores: AlignedVec,  // [L, NQ vectors]
    values: AlignedVec,  // [panels, L, NV vectors]
}

/// Softmax(q·kᵀ/√D)·v for every sentence and head (`scaled_dot_product_attention`).
///
/// - `qkv`: queries, keys and values, `[T, H]` each.
/// - `heads`: the H columns are this many heads of `D = H / heads`.
/// - `starts`: sentence `i` is the rows `starts[i]..starts[i + 1]`; the first is 0 and the last T.
/// - `context` `[T, H]`: the result.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, RowsMut, attention::{Scratch, attention}};
/// // Two sentences of one token: each token attends to itself alone, so the context is the value.
/// let qkv = [[0.1, 0.3], [0.2, 0.4], [7.0, 8.0]];
/// let qkv = qkv.each_ref().map(|x| Rows::new(x, 1));
/// let mut context = [0.0; 2];
/// let out = RowsMut::new(&mut context, 1);
/// attention(Level::detect(), qkv, 1, &[0, 1, 2], &mut Scratch::default(), out);
/// assert_eq!(context, [7.0, 8.0]);
/// ```
pub fn attention(
    level: Level,
    qkv: [Rows; 3],
    heads: usize,
    starts: &[usize],
    scratch: &mut Scratch,
    context: RowsMut,
) {
    level.run(Attention::new(qkv, heads, starts, scratch, context));
}

/// Queries, keys and values `[T, H]` each, as the fused projection `[T, 3·H]` leaves them: side by
/// side.
///
/// # Panics
/// If the columns are not three equal parts.
///
/// ```
/// use minilm_kernels::{Rows, attention::split};
/// let [_, keys, values] = split(Rows::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 6));
/// assert_eq!((keys.row(0), values.row(0)), (&[3.0, 4.0][..], &[5.0, 6.0][..]));
/// ```
pub fn split(qkv: Rows) -> [Rows; 3] {
    let h = qkv.cols() / 3;
    assert_eq!(qkv.cols(), 3 * h, "{} columns are not three equal parts", qkv.cols());
    [0, 1, 2].map(|part| qkv.columns(part * h..(part + 1) * h))
}

/// [`attention`] as a [`Kernel`].
///
/// `M` says what becomes of the probabilities: nothing, or dropout. Without dropout, no trace of it
/// is compiled.
pub struct Attention<'a, M = ()> {
    qkv: [Rows<'a>; 3], // [T, H] each
    heads: usize,
    starts: &'a [usize], // [sentences + 1]
    scratch: &'a mut Scratch,
    context: RowsMut<'a>, // [T, H]
    masking: M,
}

impl<'a> Attention<'a> {
    /// The operands of [`attention`].
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn new(
        qkv: [Rows<'a>; 3],
        heads: usize,
        starts: &'a [usize],
        scratch: &'a mut Scratch,
        context: RowsMut<'a>,
    ) -> Attention<'a> {
        let (t, h) = (context.rows(), context.cols());
        for (name, x) in ["query", "key", "value"].into_iter().zip(qkv) {
            let shape = (x.rows(), x.cols());
            assert_eq!(shape, (t, h), "the shape of {name} is not that of the context");
        }
        assert!(heads > 0 && h.is_multiple_of(heads), "{h} columns are not {heads} equal heads");
        assert_eq!(starts.first(), Some(&0), "the first sentence starts at row 0");
        assert_eq!(starts.last(), Some(&t), "the last sentence ends at the last row");
        assert!(starts.is_sorted(), "sentences lie in order");
        Attention { qkv, heads, starts, scratch, context, masking: () }
    }

    /// The same with dropout of the probabilities, as in training.
    #[must_use]
    pub fn with_dropout(
        self,
        dropout: Option<AttentionDropout>,
    ) -> Attention<'a, Option<AttentionDropout>> {
        let Attention { qkv, heads, starts, scratch, context, masking: () } = self;
        Attention { qkv, heads, starts, scratch, context, masking: dropout }
    }
}

impl<M: Masking> Kernel for Attention<'_, M> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        S::Tiles::attention(s, self);
    }
}

impl<M: Masking> Tiled for Attention<'_, M> {
    type Output = ();
    /// Queries NV vectors at a time, or one where one is enough; the context NV vectors of columns
    /// at a time.
    #[inline(always)]
    fn run<S: Simd, const MOST: usize, const NV: usize>(mut self, s: S) {
        let sentences = self.starts.windows(2).map(|w| w[0]..w[1]).enumerate();
        for (sentence, rows) in sentences.filter(|(_, rows)| !rows.is_empty()) {
            self.sentence::<S, MOST, NV>(s, sentence, rows);
        }
    }
}

impl<M: Masking> Attention<'_, M> {
    #[inline(always)]
    fn sentence<S: Simd, const MOST: usize, const NV: usize>(
        &mut self,
        s: S,
        sentence: usize,
        rows: Range<usize>,
    ) {
        let hidden = self.context.cols();
        let (d, l) = (hidden / self.heads, rows.len());
        let qkv = self.qkv.map(|x| x.slice(rows.clone())); // [L, H] each
        let Scratch { queries: transposed, scores, values } = &mut *self.scratch;
        let transposed = transposed.resize(d.next_multiple_of(LANES) * NV * LANES);
        let scores = scores.resize(l * NV * LANES);
        let values = vectors::<NV>(values.resize(l * d.next_multiple_of(NV * LANES)));

        for first in (0..hidden).step_by(d) {
            let [q, k, v] = qkv.map(|x| x.columns(first..first + d)); // [L, D] each
            copy_values(s, v, values);
            for start in (0..l).step_by(NV * LANES) {
                let mut block = Block::<M, NV> {
                    queries: q.slice(start..l.min(start + NV * LANES)),
                    keys: k,
                    values,
                    transposed,
                    scores,
                    context: &mut self.context.columns(first..first + d),
                    row: rows.start + start,
                    mask: self.masking.mask(sentence, first / d, start),
                };
                match block.queries.rows() {
                    0..=LANES => block.run::<S, MOST, 1>(s),
                    _ => block.run::<S, MOST, NV>(s),
                }
            }
        }
    }
}
