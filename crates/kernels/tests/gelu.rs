//! x·Φ(x): a few ULP where the result is not tiny, an absolute bound in the far negative tail, the
//! same bits on every level.

mod support;

use minilm_kernels::{Level, gelu::gelu_slice, naive};
use std::ops::RangeInclusive;
use support::{assert_same_bits, dense_sample, specials, sweep, ulps, worst_line};

/// A stretch of inputs, given by their bits, and what the error may be there.
struct Stretch {
    name: &'static str,
    bits: RangeInclusive<u32>,
    error: fn(f32, f64) -> f64, // of a result and the truth
    unit: &'static str,
    most: f64,
}

/// Where the tail begins: bits of −4.
const TAIL: u32 = 0xc080_0000;

/// All inputs but NaN.
///
/// Interpolation at seven Chebyshev nodes of a piece of width W takes Q at most
/// 2·(W/4)⁷/7!·max|φ⁽⁶⁾| = 7.4e-11·max|φ⁽⁶⁾| from the truth. The maximum is 6 at 0 and 0.16 around
/// −3.9.
const STRETCHES: [Stretch; 3] = [
    // The result is max(x, 0) − t·Q(t), rounded once: ½ ULP. The last step of Q ≤ ½ has half an ULP
    // of its own, which times t is at most half an ULP of the result, because that is at least x/2.
    // Interpolation adds little to the two.
    Stretch { name: "x ≥ 0", bits: 0..=0x7f80_0000, error: ulps, unit: "ULP", most: 1.05 },
    // The result is −t·Q(t) itself. Interpolation is up to 0.16·7.4e-11·4 = 4.7e-11, at the end of
    // the stretch, where an ULP is 1.5e-11: three ULP; rounding of the product and of the last step
    // of Q is another.
    Stretch {
        name: "−4 ≤ x ≤ −0", bits: 0x8000_0000..=TAIL, error: ulps, unit: "ULP", most: 4.0
    },
    // The same interpolation, 4.7e-11, with roundings of at most 0.7e-11 each; beyond −6.75 the
    // bump is held at 5e-11.
    Stretch {
        name: "x < −4",
        bits: TAIL + 1..=0xff80_0000,
        error: |y, truth| (f64::from(y) - truth).abs(),
        unit: "absolute",
        most: 6e-11,
    },
];

/// x·Φ(x), also at −∞, where the product is −∞·0 and the limit 0.
fn truth(x: f32) -> f64 {
    if x == f32::NEG_INFINITY { 0.0 } else { naive::gelu(x.into()) }
}

fn gelu(level: Level, x: f32) -> f32 {
    let mut x = [x];
    gelu_slice(level, &mut x);
    x[0]
}

#[test]
fn a_dense_sample_is_within_the_bound_of_its_stretch() {
    // The range where Φ is neither 0 nor 1, densely; then every exponent.
    let inputs: Vec<f32> = (-8000..=8000).map(|i| i as f32 * 0.001).chain(dense_sample()).collect();
    let mut results = inputs.clone();
    gelu_slice(Level::detect(), &mut results);
    for (&x, &y) in inputs.iter().zip(&results) {
        match STRETCHES.iter().find(|stretch| stretch.bits.contains(&x.to_bits())) {
            Some(Stretch { name, error, most, .. }) => {
                let error = error(y, truth(x));
                assert!(
                    error <= *most,
                    "{name}: gelu({x:e}) = {y:e}: error {error:e} from {:e}, at most {most:e}",
                    truth(x)
                );
            }
            None => assert!(x.is_nan() && y.is_nan(), "gelu({x}) = {y}"),
        }
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    let inputs: Vec<f32> = (-8000..=8000).map(|i| i as f32 * 0.001).chain(dense_sample()).collect();
    let mut want = inputs.clone();
    gelu_slice(Level::PORTABLE, &mut want);
    for level in Level::available() {
        let mut got = inputs.clone();
        gelu_slice(level, &mut got);
        assert_same_bits(level.name(), 1, &got, &want);
    }
}

#[test]
fn zero_keeps_its_sign_and_large_values_stay() {
    for level in Level::available() {
        for x in [0.0, -0.0, 6.0, 1e10, f32::MAX, f32::INFINITY] {
            assert_eq!(gelu(level, x).to_bits(), x.to_bits(), "{level}: gelu({x})");
        }
    }
}

#[test]
fn far_to_the_left_the_bump_is_held_below_the_bound() {
    for level in Level::available() {
        let held = gelu(level, -6.75);
        assert!((-6e-11..0.0).contains(&held), "{level}: {held:e}");
        for x in [-7.0, -1e4, -f32::MAX, f32::NEG_INFINITY] {
            assert_eq!(gelu(level, x), held, "{level}: gelu({x})");
        }
    }
}

#[test]
fn nan_stays_nan() {
    for level in Level::available() {
        assert!(gelu(level, f32::NAN).is_nan() && gelu(level, -f32::NAN).is_nan(), "{level}");
    }
}

#[test]
fn a_value_has_the_same_result_at_every_position() {
    let inputs: Vec<f32> = (0..50).map(|i| i as f32 * 0.37 - 9.0).chain(specials()).collect();
    for level in Level::available() {
        let alone: Vec<f32> = inputs.iter().map(|&x| gelu(level, x)).collect();
        for len in 0..=inputs.len() {
            let mut got = inputs[..len].to_vec();
            gelu_slice(level, &mut got);
            assert_same_bits(&format!("{level}, {len} values"), 1, &got, &alone[..len]);
        }
    }
}

#[test]
#[ignore = "all 2³² floats, about a minute: cargo test --release -p minilm-kernels -- --ignored \
    --nocapture"]
fn all_floats_are_within_the_bound_of_their_stretch() {
    for Stretch { name, bits, error, unit, most } in STRETCHES {
        let (worst, x) = sweep(bits, |x| gelu_slice(Level::detect(), x), |x, y| error(y, truth(x)));
        println!("{}", worst_line("gelu", name, unit, worst, x));
        assert!(worst <= most, "gelu({x:e}): {worst:e}, at most {most:e}");
    }
}
