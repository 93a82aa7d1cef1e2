//! The gradient of a linear layer's input: dx = dy·W (+ r).
//!
//! ```text
//! y[t, n]  = Σₖ x[t, k]·W[n, k] + b[n]
//! dx[t, k] = Σₙ dy[t, n]·∂y[t, n]/∂x[t, k] = Σₙ dy[t, n]·W[n, k]
//! ```
//!
//! This is the product of [`gemm`](crate::gemm) with W in the place of Wᵀ. A panel of Wᵀ has the
//! columns of W, which lie far apart in memory, so the forward pass packs them once. A panel of W
//! has pieces of its rows, which are copied as they are used: one block `[KC, NR]` at a time, for
//! all rows of dy. So the master weights are the only ones that the backward pass needs. The blocks
//! that follow each other share columns of dy if N is larger than K, and columns of dx if not.
//!
//! The order of additions is that of `gemm`: chains of [`KC`] fused multiply-adds over n
//! ascending, added in order.
//!
//! In the book: `docs/03-gemm.md`.

use super::{Chain, Finish, KC, deal, tile_rows};
use crate::{
    Level, Rows, RowsMut,
    linear::Epilogue,
    rows::padded,
    simd::{Kernel, LANES, Simd},
    tiles::{Tiled, Tiles},
};

/// dx `[M, K]` = dy·W + r for dy `[M, N]`, W `[N, K]` and, if there is one, r `[M, K]`.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, RowsMut, gemm::input_gradient};
/// let (dy, w) = ([1.0, 10.0], [2.0, 3.0, 0.5, 0.25]); // dy [1, 2], W [2, 2]
/// let mut dx = [0.0; 2];
/// let (dy, w) = (Rows::new(&dy, 2), Rows::new(&w, 2));
/// input_gradient(Level::detect(), dy, w, None, RowsMut::new(&mut dx, 2));
/// assert_eq!(dx, [7.0, 5.5]);
/// ```
pub fn input_gradient(
    level: Level,
    dy: Rows,               // [M, N]
    weight: Rows,           // [N, K]
    residual: Option<Rows>, // [M, K]
    dx: RowsMut,            // [M, K]
) {
    let (m, n, k) = (dy.rows(), dy.cols(), weight.cols());
    assert_eq!(weight.rows(), n, "W has {} rows, dy {n} columns", weight.rows());
    assert_eq!((dx.rows(), dx.cols()), (m, k), "dx has another shape");
    if let Some(r) = residual {
        assert_eq!((r.rows(), r.cols()), (m, k), "the residual's shape is not dx's");
    }
    level.run(InputGradient { dy, weight, residual, dx });
}

struct InputGradient<'a> {
    dy: Rows<'a>,
    weight: Rows<'a>,
    residual: Option<Rows<'a>>,
    dx: RowsMut<'a>,
}

/// A block of W `[KC, NR]`, each vector of which is in one line of the cache.
#[repr(align(64))]
struct Block<const NV: usize>([[[f32; LANES]; NV]; KC]);

impl Kernel for InputGradient<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        S::Tiles::gemm(s, self);
    }
}

impl Tiled for InputGradient<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd, const MOST: usize, const NV: usize>(mut self, s: S) {
        let (n, k) = (self.dy.cols(), self.weight.cols());
        let (chains, panels) = (n.div_ceil(KC), k.div_ceil(NV * LANES));
        let mut block = Block([[[0.0; LANES]; NV]; KC]);
        for part in 0..chains * panels {
            // The wider of dy and dx passes once, and the narrower one stays in the caches.
            let (c, p) =
                if n > k { (part / panels, part % panels) } else { (part % chains, part / chains) };
            let chain = c * KC..n.min((c + 1) * KC);
            let columns = p * NV * LANES..k.min((p + 1) * NV * LANES);
            // W[nc..nc+KC, kc..kc+NR]
            let weights = &mut block.0[..chain.len()];
            copy(self.weight.slice(chain.clone()).columns(columns.clone()), weights);
            let mut dx = self.dx.columns(columns.clone()); // dx[.., kc..kc+NR]
            let last = chain.end == n;
            let chain = Chain { weights, onto: c > 0, x: self.dy.columns(chain) };
            for (rows, size) in deal(self.dy.rows(), MOST) {
                let none = &mut [].chunks(1);
                tile_rows!(size, MOST, MR => chain.tiles::<S, MR>(s, rows, none, &mut dx));
            }
            if last
                && let Some(residual) = self.residual.map(Epilogue::Residual)
                && let Some(finish) = Finish::<NV>::new(None, residual, columns, dx)
            {
                finish.run(s);
            }
        }
    }
}

/// Rows of up to NV vectors, side by side; what is missing is zero.
#[inline(always)]
pub(super) fn copy<const NV: usize>(from: Rows, to: &mut [[[f32; LANES]; NV]]) {
    for (i, to) in to.iter_mut().enumerate() {
        match from.row(i).as_chunks().0.first_chunk() {
            Some(whole) => *to = *whole,
            None => *to = padded(from.row(i)),
        }
    }
}
