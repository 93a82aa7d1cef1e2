//! Register tile: MR × NV vectors of dW stay in registers over a chain of tokens.
//!
//! ```text
//! for each chain of KC tokens
//!   for each NV vectors of columns, for each MR rows of dW
//!     for each t:  sums[i][v] += dy[t, n + i]·x[t, vector v]   MR + NV loads, MR·NV multiply-adds
//!     dW += sums
//! ```
//!
//! - **Idea**: the step of GEMM's tile is an outer product too: MR broadcast values times NV
//!   vectors. Here the values are neighbours in a row of dy, and the vectors are in a row of x.
//! - **Why**: dW is read and written once per chain of 128 tokens instead of once per token.
//! - **Cost**: edges; and the sums are added in chains, so that another rounding is chosen.
//! - **Limits**: the rows of dy and x lie a multiple of 512 bytes apart. A tile takes a few values
//!   of each of 128 rows, which fall into few sets of the first-level cache and evict each other.
//! - **Exercise**: give the rows of dy and x sixteen values of padding, copied in the caller. How
//!   much of the distance to the next rung is that?
//!
//! In the book: `docs/14-training.md`.

use minilm_kernels::{
    AlignedVec, Level, Rows, RowsMut,
    gemm::KC,
    simd::{Kernel, LANES, Simd},
    tiles::Tiles,
};

/// Rows of a tile.
const MR: usize = 4;

/// dW += dyᵀ·x.
pub fn weight_gradient(
    level: Level,
    dy: &[f32],
    x: &[f32],
    k: usize,
    _: &mut AlignedVec,
    dw: &mut [f32],
) {
    let (dy, x, dw) = (Rows::new(dy, dw.len() / k), Rows::new(x, k), RowsMut::new(dw, k));
    level.run(WeightGradient { dy, x, dw });
}

struct WeightGradient<'a> {
    dy: Rows<'a>,
    x: Rows<'a>,
    dw: RowsMut<'a>,
}

impl Kernel for WeightGradient<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // Four rows of four vectors, and what they are made of, or four rows of one.
        if S::Tiles::REGISTERS > 4 * 4 + 4 { self.tiles::<S, 4>(s) } else { self.tiles::<S, 1>(s) }
    }
}

impl WeightGradient<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const NV: usize>(mut self, s: S) {
        let (n, k, t) = (self.dw.rows(), self.dw.cols(), self.x.rows());
        for chain in (0..t).step_by(KC).map(|first| first..t.min(first + KC)) {
            for column in (0..k).step_by(NV * LANES) {
                let columns = column..k.min(column + NV * LANES);
                let x = self.x.slice(chain.clone()).columns(columns.clone());
                let mut dw = self.dw.columns(columns);
                for row in (0..n).step_by(MR) {
                    let rows = row..n.min(row + MR);
                    let sums = tile::<S, NV>(s, self.dy.slice(chain.clone()).columns(rows), x);
                    for (i, sums) in sums.into_iter().enumerate().take(n - row) {
                        for (dw, sum) in dw.row(row + i).chunks_mut(LANES).zip(sums) {
                            s.store_first(s.add(s.load_or(dw, 0.0), sum), dw);
                        }
                    }
                }
            }
        }
    }
}

/// Σₜ dy[t] ⊗ x[t], for up to MR columns of dy and up to NV vectors of x.
#[inline(always)]
fn tile<S: Simd, const NV: usize>(s: S, dy: Rows, x: Rows) -> [[S::F32x16; NV]; MR] {
    let mut sums = [[s.zero(); NV]; MR];
    for t in 0..x.rows() {
        let mut values = [0.0; MR];
        values[..dy.cols()].copy_from_slice(dy.row(t));
        let mut vectors = [s.zero(); NV];
        for (vector, x) in vectors.iter_mut().zip(x.row(t).chunks(LANES)) {
            *vector = s.load_or(x, 0.0);
        }
        for i in 0..MR {
            let a = s.splat(values[i]);
            for j in 0..NV {
                sums[i][j] = s.mul_add(a, vectors[j], sums[i][j]);
            }
        }
    }
    sums
}
