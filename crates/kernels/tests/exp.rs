//! eˣ: at most 1 ULP from the truth, everywhere, and the same bits on every level.

mod support;

use minilm_kernels::{Level, exp::exp_slice};
use support::{assert_same_bits, dense_sample, sweep, ulps, worst_line};

/// The error of exp, in ULP, that the module promises.
const MOST: f64 = 1.0;

fn error(x: f32, y: f32) -> f64 {
    ulps(y, f64::from(x).exp())
}

fn exp(level: Level, x: f32) -> f32 {
    let mut x = [x];
    exp_slice(level, &mut x);
    x[0]
}

#[test]
fn a_dense_sample_is_within_one_ulp() {
    let inputs = dense_sample();
    let mut results = inputs.clone();
    exp_slice(Level::detect(), &mut results);
    for (&x, &y) in inputs.iter().zip(&results) {
        let error = error(x, y);
        assert!(error <= MOST, "exp({x:e}) = {y:e}: {error} ULP from {:e}", f64::from(x).exp());
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    let inputs = dense_sample();
    let mut want = inputs.clone();
    exp_slice(Level::PORTABLE, &mut want);
    for level in Level::available() {
        let mut got = inputs.clone();
        exp_slice(level, &mut got);
        assert_same_bits(level.name(), 1, &got, &want);
    }
}

#[test]
fn specials_are_exact() {
    for level in Level::available() {
        for (x, y) in [
            (0.0, 1.0),
            (-0.0, 1.0),
            (f32::INFINITY, f32::INFINITY),
            (f32::NEG_INFINITY, 0.0),
            (f32::MAX, f32::INFINITY),
        ] {
            assert_eq!(exp(level, x).to_bits(), f32::to_bits(y), "{level}: exp({x})");
        }
        assert!(exp(level, f32::NAN).is_nan(), "{level}");
        assert!(exp(level, -f32::NAN).is_nan(), "{level}");
    }
}

#[test]
fn overflow_and_underflow_come_where_rounding_says() {
    // ln of the largest f32 is 88.7228390…; e^-103.972… is half the smallest subnormal.
    let (largest, smallest) = (88.722_83_f32, -103.972_08_f32);
    for level in Level::available() {
        assert!(exp(level, largest).is_finite(), "{level}");
        assert_eq!(exp(level, largest.next_up()), f32::INFINITY, "{level}");
        assert_eq!(exp(level, smallest), f32::from_bits(1), "{level}");
        assert_eq!(exp(level, smallest.next_down()), 0.0, "{level}");
    }
}

#[test]
fn a_value_has_the_same_result_at_every_position() {
    let inputs: Vec<f32> = (0..50).map(|i| i as f32 * 0.37 - 9.0).collect();
    for level in Level::available() {
        let alone: Vec<f32> = inputs.iter().map(|&x| exp(level, x)).collect();
        for len in 0..=inputs.len() {
            let mut got = inputs[..len].to_vec();
            exp_slice(level, &mut got);
            assert_same_bits(&format!("{level}, {len} values"), 1, &got, &alone[..len]);
        }
    }
}

#[test]
#[ignore = "all 2³² floats, about a minute: cargo test --release -p minilm-kernels -- --ignored \
    --nocapture"]
fn all_floats_are_within_one_ulp() {
    let (most, x) = sweep(0..=u32::MAX, |x| exp_slice(Level::detect(), x), error);
    println!("{}", worst_line("exp", "all", "ULP", most, x));
    assert!(most <= MOST, "exp({x:e}): {most} ULP");
}
