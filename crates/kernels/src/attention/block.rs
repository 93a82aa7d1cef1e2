//! A block of queries of one head: scores, exponentials, context. The backward pass uses its parts.
//!
//! In the book: `docs/06-attention.md`.

use super::Masking;
use crate::{
    Rows, RowsMut,
    exp::exp_of_negative,
    gemm::{KC, chain, deal, step, tile_rows, transpose},
    simd::{LANES, Simd},
};

/// Some queries of one head and what they need.
pub(super) struct Block<'a, 'c, M: Masking, const NV: usize> {
    pub queries: Rows<'a>,                // [up to NQ vectors, D]
    pub keys: Rows<'a>,                   // [L, D]
    pub values: &'a [[[f32; LANES]; NV]], // [panels, L]
    pub transposed: &'a mut [f32],        // [D, NQ vectors]
    pub scores: &'a mut [f32],            // [L, NQ vectors]
    pub context: &'a mut RowsMut<'c>,     // [T, D]
    pub row: usize,                       // of the context, for the first query
    pub mask: M::Mask,
}

impl<M: Masking, const NV: usize> Block<'_, '_, M, NV> {
    #[inline(always)]
    pub(super) fn run<S: Simd, const MOST: usize, const NQ: usize>(&mut self, s: S) {
        let (d, l) = (self.queries.cols(), self.keys.rows());
        let queries = vectors::<NQ>(self.transposed);
        let scores = &mut vectors::<NQ>(self.scores)[..l];
        transpose(s, self.queries, &mut queries[..d.next_multiple_of(LANES)]);
        for (tiles, size) in deal(l, MOST) {
            for key in tiles.step_by(size) {
                tile_rows!(size, MOST, MR =>
                    score::<S, MR, NQ>(s, self.keys, key, &queries[..d], scores));
            }
        }
        let scale = (1.0 / (d as f64).sqrt()) as f32;
        let share = exp_and_share(s, scale, scores);
        M::apply(s, &self.mask, scores);
        for (tiles, size) in deal(self.queries.rows(), context_rows(MOST)) {
            for lane in tiles.step_by(size) {
                let tile =
                    Context { e: scores, lane, share: share.as_flattened(), values: self.values };
                tile_rows!(size, context_rows(MOST), MR =>
                    tile.run::<S, MR>(s, self.context, self.row + lane));
            }
        }
    }
}

/// Rows of a tile of the context, and of the products like it in the backward pass. A block of 32
/// queries is four whole tiles of eight, where twelve would give two tiles of eleven and one of
/// ten.
pub(super) const fn context_rows(most: usize) -> usize {
    if most < 8 { most } else { 8 }
}

/// Rows of N vectors.
pub(super) fn vectors<const N: usize>(x: &mut [f32]) -> &mut [[[f32; LANES]; N]] {
    x.as_chunks_mut().0.as_chunks_mut().0
}

/// scores[row..row + MR] = k·qᵀ for MR keys.
#[inline(always)]
pub(super) fn score<S: Simd, const MR: usize, const NQ: usize>(
    s: S,
    keys: Rows, // [L, D]
    row: usize,
    queries: &[[[f32; LANES]; NQ]],    // [D]
    scores: &mut [[[f32; LANES]; NQ]], // [L]
) {
    let sums = chain::<S, MR, NQ>(s, keys, row, queries, &[]);
    for (scores, sums) in scores[row..row + MR].iter_mut().zip(sums) {
        for (to, sum) in scores.iter_mut().zip(sums) {
            s.store(sum, to);
        }
    }
}

