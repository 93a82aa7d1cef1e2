//! dW += dyᵀ·x.

use super::support::{Random, assert_exact, assert_within, gamma};
use minilm_kernels::naive;

/// Tokens: around a chain, and around two.
const TOKENS: [usize; 7] = [0, 1, 127, 128, 129, 256, 257];

/// Rows and columns of dW.
const SHAPES: [(usize, usize); 9] = [
    (1, 1),
    (3, 15), // around a tile of 4 and a vector
    (4, 16),
    (5, 17),
    (12, 47), // around the tiles of the shipped kernel
    (13, 48),
    (49, 49),
    (7, 63), // around four vectors
    (8, 65),
];

/// dy, x, K and dW, to which the gradient is added.
pub type Operation<'a> = dyn Fn(&[f32], &[f32], usize, &mut [f32]) + 'a;

/// Integers are exact in any order of additions. Other values: a term goes through one
/// multiplication and at most T additions, with what dW was before.
pub fn weight_gradient(name: &str, operation: &Operation) {
    for (n, k) in SHAPES {
        for t in TOKENS {
            let mut random = Random((n * 1_000_000 + k * 1000 + t) as u64);
            let name = format!("{name} {n}×{k}, {t} tokens");
            let integers = [t * n, t * k, n * k].map(|len| random.integers(len));
            let (got, want, _) = both(operation, k, &integers);
            assert_exact(&format!("{name}, integers"), k, &got, &want);
            let values = [t * n, t * k, n * k].map(|len| random.values(len));
            let (got, want, magnitude) = both(operation, k, &values);
            let bound: Vec<f64> = magnitude.iter().map(|sum| gamma(t + 1) * sum).collect();
            assert_within(&name, k, &got, &want, &bound);
        }
    }
}

/// The rung's result, the truth, and the sum of the terms' magnitudes, given dy, x and dW.
fn both(
    operation: &Operation,
    k: usize,
    [dy, x, before]: &[Vec<f32>; 3],
) -> (Vec<f32>, Vec<f64>, Vec<f64>) {
    let n = before.len() / k;
    let mut got = before.clone();
    operation(dy, x, k, &mut got);
    let truth = |dy: &[f32], x: &[f32], before: &[f32]| -> Vec<f64> {
        let d = naive::backward::linear(x, &vec![0.0; n * k], n, dy);
        d.weight.iter().zip(before).map(|(d, &before)| d + f64::from(before)).collect()
    };
    let abs = |values: &[f32]| values.iter().map(|v| v.abs()).collect::<Vec<_>>();
    (got, truth(dy, x, before), truth(&abs(dy), &abs(x), &abs(before)))
}
