//! The backward pass of attention, per sentence and head, from the queries, keys and values.
//!
//! ```text
//! forward    P = softmax(Q·Kᵀ/√D),  O = (P⊙M)·V                  M: the mask of dropout, or ones
//!
//! backward   dV = (P⊙M)ᵀ·dO
//!            dP = (dO·Vᵀ)⊙M
//!            dS = P⊙(dP − Σₖ P⊙dP)/√D                            the derivative of softmax
//!            dQ = dS·K,  dK = dSᵀ·Q
//! ```
//!
//! P is computed again, as in the forward pass, so nothing is kept of it: a block of queries, one
//! per lane, has its columns of Pᵀ and dPᵀ `[L, lanes]`.
//!
//! ```text
//! for each block of queries:
//!   Pᵀ, dPᵀ     [L, lanes]    micro-kernel of GEMM: rows of k and of v, panels qᵀ and dOᵀ
//!   dSᵀ         [L, lanes]    per lane, sums over the keys
//!   dV, dK     += (P⊙M)ᵀ·dO, dSᵀ·q     for each tile of keys: broadcast Pᵀ, panel dO
//!   dQ          = dS·k                 for each tile of queries: broadcast dSᵀ, panel k
//! ```
//!
//! # The order of additions
//!
//! Sums over keys are chains of [`KC`] keys, those over queries chains of `KC` queries, as
//! everywhere; the chains are added in order. The number of queries in a block does not enter: a
//! chain goes on from block to block.
//!
//! In the book: `docs/06-attention.md`.

mod products;

use super::{
    AttentionDropout,
    block::{copy_values, exp_and_share, vectors},
    dropout::Mask,
};
use crate::{
    AlignedVec, Level, Rows, RowsMut,
    gemm::KC,
    simd::{Kernel, LANES, Simd},
    tiles::{Tiled, Tiles},
};
use products::{OverKeys, OverQueries, Scores, add_chain, softmax_backward};
use std::ops::Range;

/// Memory that [`attention_backward`] works in; it grows to the longest sentence.
#[derive(Debug, Default)]
pub struct BackwardScratch {
    transposed: [AlignedVec; 2], // qᵀ and dOᵀ [D, lanes]
    shares: AlignedVec,          // P [L, lanes]
    gradients: AlignedVec,       // dP, then dS [L, lanes]
    keys: AlignedVec,            // [panels, L, NV vectors]
    rows: [AlignedVec; 2],       // q and dO [panels, lanes, NV vectors]
    chains: [AlignedVec; 2],     // of dK and dV [panels, L, NV vectors]
}

/// The gradients of queries, keys and values, side by side as d_qkv `[T, 3·H]`, from the gradient
/// of the context `[T, H]`; the other operands are those of [`attention`](super::attention).
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, RowsMut};
/// use minilm_kernels::attention::{BackwardScratch, attention_backward};
/// // A token alone attends to itself: its value's gradient is the context's, and no other is any.
/// let qkv = [[0.1], [0.2], [7.0]];
/// let qkv = qkv.each_ref().map(|x| Rows::new(x, 1));
/// let mut d_qkv = [9.0; 3];
/// let (level, scratch) = (Level::detect(), &mut BackwardScratch::default());
/// let out = RowsMut::new(&mut d_qkv, 3);
/// attention_backward(level, qkv, Rows::new(&[2.0], 1), 1, &[0, 1], None, scratch, out);
/// assert_eq!(d_qkv, [0.0, 0.0, 2.0]);
/// ```
#[expect(clippy::too_many_arguments, reason = "the operands of the forward pass and two more")]
pub fn attention_backward(
    level: Level,
    qkv: [Rows; 3],
    d_context: Rows,
    heads: usize,
    starts: &[usize],
    dropout: Option<AttentionDropout>,
    scratch: &mut BackwardScratch,
    d_qkv: RowsMut,
) {
    let (t, h) = (d_context.rows(), d_context.cols());
    for (name, x) in ["query", "key", "value"].into_iter().zip(qkv) {
        let shape = (x.rows(), x.cols());
        assert_eq!(shape, (t, h), "the shape of {name} is not that of the context's gradient");
    }
    assert_eq!((d_qkv.rows(), d_qkv.cols()), (t, 3 * h), "d_qkv has another shape");
    assert!(heads > 0 && h.is_multiple_of(heads), "{h} columns are not {heads} equal heads");
    assert_eq!(starts.first(), Some(&0), "the first sentence starts at row 0");
    assert_eq!(starts.last(), Some(&t), "the last sentence ends at the last row");
    assert!(starts.is_sorted(), "sentences lie in order");
    level.run(AttentionBackward { qkv, d_context, heads, starts, dropout, scratch, d_qkv });
}

