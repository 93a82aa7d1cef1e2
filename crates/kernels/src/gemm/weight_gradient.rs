//! The gradient of a linear layer's weights: dW += dyᵀ·x.
//!
//! ```text
//! y[t, n]  = Σₖ x[t, k]·W[n, k] + b[n]
//! dW[n, k] = Σₜ dy[t, n]·∂y[t, n]/∂W[n, k] = Σₜ dy[t, n]·x[t, k]
//!
//! LOOP 3  for each chain of KC tokens   dy[tc..tc+KC, ..], x[tc..tc+KC, ..]
//! LOOP 2    for each panel              x[tc..tc+KC, kc..kc+NR]     copied, stays in L1
//! LOOP 1      for each tile             dW[nc..nc+MR, kc..kc+NR]
//!               outer products          for each t: MR values of dy[t] × NV vectors of x[t]
//! ```
//!
//! The sum runs over the tokens, so a token contributes an outer product of a row of dy and a row
//! of x: the values of dy are broadcast, those of x are vectors, and neither is transposed. The
//! result has the layout of W as PyTorch stores it.
//!
//! # The order of additions
//!
//! Element (n, k) is `((dW + chain₀) + chain₁) …`, each chain a sequence of fused multiply-adds
//! over [`KC`] consecutive tokens from zero. Threads share the rows of dW, never the tokens.

use super::{KC, cut, deal, input_gradient::copy, padded, step, tile_rows};
use crate::{
    Level, Rows, RowsMut,
    simd::{Kernel, LANES, Simd},
    tiles::{Tiled, Tiles},
};

/// dW `[N, K]` += dyᵀ·x for dy `[T, N]` and x `[T, K]`.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, RowsMut, gemm::weight_gradient};
/// let (dy, x) = ([1.0, 10.0], [2.0, 3.0, 4.0, 5.0]); // dy [2, 1], x [2, 2]
/// let mut dw = [0.5, 0.0]; // [1, 2]
/// let (dy, x) = (Rows::new(&dy, 1), Rows::new(&x, 2));
/// weight_gradient(Level::detect(), dy, x, RowsMut::new(&mut dw, 2));
/// assert_eq!(dw, [42.5, 53.0]);
/// ```
pub fn weight_gradient(
    level: Level,
    dy: Rows,    // [T, N]
    x: Rows,     // [T, K]
    dw: RowsMut, // [N, K]
) {
    assert_eq!(dy.rows(), x.rows(), "dy has {} rows, x {}", dy.rows(), x.rows());
    assert_eq!((dw.rows(), dw.cols()), (dy.cols(), x.cols()), "dW has another shape");
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
        S::Tiles::gemm(s, self);
    }
}

impl Tiled for WeightGradient<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd, const MOST: usize, const NV: usize>(mut self, s: S) {
        let mut block = [[[0.0; LANES]; NV]; KC];
        for tokens in cut(self.x.rows(), KC) {
            let dy = self.dy.slice(tokens.clone());
            for columns in cut(self.x.cols(), NV * LANES) {
                let panel = &mut block[..tokens.len()];
                copy(self.x.slice(tokens.clone()).columns(columns.clone()), panel);
                let mut dw = self.dw.columns(columns);
                for (rows, size) in deal(dy.cols(), MOST) {
                    for row in rows.step_by(size) {
                        tile_rows!(size, MOST, MR => {
                            tile::<S, MR, NV>(s, dy.columns(row..row + MR), panel, row, &mut dw);
                        });
                    }
                }
            }
        }
    }
}

/// dW[row..row + MR] += Σₜ dy[t] ⊗ panel[t] over one chain of tokens.
#[inline(always)]
fn tile<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    dy: Rows,                     // [KC, MR]
    panel: &[[[f32; LANES]; NV]], // [KC]
    row: usize,
    dw: &mut RowsMut, // [N, up to NR]
) {
    let mut sums = [[s.zero(); NV]; MR];
    for t in 0..panel.len() {
        let dy: &[f32; MR] = dy.row(t).first_chunk().expect("MR columns");
        step(s, &panel[t], dy.each_ref(), &mut sums);
    }
    if let Some(dw) = dw.block::<MR, NV>(row) {
        for i in 0..MR {
            for j in 0..NV {
                s.store(s.add(s.load(&dw[i][j]), sums[i][j]), &mut dw[i][j]);
            }
        }
        return;
    }
    for i in 0..MR {
        let dw = dw.row(row + i);
        let mut whole: [[f32; LANES]; NV] = padded(dw);
        for j in 0..NV {
            s.store(s.add(s.load(&whole[j]), sums[i][j]), &mut whole[j]);
        }
        dw.copy_from_slice(&whole.as_flattened()[..dw.len()]);
    }
}
