//! Rows of length 1, and sums in one order.

use ndarray::{Array2, CowArray, Ix2};

/// The shortest length that is divided by, as in `torch.nn.functional.normalize`.
const FLOOR: f64 = 1e-12;

/// Embeddings and their lengths before they were normalised.
pub(super) struct Unit {
    /// `[n, H]`, standard layout.
    pub rows: Array2<f64>,
    lengths: Vec<f64>,
}

impl Unit {
    /// Embeddings that are given away are not copied.
    pub(super) fn of<'a>(embeddings: impl Into<CowArray<'a, f64, Ix2>>) -> Unit {
        let rows = embeddings.into();
        let mut rows = if rows.is_standard_layout() {
            rows.into_owned()
        } else {
            rows.as_standard_layout().into_owned()
        };
        let mut lengths = Vec::with_capacity(rows.nrows());
        for mut row in rows.rows_mut() {
            let row = row.as_slice_mut().expect("standard layout");
            let length = dot(row, row).sqrt().max(FLOOR);
            row.iter_mut().for_each(|x| *x /= length);
            lengths.push(length);
        }
        Unit { rows, lengths }
    }

    /// The rows as slices.
    pub(super) fn slices(&self) -> Vec<&[f64]> {
        slices(&self.rows)
    }

    /// From the derivative g by the unit rows u to that by the embeddings: (g − u·(u·g)) / |e|.
    pub(super) fn pull_back(&self, mut gradient: Array2<f64>) -> Array2<f64> {
        let rows = gradient.rows_mut().into_iter().zip(self.slices()).zip(&self.lengths);
        for ((mut g, u), length) in rows {
            let g = g.as_slice_mut().expect("standard layout");
            let along = dot(g, u);
            g.iter_mut().zip(u).for_each(|(g, u)| *g = (*g - u * along) / length);
        }
        gradient
    }
}

/// The rows of a matrix in standard layout.
pub(super) fn slices(matrix: &Array2<f64>) -> Vec<&[f64]> {
    let values = matrix.as_slice().expect("standard layout");
    values.chunks_exact(matrix.ncols().max(1)).collect()
}

/// Σ a·b in eight partial sums, element i in sum i mod 8, and then one tree.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += a * b;
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// y += factor·x.
pub(super) fn add(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}
