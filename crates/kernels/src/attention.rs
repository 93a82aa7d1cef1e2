//! Multi-head self-attention over sentences of any length that lie end to end, without padding.
//!
//! ```text
//! for each sentence (L tokens) and each head (D columns of q, k and v):
//!   pack     kᵀ [D, L] and v [L, D] into panels for the micro-kernel
//!   for each block of MR queries:
//!     scores   = q·kᵀ                      [MR, L]   the micro-kernel of GEMM, K = D
//!     e, Σ     = exp((scores − max)/√D)    [MR, L]   in place
//!     context  = (e·v) / Σ                 [MR, D]   the micro-kernel of GEMM, K = L
//! ```
//!
//! The score matrix never exists as a whole: a block of it is MR × L floats, at most 24 KiB for 512 tokens, and stays in the
//! first-level cache between the three steps. Dividing the context instead of the probabilities takes D divisions a query
//! instead of L, and one rounding less.
//!
//! A sentence sees its own rows alone, so what else is in the pack cannot change its result.
//!
//! Reference: A. Vaswani et al., *Attention Is All You Need*, arXiv:1706.03762, section 3.2.

use crate::{
    AlignedVec, Level, Rows, RowsMut,
    gemm::{KC, chain, deal, tile_rows},
    simd::{Kernel, LANES, Simd},
    softmax::exp_and_sum,
};

/// Memory that [`attention`] works in; it grows to the longest sentence and is then reused.
#[derive(Debug, Default)]
pub struct Scratch {
    keys: AlignedVec,   // [panels of L, D, NR]
    values: AlignedVec, // [panels of D, L, NR]
    scores: AlignedVec, // [MR, L rounded up to panels]
}

/// Softmax(q·kᵀ/√D)·v for every sentence and head (`scaled_dot_product_attention`).
///
/// - `qkv` `[T, 3·H]`: queries, keys and values side by side, as the fused projection leaves them.
/// - `heads`: the H columns are this many heads of `D = H / heads`.
/// - `starts`: sentence `i` is the rows `starts[i]..starts[i + 1]`; the first is 0 and the last T.
/// - `context` `[T, H]`: the result.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, RowsMut, attention::{Scratch, attention}};
/// // Two sentences of one token each: every token attends to itself alone, so the context is the value.
/// let qkv = [0.1, 0.2, 7.0, 0.3, 0.4, 8.0];
/// let mut context = [0.0; 2];
/// let out = RowsMut::new(&mut context, 1);
/// attention(Level::detect(), Rows::new(&qkv, 3), 1, &[0, 1, 2], &mut Scratch::default(), out);
/// assert_eq!(context, [7.0, 8.0]);
/// ```
pub fn attention(level: Level, qkv: Rows, heads: usize, starts: &[usize], scratch: &mut Scratch, context: RowsMut) {
    let hidden = context.cols();
    assert_eq!(qkv.cols(), 3 * hidden, "qkv has {} columns, the context {hidden}", qkv.cols());
    assert_eq!(qkv.rows(), context.rows(), "qkv has {} rows, the context {}", qkv.rows(), context.rows());
    assert!(heads > 0 && hidden.is_multiple_of(heads), "{hidden} columns are not {heads} equal heads");
    assert_eq!(starts.first(), Some(&0), "the first sentence starts at row 0");
    assert_eq!(starts.last(), Some(&qkv.rows()), "the last sentence ends at the last row");
    assert!(starts.is_sorted(), "sentences lie in order");
    level.run(Attention { qkv, heads, starts, scratch, context });
}

struct Attention<'a> {
    qkv: Rows<'a>, // [T, 3H]
    heads: usize,
    starts: &'a [usize], // [sentences + 1]
    scratch: &'a mut Scratch,
    context: RowsMut<'a>, // [T, H]
}

impl Kernel for Attention<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        // MR × NV as in GEMM, but narrow: D is two vectors, and L often only one.
        let sentences = self.starts.windows(2).map(|w| w[0]..w[1]);
        for sentence in sentences.filter(|rows| !rows.is_empty()) {
            match (S::VECTORS, sentence.len() <= LANES) {
                (32, true) => self.sentence::<S, 1, 2>(s, 12, sentence),
                (32, false) => self.sentence::<S, 2, 2>(s, 12, sentence),
                (8, _) => self.sentence::<S, 1, 1>(s, 6, sentence),
                (_, _) => self.sentence::<S, 1, 1>(s, 4, sentence),
            }
        }
    }
}

