//! Sums over the rows of a matrix, for the gradients of biases and of LayerNorm's parameters.
//!
//! ```text
//! y = x·Wᵀ + b      db[n] = Σₜ dy[t, n]
//! y = x̂·γ + β       dγ[j] = Σₜ dy[t, j]·x̂[t, j]       dβ[j] = Σₜ dy[t, j]
//! ```
//!
//! Lanes run along the columns. The sum over the rows has the order of every sum over tokens:
//! chains of [`KC`] consecutive rows from zero, added in order to what is there.
//!
//! In the book: `docs/14-training.md`.

use crate::{
    Level, Rows,
    gemm::KC,
    simd::{Kernel, LANES, Simd},
};

/// to `[N]` += Σₜ `dy[t]` for dy `[T, N]`.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, column_sums::column_sums};
/// let mut to = [0.5, 0.0];
/// column_sums(Level::detect(), Rows::new(&[1.0, 2.0, 3.0, 4.0], 2), &mut to);
/// assert_eq!(to, [4.5, 6.0]);
/// ```
pub fn column_sums(level: Level, dy: Rows, to: &mut [f32]) {
    assert_eq!(dy.cols(), to.len(), "{} columns, {} sums", dy.cols(), to.len());
    level.run(Sums { dy, x: None, to });
}

/// to `[N]` += Σₜ `dy[t]·x[t]`, column by column, for dy and x `[T, N]`.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, column_sums::column_products};
/// let (dy, x) = ([1.0, 2.0, 3.0, 4.0], [1.0, 10.0, 2.0, 20.0]);
/// let mut to = [0.0; 2];
/// column_products(Level::detect(), Rows::new(&dy, 2), Rows::new(&x, 2), &mut to);
/// assert_eq!(to, [7.0, 100.0]);
/// ```
pub fn column_products(level: Level, dy: Rows, x: Rows, to: &mut [f32]) {
    assert_eq!(dy.cols(), to.len(), "{} columns, {} sums", dy.cols(), to.len());
    assert_eq!((x.rows(), x.cols()), (dy.rows(), dy.cols()), "x's shape is not dy's");
    level.run(Sums { dy, x: Some(x), to });
}

struct Sums<'a> {
    dy: Rows<'a>,        // [T, N]
    x: Option<Rows<'a>>, // [T, N]
    to: &'a mut [f32],   // [N]
}

impl Kernel for Sums<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        /// Vectors of columns at a time, so that whole cache lines are used and sums overlap.
        const WIDTH: usize = 4;
        for (i, to) in self.to.chunks_mut(WIDTH * LANES).enumerate() {
            let first = i * WIDTH * LANES;
            let columns = first..first + to.len();
            for start in (0..self.dy.rows()).step_by(KC) {
                let mut sums = [s.zero(); WIDTH];
                for t in start..self.dy.rows().min(start + KC) {
                    let dy = &self.dy.row(t)[columns.clone()];
                    let x = self.x.map(|x| &x.row(t)[columns.clone()]);
                    for j in 0..WIDTH {
                        let d = s.load_or(dy.get(j * LANES..).unwrap_or_default(), 0.0);
                        sums[j] = match x {
                            Some(x) => {
                                let x = s.load_or(x.get(j * LANES..).unwrap_or_default(), 0.0);
                                s.mul_add(d, x, sums[j])
                            }
                            None => s.add(sums[j], d),
                        };
                    }
                }
                for (to, sum) in to.chunks_mut(LANES).zip(sums) {
                    s.store_first(s.add(s.load_or(to, 0.0), sum), to);
                }
            }
        }
    }
}