/// Replaces each column of scores `[L, lanes]` by e = exp(scale·(score − max)), and returns 1/Σ e
/// of each.
///
/// Σ is taken as GEMM does: chains of [`KC`] keys, added in order.
#[inline(always)]
pub(super) fn exp_and_share<S: Simd, const NQ: usize>(
    s: S,
    scale: f32,
    scores: &mut [[[f32; LANES]; NQ]],
) -> [[f32; LANES]; NQ] {
    let mut max = [s.splat(f32::NEG_INFINITY); NQ];
    for row in &*scores {
        for j in 0..NQ {
            max[j] = s.max(s.load(&row[j]), max[j]);
        }
    }
    let mut total = [s.zero(); NQ];
    for keys in scores.chunks_mut(KC) {
        let mut sum = [s.zero(); NQ];
        for row in keys {
            for j in 0..NQ {
                let e = exp_of_negative(s, s.mul(s.sub(s.load(&row[j]), max[j]), s.splat(scale)));
                s.store(e, &mut row[j]);
                sum[j] = s.add(sum[j], e);
            }
        }
        for j in 0..NQ {
            total[j] = s.add(total[j], sum[j]);
        }
    }
    let mut share = [[0.0; LANES]; NQ];
    for j in 0..NQ {
        s.store(s.div(s.splat(1.0), total[j]), &mut share[j]);
    }
    share
}

/// Copies the values of a head into panels of NV vectors, as wide as a tile of the context; what is
/// missing in the last one is zero.
///
/// Every tile of queries reads them all. In place, rows are 3·H floats apart and leave many sets of
/// the first-level cache unused.
#[inline(always)]
pub(super) fn copy_values<S: Simd, const NV: usize>(
    s: S,
    from: Rows,
    to: &mut [[[f32; LANES]; NV]],
) {
    for (panel, to) in to.chunks_exact_mut(from.rows()).enumerate() {
        for (k, to) in to.iter_mut().enumerate() {
            for (j, to) in to.iter_mut().enumerate() {
                let row = from.row(k).get((panel * NV + j) * LANES..).unwrap_or_default();
                s.store(s.load_or(row, 0.0), to);
            }
        }
    }
}

/// The operands of the context of some queries.
pub(super) struct Context<'a, const NQ: usize, const NV: usize> {
    pub e: &'a [[[f32; LANES]; NQ]],      // [L]
    pub lane: usize,                      // of the first query
    pub share: &'a [f32],                 // [lanes]
    pub values: &'a [[[f32; LANES]; NV]], // [panels, L]
}

impl<const NQ: usize, const NV: usize> Context<'_, NQ, NV> {
    /// context[row..row + MR] = (e·v)·share for MR queries.
    #[inline(always)]
    pub(super) fn run<S: Simd, const MR: usize>(self, s: S, context: &mut RowsMut, row: usize) {
        for (panel, values) in self.values.chunks_exact(self.e.len()).enumerate() {
            let mut tile = [[s.zero(); NV]; MR];
            for (first, (e, values)) in self.e.chunks(KC).zip(values.chunks(KC)).enumerate() {
                let chain = self.chain::<S, MR>(s, e, values);
                for i in 0..MR {
                    for j in 0..NV {
                        tile[i][j] =
                            if first == 0 { chain[i][j] } else { s.add(tile[i][j], chain[i][j]) };
                    }
                }
            }
            for (i, tile) in tile.into_iter().enumerate() {
                let share = s.splat(self.share[self.lane + i]);
                for (j, to) in context.row(row + i)[panel * NV * LANES..]
                    .chunks_mut(LANES)
                    .take(NV)
                    .enumerate()
                {
                    s.store_first(s.mul(tile[j], share), to);
                }
            }
        }
    }

    /// Σₖ e[k, lane + i]·v[k] over one chain of keys.
    #[expect(clippy::needless_range_loop, reason = "an iterator compiles to a slower loop")]
    #[inline(always)]
    fn chain<S: Simd, const MR: usize>(
        &self,
        s: S,
        e: &[[[f32; LANES]; NQ]],
        values: &[[[f32; LANES]; NV]],
    ) -> [[S::F32x16; NV]; MR] {
        let lane = self.lane;
        assert!(lane <= NQ * LANES - MR, "so that no index has to be checked below");
        let mut sums = [[s.zero(); NV]; MR];
        for (e, v) in e.iter().zip(values) {
            let mut shares = [&0.0; MR];
            for i in 0..MR {
                shares[i] = &e.as_flattened()[lane + i];
            }
            step(s, v, shares, &mut sums);
        }
        sums
    }
}