impl Attention<'_> {
    /// One sentence, its key panels NK vectors wide and its value panels NV.
    #[inline(always)]
    fn sentence<S: Simd, const NK: usize, const NV: usize>(&mut self, s: S, mr: usize, rows: std::ops::Range<usize>) {
        let hidden = self.context.cols();
        let d = hidden / self.heads;
        let l = rows.len();
        let scale = (1.0 / (d as f64).sqrt()) as f32;
        let width = l.next_multiple_of(NK * LANES); // of a row of scores
        let qkv = self.qkv.slice(rows.clone()); // [L, 3H]
        let part = |part: usize, head: usize| qkv.columns(part * hidden + head * d..part * hidden + (head + 1) * d);

        for head in 0..self.heads {
            let query = part(0, head); // [L, D]
            let keys = self.scratch.keys.resize(width * d);
            pack_keys(part(1, head), NK * LANES, keys);
            let values = self.scratch.values.resize(d.next_multiple_of(NV * LANES) * l);
            pack_values(part(2, head), NV * LANES, values);
            let scores = self.scratch.scores.resize(mr * width);
            let mut context = self.context.columns(head * d..(head + 1) * d);

            for block in deal(l, mr) {
                let scores = &mut scores[..block.len() * width];
                tile_rows!(block.len(), MR => score_tiles::<S, MR, NK>(s, query, block.start, keys, scores));
                let mut sums = [0.0; 12];
                for (sum, row) in sums.iter_mut().zip(scores.chunks_exact_mut(width)) {
                    row[l..].fill(f32::NEG_INFINITY); // whole vectors, exp(−∞) = 0
                    *sum = exp_and_sum(s, scale, row);
                }
                let e = Rows::new(scores, width).columns(0..l); // [MR, L]
                let row = rows.start + block.start;
                tile_rows!(block.len(), MR => context_tiles::<S, MR, NV>(s, e, &sums, values, &mut context, row));
            }
        }
    }
}

/// scores `[MR, width]` = q·kᵀ for the MR queries from `row` on.
#[inline(always)]
fn score_tiles<S: Simd, const MR: usize, const NK: usize>(
    s: S,
    query: Rows, // [L, D]
    row: usize,
    keys: &[f32], // panels [D, NK vectors]
    scores: &mut [f32],
) {
    let width = scores.len() / MR;
    let (keys, _) = keys.as_chunks::<LANES>().0.as_chunks::<NK>();
    for (p, panel) in keys.chunks_exact(query.cols()).enumerate() {
        let tile = chain::<S, MR, NK>(s, query, row, panel, &[]);
        for (scores, tile) in scores.chunks_exact_mut(width).zip(tile) {
            let (scores, _) = scores[p * NK * LANES..].as_chunks_mut::<LANES>();
            for (to, sum) in scores.iter_mut().zip(tile) {
                s.store(sum, to);
            }
        }
    }
}

/// context `[MR, D]` = e·v / Σ, to the rows from `row` on.
#[inline(always)]
fn context_tiles<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    e: Rows,        // [MR, L]
    sums: &[f32],   // [MR]
    values: &[f32], // panels [L, NV vectors]
    context: &mut RowsMut,
    row: usize,
) {
    let l = e.cols();
    let (values, _) = values.as_chunks::<LANES>().0.as_chunks::<NV>();
    for (p, panel) in values.chunks_exact(l).enumerate() {
        let mut tile = [[s.zero(); NV]; MR];
        for start in (0..l).step_by(KC) {
            let end = l.min(start + KC);
            let chain = chain::<S, MR, NV>(s, e.columns(start..end), 0, &panel[start..end], &[]);
            for i in 0..MR {
                for j in 0..NV {
                    tile[i][j] = if start == 0 { chain[i][j] } else { s.add(tile[i][j], chain[i][j]) };
                }
            }
        }
        for (i, tile) in tile.into_iter().enumerate() {
            let context = &mut context.row(row + i)[p * NV * LANES..];
            for (to, sum) in context.chunks_mut(LANES).zip(tile) {
                s.store_first(s.div(sum, s.splat(sums[i])), to);
            }
        }
    }
}

/// Transposes keys `[L, D]` into panels `[D, nr]` of `nr` keys; keys that are not there are zero.
#[inline(always)]
fn pack_keys(keys: Rows, nr: usize, panels: &mut [f32]) {
    for (p, panel) in panels.chunks_exact_mut(keys.cols() * nr).enumerate() {
        let here = nr.min(keys.rows() - p * nr);
        for j in 0..here {
            for (column, x) in panel.chunks_exact_mut(nr).zip(keys.row(p * nr + j)) {
                column[j] = *x;
            }
        }
        for column in panel.chunks_exact_mut(nr) {
            column[here..].fill(0.0);
        }
    }
}

/// Copies values `[L, D]` into panels `[L, nr]` of `nr` columns; columns that are not there are zero.
#[inline(always)]
fn pack_values(values: Rows, nr: usize, panels: &mut [f32]) {
    let l = values.rows();
    for (p, panel) in panels.chunks_exact_mut(l * nr).enumerate() {
        for (j, to) in panel.chunks_exact_mut(nr).enumerate() {
            let from = &values.row(j)[p * nr..values.cols().min((p + 1) * nr)];
            to[..from.len()].copy_from_slice(from);
            to[from.len()..].fill(0.0);
        }
    }
}
