//! Panel: a register tile of integer sums, over panels of sixteen columns in pairs of k.
//!
//! ```text
//! word of x: q_x[i, k], q_x[i, k+1]       vector of W: the same two k of sixteen columns
//! for each pair of k:  sums[i] += word · vector           MR splats, 1 load, MR products
//! ```
//!
//! - **Idea**: the tile and the packed weights of the ladder `gemm`. A lane holds two values of one
//!   column, and `vpmaddwd` multiplies both with the two of x and adds the products.
//! - **Why**: a vector of W serves MR rows of x. The sums of sixteen columns lie in the lanes of a
//!   register, so none is added across lanes, and the scales of sixteen columns are one vector.
//! - **Cost**: the layout. Rows of x are pairs in words; the weights lie as the loop reads them.
//! - **Limits**: the weights have 16 bits, and the instructions are those of the level: VNNI, which
//!   multiplies four bytes of a lane, is not used. Every CPU gets a tile of the same height and
//!   width.
//! - **Exercise**: make `MR` 2, 4, 6 and 8. Which is the best on your CPU, and how many registers
//!   does each need?
//!
//! In the book: `docs/16-rounding.md`.

use super::{Forward, Rounded, chunks};
use minilm_kernels::{
    Level, RowsMut,
    simd::{Kernel, LANES, Simd},
};

/// Rows of a tile.
const MR: usize = 4;

/// A pair of k for each of sixteen columns.
type Block = [i16; 2 * LANES];

/// y = x·Wᵀ in eight bits.
pub fn linear(level: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let w = Rounded::new(level, weight, k);
    let panels = panels(&w.q, k);
    Box::new(move |x, y| {
        let x = Rounded::new(level, x, k);
        level.run(Product {
            x: &pairs(&x.q, k),
            x_scales: &x.scales,
            w: &panels,
            w_scales: &w.scales,
            k,
            y: RowsMut::new(y, n),
        });
    })
}

/// Rows of words, each with two k; an odd k at the end has a zero beside it.
fn pairs(q: &[i8], k: usize) -> Vec<u32> {
    let word = |pair: &[i8]| {
        let [low, high] = [pair[0], *pair.get(1).unwrap_or(&0)].map(|q| i16::from(q) as u16);
        u32::from(low) | u32::from(high) << 16
    };
    q.chunks_exact(k).flat_map(|row| row.chunks(2).map(word)).collect()
}

/// W `[N, K]` → `[panels, pairs of k]`; columns past N are zero.
fn panels(q: &[i8], k: usize) -> Vec<Block> {
    let (n, steps) = (q.len() / k, k.div_ceil(2));
    let mut panels = vec![[0; 2 * LANES]; n.div_ceil(LANES) * steps];
    for (j, row) in q.chunks_exact(k).enumerate() {
        for (k, &q) in row.iter().enumerate() {
            panels[j / LANES * steps + k / 2][2 * (j % LANES) + k % 2] = i16::from(q);
        }
    }
    panels
}

struct Product<'a> {
    x: &'a [u32],        // [M, pairs of k]
    x_scales: &'a [f32], // [chunks, M]
    w: &'a [Block],      // [panels, pairs of k]
    w_scales: &'a [f32], // [chunks, N]
    k: usize,
    y: RowsMut<'a>, // [M, N]
}

impl Kernel for Product<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (m, n, steps) = (self.y.rows(), self.y.cols(), self.k.div_ceil(2));
        for (panel, column) in self.w.chunks_exact(steps).zip((0..n).step_by(LANES)) {
            for row in (0..m).step_by(MR) {
                // Rows past the last are the last again, and their sums are not stored.
                let rows: [usize; MR] = std::array::from_fn(|i| (row + i).min(m - 1));
                let x = rows.map(|row| &self.x[row * steps..][..steps]);
                let mut y = [s.zero(); MR];
                for (c, chunk) in chunks(self.k).enumerate() {
                    let pairs = chunk.start / 2..chunk.end.div_ceil(2);
                    let sums = tile(s, x.map(|x| &x[pairs.clone()]), &panel[pairs.clone()]);
                    let scales = s.load_or(&self.w_scales[c * n..][..n][column..], 0.0);
                    for i in 0..MR {
                        let of_row = s.splat(self.x_scales[c * m + rows[i]]);
                        y[i] = s.mul_add(s.mul(s.to_f32(sums[i]), of_row), scales, y[i]);
                    }
                }
                for (i, y) in y.into_iter().enumerate().take(m - row) {
                    s.store_first(y, &mut self.y.row(row + i)[column..]);
                }
            }
        }
    }
}

/// The sums of MR rows and sixteen columns over a chunk.
#[inline(always)]
fn tile<S: Simd>(s: S, x: [&[u32]; MR], panel: &[Block]) -> [S::I32x16; MR] {
    let mut sums = [s.splat_word(0); MR];
    for (step, block) in panel.iter().enumerate() {
        let w = s.load_s16(block);
        for i in 0..MR {
            sums[i] = s.dot_s16(sums[i], s.splat_word(x[i][step]), w);
        }
    }
    sums
}