struct AttentionBackward<'a> {
    qkv: [Rows<'a>; 3],  // [T, H] each
    d_context: Rows<'a>, // [T, H]
    heads: usize,
    starts: &'a [usize], // [sentences + 1]
    dropout: Option<AttentionDropout>,
    scratch: &'a mut BackwardScratch,
    d_qkv: RowsMut<'a>, // [T, 3H]
}

impl Kernel for AttentionBackward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        S::Tiles::attention(s, self);
    }
}

impl Tiled for AttentionBackward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd, const MOST: usize, const NV: usize>(mut self, s: S) {
        let sentences = self.starts.windows(2).map(|w| w[0]..w[1]).enumerate();
        for (sentence, rows) in sentences.filter(|(_, rows)| !rows.is_empty()) {
            for head in 0..self.heads {
                self.head::<S, MOST, NV>(s, sentence, rows.clone(), head);
            }
        }
    }
}

impl AttentionBackward<'_> {
    #[inline(always)]
    fn head<S: Simd, const MOST: usize, const NV: usize>(
        &mut self,
        s: S,
        sentence: usize,
        rows: Range<usize>,
        head: usize,
    ) {
        let (h, l) = (self.d_context.cols(), rows.len());
        let d = h / self.heads;
        let columns = head * d..(head + 1) * d;
        let [q, k, v] = self.qkv;
        let [q, k, v, d_context] =
            [q, k, v, self.d_context].map(|x| x.slice(rows.clone()).columns(columns.clone()));
        let scratch = &mut *self.scratch;
        let (lanes, panels) = (NV * LANES, d.next_multiple_of(NV * LANES));
        let keys = vectors::<NV>(scratch.keys.resize(l * panels));
        copy_values(s, k, keys);
        let transposed = d.next_multiple_of(LANES) * lanes;
        let mut head = Head {
            queries: q,
            keys: k,
            values: v,
            d_context,
            key_panels: keys,
            transposed: scratch.transposed.each_mut().map(|x| x.resize(transposed)),
            shares: scratch.shares.resize(l * lanes),
            gradients: scratch.gradients.resize(l * lanes),
            rows: scratch.rows.each_mut().map(|x| x.resize(lanes * panels)),
            chains: scratch.chains.each_mut().map(|x| vectors::<NV>(x.resize(l * panels))),
            out: &mut self.d_qkv,
            at: [0, 1, 2].map(|part| part * h + columns.start),
            first: rows.start,
        };
        for start in (0..l).step_by(lanes) {
            let mask = self.dropout.map(|x| x.mask(sentence, columns.start / d, start));
            match l - start {
                1..=LANES => head.block::<S, MOST, 1>(s, start, mask),
                _ => head.block::<S, MOST, NV>(s, start, mask),
            }
        }
    }
}

