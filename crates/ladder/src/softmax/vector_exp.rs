//! Vector exp: sixteen exponentials at once.
//!
//! ```text
//! x ← x − m        x ← exp(x)  by polynomials on sixteen lanes (the ladder `exp`)        x ← x / Σ
//! ```
//!
//! - **Idea**: hand the whole row to a function that takes the exponential of a slice.
//! - **Why**: it has no call and no branch for each value.
//! - **Cost**: a row now passes by five times: maximum, shift, exponential, sum, division.
//! - **Limits**: the maximum and the sum are chains of one lane, and now they show. In short rows
//!   the choice of the instruction set, once for each row, shows as well.
//! - **Exercise**: call `exp_slice` once for all rows, after shifting them all. For which lengths
//!   is that better?
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::{Level, exp::exp_slice};

/// `x[i, j] / sums[i]` becomes the softmax of row i.
pub fn softmax(level: Level, x: &mut [f32], sums: &mut [f32]) {
    let cols = x.len() / sums.len();
    for (row, sum) in x.chunks_exact_mut(cols).zip(sums) {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for x in row.iter_mut() {
            *x -= max;
        }
        exp_slice(level, row);
        let total: f32 = row.iter().sum();
        for x in row {
            *x /= total;
        }
        *sum = 1.0;
    }
}
