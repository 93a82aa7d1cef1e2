//! The steps of a block of queries: products over D, over the queries and over the keys, and the
//! derivative of softmax.
//!
//! In the book: `docs/06-attention.md`.

use crate::{
    Rows, RowsMut,
    attention::block::{Context, context_rows, score},
    gemm::{KC, deal, step, tile_rows, transpose},
    simd::{Kernel, LANES, Simd},
};

/// to = rows·fromᵀ: the scores k·qᵀ, and v·dOᵀ.
pub(super) struct Scores<'a, const MOST: usize, const NQ: usize> {
    pub from: Rows<'a>,                      // [lanes, D]
    pub rows: Rows<'a>,                      // [L, D]
    pub panel: &'a mut [[[f32; LANES]; NQ]], // [D, lanes]
    pub to: &'a mut [[[f32; LANES]; NQ]],    // [L, lanes]
}

impl<const MOST: usize, const NQ: usize> Kernel for Scores<'_, MOST, NQ> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Scores { from, rows, panel, to } = self;
        transpose(s, from, panel);
        let panel = &panel[..rows.cols()];
        for (tiles, size) in deal(rows.rows(), MOST) {
            for key in tiles.step_by(size) {
                tile_rows!(size, MOST, MR => score::<S, MR, NQ>(s, rows, key, panel, to));
            }
        }
    }
}

/// chain[key] ← (chain +) Σ shares[key][query]·rows[query] over the queries of a block.
pub(super) struct OverQueries<'a, const MOST: usize, const NQ: usize, const NV: usize> {
    pub shares: &'a [[[f32; LANES]; NQ]],    // [L]
    pub rows: &'a [[[f32; LANES]; NV]],      // [queries of the block]
    pub fresh: bool,                         // whether a chain begins here
    pub chain: &'a mut [[[f32; LANES]; NV]], // [L]
}

impl<const MOST: usize, const NQ: usize, const NV: usize> Kernel for OverQueries<'_, MOST, NQ, NV> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let OverQueries { shares, rows, fresh, chain } = self;
        for (tiles, size) in deal(shares.len(), context_rows(MOST)) {
            for key in tiles.step_by(size) {
                tile_rows!(size, context_rows(MOST), MR =>
                    accumulate::<S, MR, NQ, NV>(s, shares, key, rows, fresh, chain));
            }
        }
    }
}

/// out[row + query] = Σ shares[key][query]·keys[key], for the queries of a block.
pub(super) struct OverKeys<'a, 'o, const MOST: usize, const NQ: usize, const NV: usize> {
    pub shares: &'a [[[f32; LANES]; NQ]], // [L]
    pub keys: &'a [[[f32; LANES]; NV]],   // [panels, L]
    pub queries: usize,
    pub row: usize,
    pub out: &'a mut RowsMut<'o>, // [T, D]
}

impl<const MOST: usize, const NQ: usize, const NV: usize> Kernel
    for OverKeys<'_, '_, MOST, NQ, NV>
{
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let ones = [1.0; 2 * LANES];
        for (tiles, size) in deal(self.queries, context_rows(MOST)) {
            for lane in tiles.step_by(size) {
                let tile = Context { e: self.shares, lane, share: &ones, values: self.keys };
                tile_rows!(size, context_rows(MOST), MR =>
                    tile.run::<S, MR>(s, self.out, self.row + lane));
            }
        }
    }
}

/// P ← e·share, and dP ← dS = P⊙(dP − Σ P⊙dP)·scale, per lane.
#[inline(always)]
pub(super) fn softmax_backward<S: Simd, const NQ: usize>(
    s: S,
    scale: f32,
    share: &[[f32; LANES]; NQ],
    e: &mut [[[f32; LANES]; NQ]],         // [L]
    gradients: &mut [[[f32; LANES]; NQ]], // [L]
) {
    let mut total = [s.zero(); NQ];
    for (e, gradients) in e.chunks_mut(KC).zip(gradients.chunks(KC)) {
        let mut sum = [s.zero(); NQ];
        for (e, gradient) in e.iter_mut().zip(gradients) {
            for j in 0..NQ {
                let p = s.mul(s.load(&e[j]), s.load(&share[j]));
                s.store(p, &mut e[j]);
                sum[j] = s.mul_add(p, s.load(&gradient[j]), sum[j]);
            }
        }
        for j in 0..NQ {
            total[j] = s.add(total[j], sum[j]);
        }
    }
    for (p, gradient) in e.iter().zip(gradients) {
        for j in 0..NQ {
            let rest = s.sub(s.load(&gradient[j]), total[j]);
            let ds = s.mul(s.mul(s.load(&p[j]), rest), s.splat(scale));
            s.store(ds, &mut gradient[j]);
        }
    }
}

/// chain[key..key + MR] ← (chain +) Σ shares[key][query]·rows[query] over the queries of a block.
#[inline(always)]
fn accumulate<S: Simd, const MR: usize, const NQ: usize, const NV: usize>(
    s: S,
    shares: &[[[f32; LANES]; NQ]], // [L]
    key: usize,
    rows: &[[[f32; LANES]; NV]],      // [queries of the block]
    fresh: bool,                      // whether a chain begins here
    chain: &mut [[[f32; LANES]; NV]], // [L]
) {
    let chain = &mut chain[key..key + MR];
    let mut of_key: [&[f32]; MR] = [&[]; MR];
    let mut sums = [[s.zero(); NV]; MR];
    for i in 0..MR {
        of_key[i] = &shares[key + i].as_flattened()[..rows.len()];
        for j in 0..NV {
            if !fresh {
                sums[i][j] = s.load(&chain[i][j]);
            }
        }
    }
    for query in 0..rows.len() {
        let mut x = [&0.0; MR];
        for i in 0..MR {
            x[i] = &of_key[i][query];
        }
        step(s, &rows[query], x, &mut sums);
    }
    for i in 0..MR {
        for j in 0..NV {
            s.store(sums[i][j], &mut chain[i][j]);
        }
    }
}

/// out[row..] ← (out +) chain
#[inline(always)]
pub(super) fn add_chain<S: Simd, const NV: usize>(
    s: S,
    chain: &[[[f32; LANES]; NV]], // [L]
    first: bool,                  // whether there is nothing to add to
    row: usize,
    out: &mut RowsMut, // [T, up to NV vectors]
) {
    for (key, chain) in chain.iter().enumerate() {
        for (to, sum) in out.row(row + key).chunks_mut(LANES).zip(chain) {
            let sum = s.load(sum);
            let sum = if first { sum } else { s.add(s.load_or(to, 0.0), sum) };
            s.store_first(sum, to);
        }
    }
}
