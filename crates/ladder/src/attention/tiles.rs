//! Tiles: a few queries at a time, with the register tile of GEMM in both products.
//!
//! ```text
//! for each sentence and head
//!   keys ← kᵀ [D, L]
//!   for each MR queries
//!     scores  [MR, L] = q·kᵀ / √D          6 KiB for 256 tokens: in the first-level cache
//!     scores          ← softmax of each row
//!     context [MR, D] = scores·v
//! ```
//!
//! - **Idea**: a query needs its own row of scores and nothing of the others'. MR of them share
//!   each load of keys and values.
//! - **Why**: sixteen keys are one vector, and the scores between the steps are in the nearest
//!   cache.
//! - **Cost**: the keys are transposed, once for each head: L·D copies for L²·D multiply-adds.
//! - **Limits**: a tile is one vector wide, so each multiply-add needs a broadcast of its own.
//!   Maximum and sum of a row end with a sum across the lanes, and a row that is no multiple of
//!   sixteen long has an end that goes through a copy: in short sentences that is most of the
//!   softmax.
//! - **Exercise**: print L·D copies as a part of the time, for 8 and for 256 tokens.
//!
//! In the book: `docs/06-attention.md`.

use super::{Batch, Scratch};
use minilm_kernels::{
    Level, Rows, RowsMut,
    exp::exp,
    simd::{Kernel, LANES, Simd},
};

/// Queries of a tile.
const MR: usize = 6;

/// Softmax(q·kᵀ/√D)·v for every sentence and head.
pub fn attention(
    level: Level,
    qkv: &[f32],
    batch: Batch,
    scratch: &mut Scratch,
    context: &mut [f32],
) {
    let (qkv, context) = (Rows::new(qkv, 3 * batch.hidden), RowsMut::new(context, batch.hidden));
    level.run(Attention { qkv, batch, scratch, context });
}

struct Attention<'a> {
    qkv: Rows<'a>, // [T, 3H]
    batch: Batch<'a>,
    scratch: &'a mut Scratch,
    context: RowsMut<'a>, // [T, H]
}

impl Kernel for Attention<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Batch { hidden, heads, starts } = self.batch;
        let d = hidden / heads;
        for rows in starts.windows(2).map(|w| w[0]..w[1]).filter(|rows| !rows.is_empty()) {
            let l = rows.len();
            for head in 0..heads {
                let columns = head * d..(head + 1) * d;
                let qkv = self.qkv.slice(rows.clone());
                let q = qkv.columns(columns.clone()); // [L, D]
                let k = qkv.columns(hidden + columns.start..hidden + columns.end);
                let v = qkv.columns(2 * hidden + columns.start..2 * hidden + columns.end);
                let mut context = self.context.columns(columns);

                let width = l.next_multiple_of(LANES);
                let keys = self.scratch.keys.resize(width * d);
                transpose(k, keys, width);
                let scores = self.scratch.scores.resize(MR * width);
                for row in (0..l).step_by(MR) {
                    score_tile(s, q, row, keys, scores);
                    for scores in scores.chunks_exact_mut(width) {
                        softmax(s, &mut scores[..l]);
                    }
                    context_tile(s, scores, v, &mut context, rows.start + row, MR.min(l - row));
                }
            }
        }
    }
}

/// scores `[MR, width]` = q·kᵀ / √D for the queries from `row` on.
#[inline(always)]
fn score_tile<S: Simd>(s: S, q: Rows, row: usize, keys: &[f32], scores: &mut [f32]) {
    let width = scores.len() / MR;
    let scale = s.splat(1.0 / (q.cols() as f32).sqrt());
    let queries: [&[f32]; MR] = std::array::from_fn(|i| q.row((row + i).min(q.rows() - 1)));
    for column in (0..width).step_by(LANES) {
        let mut sums = [s.zero(); MR];
        for (d, keys) in keys.chunks_exact(width).enumerate() {
            let key = s.load_or(&keys[column..], 0.0); // sixteen keys
            for i in 0..MR {
                sums[i] = s.mul_add(s.splat(queries[i][d]), key, sums[i]);
            }
        }
        for (scores, sum) in scores.chunks_exact_mut(width).zip(sums) {
            s.store_first(s.mul(sum, scale), &mut scores[column..]);
        }
    }
}

/// The ladder `softmax`, with the division.
#[inline(always)]
fn softmax<S: Simd>(s: S, row: &mut [f32]) {
    let mut max = s.splat(f32::NEG_INFINITY);
    for x in row.chunks(LANES) {
        max = s.max(s.load_or(x, f32::NEG_INFINITY), max);
    }
    let max = s.splat(s.max_lane(max));
    let mut total = s.zero();
    for x in row.chunks_mut(LANES) {
        let e = exp(s, s.sub(s.load_or(x, f32::NEG_INFINITY), max));
        s.store_first(e, x);
        total = s.add(total, e);
    }
    let total = s.splat(s.sum(total));
    for x in row.chunks_mut(LANES) {
        s.store_first(s.div(s.load_or(x, 0.0), total), x);
    }
}

/// context `[MR, D]` = p·v, the first `rows` of it, to the rows from `row` on.
#[inline(always)]
fn context_tile<S: Simd>(s: S, p: &[f32], v: Rows, context: &mut RowsMut, row: usize, rows: usize) {
    let width = p.len() / MR;
    for column in (0..v.cols()).step_by(LANES) {
        let mut sums = [s.zero(); MR];
        for j in 0..v.rows() {
            let value = s.load_or(&v.row(j)[column..], 0.0); // sixteen columns
            for i in 0..MR {
                sums[i] = s.mul_add(s.splat(p[i * width + j]), value, sums[i]);
            }
        }
        for (i, sum) in sums.into_iter().enumerate().take(rows) {
            s.store_first(sum, &mut context.row(row + i)[column..]);
        }
    }
}

/// k `[L, D]` → keys `[D, width]`; keys that are not there are zero.
fn transpose(k: Rows, keys: &mut [f32], width: usize) {
    for (d, keys) in keys.chunks_exact_mut(width).enumerate() {
        let (here, missing) = keys.split_at_mut(k.rows());
        for (j, key) in here.iter_mut().enumerate() {
            *key = k.row(j)[d];
        }
        missing.fill(0.0);
    }
}