/// One head of one sentence.
struct Head<'a, 'o, const NV: usize> {
    queries: Rows<'a>,                         // [L, D]
    keys: Rows<'a>,                            // [L, D]
    values: Rows<'a>,                          // [L, D]
    d_context: Rows<'a>,                       // [L, D]
    key_panels: &'a [[[f32; LANES]; NV]],      // [panels, L]
    transposed: [&'a mut [f32]; 2],            // [D, lanes]
    shares: &'a mut [f32],                     // [L, lanes]
    gradients: &'a mut [f32],                  // [L, lanes]
    rows: [&'a mut [f32]; 2],                  // [panels, lanes, NV vectors]
    chains: [&'a mut [[[f32; LANES]; NV]]; 2], // [panels, L]
    out: &'a mut RowsMut<'o>,                  // [T, 3H]
    at: [usize; 3],                            // the head's first column of dQ, dK and dV
    first: usize,                              // the sentence's first row
}

impl<const NV: usize> Head<'_, '_, NV> {
    /// Adds what the queries from `start` on contribute. Each step is a function of its own, which
    /// has the registers for itself.
    #[inline(always)]
    fn block<S: Simd, const MOST: usize, const NQ: usize>(
        &mut self,
        s: S,
        start: usize,
        mask: Option<Mask>,
    ) {
        let (d, l) = (self.keys.cols(), self.keys.rows());
        let block = start..l.min(start + NQ * LANES);
        self.probabilities::<S, MOST, NQ>(s, block.clone(), mask);

        // dV += (P⊙M)ᵀ·dO and dK += dSᵀ·q
        let size = block.len() * d.next_multiple_of(NV * LANES);
        let operands = [(self.queries, &*self.gradients, 1), (self.d_context, &*self.shares, 2)];
        for (i, (from, shares, part)) in operands.into_iter().enumerate() {
            let panels = vectors::<NV>(&mut self.rows[i][..size]);
            copy_values(s, from.slice(block.clone()), panels);
            let shares = &shares.as_chunks().0.as_chunks::<NQ>().0[..l];
            let fresh = start.is_multiple_of(KC);
            let sums = self.chains[i].chunks_exact_mut(l).zip(panels.chunks_exact(block.len()));
            for (panel, (chain, rows)) in sums.enumerate() {
                s.vectorize(OverQueries::<MOST, NQ, NV> { shares, rows, fresh, chain });
                if block.end == l || block.end.is_multiple_of(KC) {
                    let (column, width) = (panel * NV * LANES, NV * LANES);
                    let column = self.at[part] + column..self.at[part] + d.min(column + width);
                    let first_chain = start < KC;
                    add_chain(s, chain, first_chain, self.first, &mut self.out.columns(column));
                }
            }
        }

        // dQ = dS·k
        let shares = &self.gradients.as_chunks().0.as_chunks::<NQ>().0[..l];
        s.vectorize(OverKeys::<MOST, NQ, NV> {
            shares,
            keys: self.key_panels,
            queries: block.len(),
            row: self.first + start,
            out: &mut self.out.columns(self.at[0]..self.at[0] + d),
        });
    }

    /// P⊙M and dS for the queries `block`.
    #[inline(always)]
    fn probabilities<S: Simd, const MOST: usize, const NQ: usize>(
        &mut self,
        s: S,
        block: Range<usize>,
        mask: Option<Mask>,
    ) {
        let (d, l) = (self.keys.cols(), self.keys.rows());
        let [queries, outputs] = self.transposed.each_mut().map(|x| vectors::<NQ>(x));
        let shares = &mut vectors::<NQ>(self.shares)[..l];
        let gradients = &mut vectors::<NQ>(self.gradients)[..l];
        let operands = [
            (self.queries, self.keys, queries, &mut *shares),
            (self.d_context, self.values, outputs, &mut *gradients),
        ];
        for (from, rows, panel, to) in operands {
            let from = from.slice(block.clone());
            let panel = &mut panel[..d.next_multiple_of(LANES)];
            s.vectorize(Scores::<MOST, NQ> { from, rows, panel, to });
        }
        let scale = (1.0 / (d as f64).sqrt()) as f32;
        let share = exp_and_share(s, scale, shares);
        if let Some(mask) = &mask {
            mask.apply(s, gradients);
        }
        softmax_backward(s, scale, &share, shares, gradients);
        if let Some(mask) = &mask {
            mask.apply(s, shares);
        }
    }
}
