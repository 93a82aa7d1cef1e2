//! y = x·Wᵀ.

use super::support::{Random, assert_exact, assert_within, gamma};
use minilm_kernels::naive;
use minilm_ladder::gemm::Forward;

/// Rows of x.
const ROWS: [usize; 11] = [
    1, 2, 3, 4, 5, // around a tile, 4 rows
    6, 7, 8, // around a tile of 6, and two tiles of 4
    63, 64, 65, // around a block of rows
];

/// Columns of y: N.
const OUTPUTS: [usize; 11] = [
    1, // one lane
    7, 8, 9, // around the tile in plain Rust
    15, 16, 17, // around a vector
    63, 64, 65,  // around a panel
    129, // a third panel
];

/// Columns of x: K.
const INPUTS: [usize; 7] = [
    1, 2, // shortest sums
    127, 128, 129, // around a block of k
    256, 257, // around two of them
];

/// Every boundary in rows and columns with a sum of two blocks, then every length of a sum.
fn shapes() -> impl Iterator<Item = (usize, usize, usize)> {
    let edges = ROWS.into_iter().flat_map(|m| OUTPUTS.map(|n| (m, n, 129)));
    edges.chain(INPUTS.into_iter().flat_map(|k| [(5, 65, k), (9, 17, k)]))
}

/// Integers are exact in any order of additions. Other values: a term goes through one
/// multiplication and at most K − 1 additions, in any order, and a fused multiply-add only leaves
/// one out.
pub fn gemm(name: &str, linear: impl Fn(&[f32], usize) -> Forward) {
    for (m, n, k) in shapes() {
        let mut random = Random((m * 1_000_000 + n * 1000 + k) as u64);
        let name = format!("{name} {m}×{n}×{k}");
        let (x, w) = (random.integers(m * k), random.integers(n * k));
        assert_exact(
            &format!("{name}, integers"),
            n,
            &product(&linear, &x, &w, k),
            &naive::linear(&x, &w, &vec![0.0; n]),
        );

        let (x, w) = (random.values(m * k), random.values(n * k));
        let abs = |values: &[f32]| values.iter().map(|v| v.abs()).collect::<Vec<_>>();
        let magnitude = naive::linear(&abs(&x), &abs(&w), &vec![0.0; n]);
        let bound: Vec<f64> = magnitude.into_iter().map(|sum| gamma(k) * sum).collect();
        assert_within(
            &name,
            n,
            &product(&linear, &x, &w, k),
            &naive::linear(&x, &w, &vec![0.0; n]),
            &bound,
        );
    }
    linear(&[1.0; 6], 3)(&[], &mut []); // no rows are no work
}

/// Rows whose largest magnitude is 127 in each chunk are rounded to themselves, so products of
/// integers come out exactly, whatever the chunks.
pub fn rounded_gemm(name: &str, linear: impl Fn(&[f32], usize) -> Forward) {
    let long = [(5, 17, 384), (4, 16, 385), (3, 33, 1536)];
    for (m, n, k) in shapes().chain(long) {
        let mut random = Random((m * 1_000_000 + n * 1000 + k) as u64);
        let mut rows = |rows: usize| {
            let mut values = random.integers(rows * k);
            for chunk in values.chunks_exact_mut(k).flat_map(|row| row.chunks_mut(384)) {
                chunk[chunk.len() / 2] = 127.0;
            }
            values
        };
        let (x, w) = (rows(m), rows(n));
        let truth = naive::quantised_linear(&x, &w, &vec![0.0; n], 127, false);
        assert_eq!(truth, naive::linear(&x, &w, &vec![0.0; n]), "rounding changed the integers");
        assert_exact(&format!("{name} {m}×{n}×{k}"), n, &product(&linear, &x, &w, k), &truth);
    }
    linear(&[1.0; 6], 3)(&[], &mut []); // no rows are no work
}

fn product(linear: impl Fn(&[f32], usize) -> Forward, x: &[f32], w: &[f32], k: usize) -> Vec<f32> {
    // NaN shows whether anything of the old y is kept.
    let mut y = vec![f32::NAN; x.len() / k * (w.len() / k)];
    linear(w, k)(x, &mut y);
    y
}
