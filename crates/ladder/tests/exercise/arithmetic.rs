//! Chapters 2 to 5: memory, products, vectors, functions.

use crate::check::{self, support::Random};
use minilm_kernels::Level;

pub fn pack(pack: fn(&[f32], usize, usize) -> Vec<f32>) {
    let w: Vec<f32> = (0..5 * 3).map(|i| i as f32 + 1.0).collect(); // [N = 5, K = 3]
    let want = [
        1.0, 4.0, 2.0, 5.0, 3.0, 6.0, 7.0, 10.0, 8.0, 11.0, 9.0, 12.0, 13.0, 0.0, 14.0, 0.0, 15.0,
        0.0,
    ];
    assert_eq!(pack(&w, 3, 2), want);
    assert_eq!(pack(&w, 3, 1), w, "a panel of one output is the row as stored");
}

pub fn lines(lines: fn(usize, usize) -> (usize, usize)) {
    assert_eq!(lines(100, 384), (100, 24));
    assert_eq!(lines(1, 16), (1, 1));
    assert_eq!(lines(48, 1536), (48, 96));
}

pub fn best_tile(best_tile: fn(usize) -> (usize, usize)) {
    for (registers, fewest) in [(32, 10.0 / 25.0), (16, 7.0 / 12.0), (8, 1.0)] {
        let (mr, nv) = best_tile(registers);
        assert!(mr * nv + nv < registers, "{mr} × {nv} in {registers} registers");
        let loads = (mr + nv) as f64 / (mr * nv) as f64;
        assert!(
            loads <= fewest + 1e-9,
            "{mr} × {nv} in {registers} registers: {loads:.3} loads, and {fewest:.3} are possible"
        );
    }
}

/// The tests that all rungs of the ladder pass.
pub fn product(product: fn(&[f32], &[f32], usize, &mut [f32])) {
    check::gemm("the exercise", |w, k| {
        let w = w.to_vec();
        Box::new(move |x, y| product(x, &w, k, y))
    });
}

pub fn relu(relu: fn(Level, f32, f32, &[f32], &mut [f32])) {
    for len in [0, 1, 15, 16, 17, 100] {
        let x = Random(len as u64).values(len);
        for level in Level::available() {
            let mut y = vec![f32::NAN; len];
            relu(level, 1.7, -0.1, &x, &mut y);
            for (x, y) in x.iter().zip(y) {
                assert_eq!(y, x.mul_add(1.7, -0.1).max(0.0), "{level}, {len} values, x = {x}");
            }
        }
    }
}

pub fn largest(largest: fn(Level, &[f32]) -> usize) {
    for level in Level::available() {
        for len in [1, 15, 16, 17, 100] {
            for place in [0, len / 2, len - 1] {
                let mut x = Random(len as u64).values(len);
                x[place] = 2.0;
                assert_eq!(largest(level, &x), place, "{level}, {len} values");
            }
            assert_eq!(
                largest(level, &vec![-3.0; len]),
                0,
                "{level}: the first of {len} equal ones"
            );
        }
    }
}

pub fn exp2(exp2: fn(Level, &mut [f32])) {
    let inputs: Vec<f32> = (-126_000..=126_000).map(|i| i as f32 * 0.001).collect();
    for level in Level::available() {
        let mut y = inputs.clone();
        exp2(level, &mut y);
        for (&x, y) in inputs.iter().zip(y) {
            let error = check::support::ulps(y, f64::from(x).exp2());
            assert!(error <= 4.0, "{level}: 2^{x} = {y:e} is {error:.1} ULP off");
        }
    }
}

pub fn quantise(quantise: fn(&[f32]) -> (Vec<i8>, f32)) {
    assert_eq!(quantise(&[254.0, 1.0, 3.0, -5.0]), (vec![127, 0, 2, -2], 2.0), "ties to even");
    assert_eq!(quantise(&[0.0; 3]).0, [0; 3], "zeros stay zeros");
    let row = Random(7).values(100);
    let (q, scale) = quantise(&row);
    assert_eq!(q.iter().map(|q| q.unsigned_abs()).max(), Some(127), "the largest is 127");
    for (x, q) in row.iter().zip(q) {
        let error = (x - f32::from(q) * scale).abs();
        assert!(error <= 0.5001 * scale, "{x} is {q} steps of {scale}");
    }
}
