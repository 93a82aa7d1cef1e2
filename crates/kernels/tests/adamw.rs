//! AdamW: within its roundings of `f64`, and the same bits on each level.

mod support;

use minilm_kernels::{
    Level,
    adamw::{Step, adamw},
};
use support::{Random, assert_same_bits};

const BETAS: (f64, f64) = (0.9, 0.999);

/// w, m and v after three steps.
fn run(level: Level, len: usize) -> [Vec<f32>; 3] {
    let random = &mut Random(len as u64);
    let (mut w, mut m, mut v) = (random.values(len), vec![0.0; len], vec![0.0; len]);
    for t in 1..=3 {
        let mut g = random.values(len);
        let step = Step::new(BETAS, 1e-8, 0.01, 1e-3, 0.5, t);
        adamw(level, &step, &mut w, &mut g, &mut m, &mut v);
        assert!(g.iter().all(|g| *g == 0.0), "the gradient is cleared");
    }
    [w, m, v]
}

#[test]
fn three_steps_are_those_of_the_formula_in_f64() {
    let len = 37;
    let random = &mut Random(len as u64);
    let mut w: Vec<f64> = random.values(len as usize).into_iter().map(f64::from).collect();
    let (mut m, mut v) = (vec![0.0; w.len()], vec![0.0; w.len()]);
    for t in 1..=3 {
        for (i, g) in random.values(w.len()).into_iter().enumerate() {
            let g = 0.5 * f64::from(g);
            w[i] *= 1.0 - 1e-3 * 0.01;
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            let (m, v) = (m[i] / (1.0 - 0.9_f64.powi(t)), v[i] / (1.0 - 0.999_f64.powi(t)));
            w[i] -= 1e-3 * m / (v.sqrt() + 1e-8);
        }
    }
    let [got_w, got_m, got_v] = run(Level::detect(), len as usize);
    for i in 0..w.len() {
        // A weight is below 1 and rounded once a step; a step is below 2e-3 and has few roundings.
        assert!((f64::from(got_w[i]) - w[i]).abs() < 3.0 * 2f64.powi(-24), "w[{i}]");
        assert!((f64::from(got_m[i]) - m[i]).abs() < 1e-7 * 0.15, "m[{i}]");
        assert!((f64::from(got_v[i]) - v[i]).abs() < 5e-7 * v[i], "v[{i}]");
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    for len in [1, 15, 16, 17, 100] {
        let want = run(Level::PORTABLE, len);
        for level in Level::available() {
            for (got, want) in run(level, len).iter().zip(&want) {
                assert_same_bits(level.name(), 1, got, want);
            }
        }
    }
}
