//! Principal components: the orthogonal directions in which rows differ most.
//!
//! ```text
//! C = Σ (x − μ)(x − μ)ᵀ / (n − 1)                     [d, d]
//! W = C;  rotate pairs of its rows until all are orthogonal (one-sided Jacobi)
//! row of W = λ·v: an eigenvector of C times its eigenvalue
//! ```
//!
//! C is symmetric and has no negative eigenvalue, so its singular vectors are its eigenvectors, and
//! rotations from the left that make the rows orthogonal leave nothing but them. Rows of W lie end
//! to end in memory, and no second matrix is needed. Sums are `f64` in blocks of a fixed size, so
//! they do not depend on the number of threads.
//!
//! Reference: J. Demmel and K. Veselić, *Jacobi's Method is More Accurate than QR*, SIAM J. Matrix
//! Anal. Appl. 13(4), 1992.

use crate::{Error, matrix::Matrix};
use minilm_kernels::Level;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// Rows that one task adds up.
const BLOCK: usize = 1024;

/// Sums that are added at the same time, to fill vector registers.
const LANES: usize = 8;

/// Rows of W whose cosine is below this are orthogonal.
const ORTHOGONAL: f64 = 1e-14;

/// Each sweep squares the error, once it is small; a dozen are enough for any matrix.
const SWEEPS: usize = 40;

/// Directions with less than this part of the largest variance are rounding.
const NOTHING: f64 = 1e-12;

/// The mean of some rows and their principal components.
///
/// ```
/// use minilm_tasks::map::Pca;
/// use ndarray::array;
/// let rows = array![[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]];
/// let pca = Pca::fit(rows.view(), 2)?;
/// assert_eq!(pca.components().nrows(), 1); // they lie on a line
/// assert!((pca.variances()[0] - 2.0).abs() < 1e-12);
/// assert!((pca.transform(rows.view())?[[2, 0]] - 2.0_f32.sqrt()).abs() < 1e-6);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    mean: Vec<f64>,
    components: Array2<f64>,
    variances: Vec<f64>,
}

impl Pca {
    /// The components of the rows of `embeddings` `[n, d]` with the largest variance, at most
    /// `most` of them. Directions in which the rows do not differ are none, so there may be fewer,
    /// or, of equal rows, none.
    ///
    /// # Errors
    /// [`Error::NoColumns`], [`Error::NotFinite`], [`Error::TooLong`], or [`Error::TooFew`] if
    /// there are no rows.
    pub fn fit(embeddings: ArrayView2<f32>, most: usize) -> Result<Pca, Error> {
        let rows = Matrix::new("embeddings", embeddings)?;
        if rows.rows() == 0 {
            return Err(Error::TooFew { what: "embeddings", found: 0, least: 1 });
        }
        rows.lengths(Level::detect())?;
        let mean = mean(&rows);
        let mut found = eigenvectors(covariance(&rows, &mean), rows.columns());
        found.sort_by(|a, b| b.0.total_cmp(&a.0)); // stable
        let largest = found.first().map_or(0.0, |(variance, _)| *variance);
        let squares: f64 = mean.iter().map(|x| x * x).sum();
        let least = NOTHING * largest.max(squares);
        found.retain(|(variance, _)| *variance > least);
        found.truncate(most);
        let (variances, vectors): (Vec<f64>, Vec<Vec<f64>>) = found.into_iter().unzip();
        let components = Array2::from_shape_vec((vectors.len(), rows.columns()), vectors.concat());
        Ok(Pca {
            mean,
            components: components.expect("as many values as the shape says"),
            variances,
        })
    }

    /// The components `[k, d]`, of length 1; the largest value of each is positive.
    pub fn components(&self) -> ArrayView2<'_, f64> {
        self.components.view()
    }

    /// The variance along each component, falling (divided by n − 1).
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// The distance of each row of `embeddings` `[n, d]` from the mean along each component
    /// `[n, k]`.
    ///
    /// # Errors
    /// [`Error::NoColumns`], [`Error::NotFinite`], or [`Error::Columns`] if the components have
    /// another width.
    pub fn transform(&self, embeddings: ArrayView2<f32>) -> Result<Array2<f32>, Error> {
        let rows = Matrix::new("embeddings", embeddings)?;
        if rows.columns() != self.mean.len() {
            return Err(Error::Columns {
                what: "embeddings",
                found: rows.columns(),
                expected: self.mean.len(),
            });
        }
        rows.check_finite()?;
        let scores = (0..rows.rows()).into_par_iter().map(|i| {
            let centred = centred(rows.row(i), &self.mean);
            self.components
                .outer_iter()
                .map(|v| dot(&centred, v.to_slice().unwrap_or_default()) as f32)
                .collect::<Vec<f32>>()
        });
        let scores: Vec<Vec<f32>> = scores.collect();
        let shape = (rows.rows(), self.variances.len());
        Ok(Array2::from_shape_vec(shape, scores.concat())
            .expect("as many values as the shape says"))
    }
}

fn centred(row: &[f32], mean: &[f64]) -> Vec<f64> {
    row.iter().zip(mean).map(|(&x, mean)| f64::from(x) - mean).collect()
}

fn mean(rows: &Matrix) -> Vec<f64> {
    let mut sums = vec![0.0; rows.columns()];
    for i in 0..rows.rows() {
        sums.iter_mut().zip(rows.row(i)).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    sums.iter().map(|sum| sum / rows.rows() as f64).collect()
}

/// C `[d, d]`.
fn covariance(rows: &Matrix, mean: &[f64]) -> Vec<f64> {
    let (n, d) = (rows.rows(), rows.columns());
    let mut sums = vec![0.0; d * d];
    for start in (0..n).step_by(BLOCK) {
        let end = n.min(start + BLOCK);
        let block: Vec<Vec<f64>> = (start..end).map(|i| centred(rows.row(i), mean)).collect();
        sums.par_chunks_exact_mut(d).enumerate().for_each(|(i, sums)| {
            for row in &block {
                let x = row[i];
                sums.iter_mut().zip(row).for_each(|(sum, y)| *sum += x * y);
            }
        });
    }
    let scale = 1.0 / (n.max(2) - 1) as f64;
    sums.iter_mut().for_each(|sum| *sum *= scale);
    sums
}

/// The eigenvalues of a symmetric matrix `[d, d]` without negative ones, and their vectors, those
/// of 0 left out.
fn eigenvectors(matrix: Vec<f64>, d: usize) -> Vec<(f64, Vec<f64>)> {
    let mut w: Vec<Vec<f64>> = matrix.chunks_exact(d).map(<[f64]>::to_vec).collect();
    let tiny = NOTHING * NOTHING * w.iter().map(|row| dot(row, row)).sum::<f64>();
    for _ in 0..SWEEPS {
        if !sweep(&mut w, tiny) {
            break;
        }
    }
    let vectors = w.into_iter().filter_map(|mut row| {
        let value = dot(&row, &row).sqrt();
        let largest =
            row.iter().fold(0.0_f64, |best, &x| if x.abs() > best.abs() { x } else { best });
        row.iter_mut().for_each(|x| *x /= value * largest.signum());
        (value > 0.0).then_some((value, row))
    });
    vectors.collect()
}

/// Rotates each pair of rows until it is orthogonal, and says whether any was not. Rows of a
/// squared length below `tiny` are left alone.
fn sweep(w: &mut [Vec<f64>], tiny: f64) -> bool {
    let mut rotated = false;
    for p in 0..w.len() {
        let (head, tail) = w.split_at_mut(p + 1);
        let a = &mut head[p];
        for b in tail {
            let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
            if aa <= tiny || bb <= tiny || ab.abs() <= ORTHOGONAL * (aa * bb).sqrt() {
                continue;
            }
            rotated = true;
            let zeta = (bb - aa) / (2.0 * ab);
            let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
            let cos = 1.0 / (1.0 + t * t).sqrt();
            let sin = cos * t;
            for (x, y) in a.iter_mut().zip(b) {
                (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
            }
        }
    }
    rotated
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, rest_a) = a.as_chunks::<LANES>();
    let (b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}
