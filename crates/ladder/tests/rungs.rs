//! Every rung of every ladder, on every level, against the oracle.

mod check;

use check::{
    Statistics,
    support::{Random, assert_same_bits, ulps},
};
use minilm_kernels::{AlignedVec, Level, naive};
use minilm_ladder::{
    Operation, STEPS, Step, YARDSTICKS, attention::Scratch, attention_backward, exp::ONE_FACTOR,
    gemm, rounded_gemm, softmax,
};
use std::cell::RefCell;

/// Every rung of a ladder, its rival's function, and every level.
fn steps(ladder: &str) -> impl Iterator<Item = (&'static Step, Level, String)> {
    let steps = STEPS.iter().chain(YARDSTICKS).filter(move |step| step.ladder == ladder);
    steps.flat_map(|step| {
        Level::available()
            .into_iter()
            .map(move |level| (step, level, format!("{}, {level}", step.name)))
    })
}

#[test]
fn every_gemm_is_exact_on_integers_and_within_the_rounding_bound() {
    // More threads than rows, in the smallest products.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("three threads");
    for (step, level, name) in steps("gemm") {
        let Operation::Gemm(linear) = step.operation else { panic!("{name} is no GEMM") };
        pool.install(|| check::gemm(&name, |weight, k| linear(level, weight, k)));
    }
}

#[test]
fn every_rounded_gemm_is_exact_on_integers() {
    for (step, level, name) in steps("rounded_gemm") {
        let Operation::Gemm(linear) = step.operation else { panic!("{name} is no GEMM") };
        check::rounded_gemm(&name, |weight, k| linear(level, weight, k));
    }
}

#[test]
fn every_rounded_gemm_has_the_bits_of_the_shipped_one() {
    for (m, n, k) in [(5, 17, 31), (9, 48, 384), (2, 40, 1000)] {
        let mut random = Random(k as u64);
        let (x, w) = (random.values(m * k), random.values(n * k));
        let of = |linear: gemm::Rung, level| {
            let mut y = vec![f32::NAN; m * n];
            linear(level, &w, k)(&x, &mut y);
            y
        };
        let shipped = of(rounded_gemm::shipped::linear, Level::PORTABLE);
        for (step, level, name) in steps("rounded_gemm") {
            let Operation::Gemm(linear) = step.operation else { panic!("{name} is no GEMM") };
            assert_same_bits(&name, n, &of(linear, level), &shipped);
        }
    }
}

/// Mean and spread: usual; tiny, near ε; huge; a mean far from 0; a mean very far from 0.
const ROWS: [(f32, f32); 5] = [(0.0, 1.0), (0.0, 1e-6), (0.0, 1e15), (-1e4, 100.0), (1e4, 1.0)];

#[test]
fn every_layer_norm_is_within_the_rounding_bound_of_its_statistics() {
    for (step, level, name) in steps("layer_norm") {
        let Operation::LayerNorm(layer_norm) = step.operation else {
            panic!("{name} is no LayerNorm")
        };
        let statistics = match step.name {
            "two_passes" => Statistics::Moments,
            "welford" => Statistics::Welford,
            _ => Statistics::Centred,
        };
        for (mean, spread) in ROWS {
            let operation = |x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon| {
                layer_norm(level, x, gamma, beta, epsilon)
            };
            check::layer_norm(&name, operation, statistics, mean, spread);
        }
    }
}

#[test]
fn the_difference_of_two_moments_cancels_and_the_other_rungs_do_not() {
    let x: Vec<f32> = (0..384).map(|i| 1e4 + (i % 7) as f32 * 0.25).collect();
    let (gamma, beta) = ([1.0; 384], [0.0; 384]);
    let want = naive::layer_norm(&x, &gamma, &beta, 1e-12);
    for (step, level, name) in steps("layer_norm") {
        let Operation::LayerNorm(layer_norm) = step.operation else {
            panic!("{name} is no LayerNorm")
        };
        let mut got = x.clone();
        layer_norm(level, &mut got, &gamma, &beta, 1e-12);
        let error = got
            .iter()
            .zip(&want)
            .map(|(&got, want)| (f64::from(got) - want).abs())
            .fold(0.0, f64::max);
        // Deviations are 0.5 around a mean that f32 knows to 0.001.
        assert_eq!(error > 0.02, step.name == "two_passes", "{name}: {error}");
    }
}

#[test]
fn every_softmax_is_within_the_rounding_bound() {
    for (step, level, name) in steps("softmax") {
        let Operation::Softmax(softmax) = step.operation else { panic!("{name} is no softmax") };
        // Flat rows and usual scores; then rows of which exp overflows, and rows in which most
        // terms underflow.
        let spreads: &[f32] =
            if step.name == "naive" { &[0.01, 5.0] } else { &[0.01, 5.0, 100.0, 1e4] };
        for &spread in spreads {
            check::softmax(&name, |x, sums| softmax(level, x, sums), spread);
        }
    }
}

#[test]
fn the_naive_softmax_overflows_and_underflows_where_the_others_do_not() {
    for scores in [[89.0, 89.0], [-110.0, -110.0]] {
        for (step, level, name) in steps("softmax") {
            let Operation::Softmax(softmax) = step.operation else {
                panic!("{name} is no softmax")
            };
            let (mut x, mut sums) = (scores, [0.0]);
            softmax(level, &mut x, &mut sums);
            let p = x.map(|e| e / sums[0]);
            if step.name == "naive" {
                assert!(p.iter().all(|p| p.is_nan()), "{name} of {scores:?}: {p:?}");
            } else {
                assert_eq!(p, [0.5, 0.5], "{name} of {scores:?}");
            }
        }
    }
}

#[test]
fn the_fused_softmax_divided_has_the_bits_of_the_shipped_one() {
    for level in Level::available() {
        let x = check::support::Random(5).values(4 * 37);
        let (mut fused, mut sums) = (x.clone(), [0.0; 4]);
        softmax::fused::softmax(level, &mut fused, &mut sums);
        for (row, sum) in fused.chunks_exact_mut(37).zip(sums) {
            row.iter_mut().for_each(|e| *e /= sum);
        }
        let mut shipped = x;
        softmax::shipped::softmax(level, &mut shipped, &mut sums);
        assert_same_bits(level.name(), 37, &fused, &shipped);
    }
}

#[test]
fn every_gelu_is_within_the_bound_of_its_error_function() {
    for (step, level, name) in steps("gelu") {
        let Operation::Gelu(gelu) = step.operation else { panic!("{name} is no GELU") };
        let (erf, roundings) = match step.name {
            // √½ and its product with x are 2u off, which erf passes on at most by half; erf is
            // within 1 ULP, 2u; the sum, up to 2, has 2u.
            "library" => (0.0, 5.0),
            // t is at most 5u off, which the polynomial makes 17u; its coefficients 4.5u, its steps
            // 5u; exp 2u, its argument 2u; two products 2u.
            "rational" => (1.5e-7, 32.5),
            // Q is within 5e-10 by interpolation, and rounded in its last step; −Q is half of erf −
            // 1. At the end the bump is held at 6e-11.
            _ => (1e-9, 2.0),
        };
        check::gelu(&name, |x| gelu(level, x), erf, roundings);
    }
}

#[test]
fn the_rational_formula_errs_by_what_the_handbook_says() {
    let a = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
    let erf = |z: f64| {
        let t = 1.0 / (1.0 + 0.3275911 * z);
        1.0 - a.iter().rev().fold(0.0, |sum, a| (sum + a) * t) * (-z * z).exp()
    };
    let largest = (0..=6000)
        .map(|i| f64::from(i) * 1e-3)
        .map(|z| (erf(z) - libm::erf(z)).abs())
        .fold(0.0, f64::max);
    println!("Abramowitz–Stegun 7.1.26 in f64: at most {largest:.3e} from erf");
    assert!((1.3e-7..=1.5e-7).contains(&largest), "{largest:e}");
}

#[test]
fn every_exp_is_within_the_ulps_its_header_argues() {
    for (step, level, name) in steps("exp") {
        let Operation::Exp(exp) = step.operation else { panic!("{name} is no exponential") };
        let (range, most) = match step.name {
            "reduced" => (ONE_FACTOR, 9.0),
            "cody_waite" => (ONE_FACTOR, 1.3),
            _ => (f32::NEG_INFINITY..=f32::INFINITY, 1.0),
        };
        check::exp(&name, |x| exp(level, x), range, most);
    }
}

#[test]
fn one_constant_for_ln_2_shows_where_n_is_large_and_two_do_not() {
    let worst = |exp: minilm_ladder::exp::Rung| {
        let inputs: Vec<f32> = (0..=8000).map(|i| 80.0 + i as f32 * 0.001).collect();
        let mut y = inputs.clone();
        exp(Level::detect(), &mut y);
        inputs.iter().zip(y).map(|(&x, y)| ulps(y, f64::from(x).exp())).fold(0.0, f64::max)
    };
    let (one, two) =
        (worst(minilm_ladder::exp::reduced::exp), worst(minilm_ladder::exp::cody_waite::exp));
    println!("between 80 and 88: one constant {one:.2} ULP, two constants {two:.2} ULP");
    assert!(one > 2.0 * two, "{one} and {two}");
}

#[test]
fn every_attention_is_within_the_rounding_bound() {
    for (step, level, name) in steps("attention") {
        let Operation::Attention(attention) = step.operation else {
            panic!("{name} is no attention")
        };
        // One scratch for all: values that a call leaves behind must not matter.
        let scratch = RefCell::new(Scratch::default());
        check::attention(&name, |qkv, batch, context| {
            attention(level, qkv, batch, &mut scratch.borrow_mut(), context)
        });
    }
}

#[test]
fn every_weight_gradient_is_exact_on_integers_and_within_the_rounding_bound() {
    for (step, level, name) in steps("weight_gradient") {
        let Operation::WeightGradient(gradient) = step.operation else {
            panic!("{name} is no gradient of weights")
        };
        let scratch = RefCell::new(AlignedVec::default());
        check::weight_gradient(&name, &|dy, x, k, dw| {
            gradient(level, dy, x, k, &mut scratch.borrow_mut(), dw)
        });
    }
}

#[test]
fn every_backward_pass_of_attention_is_within_the_rounding_bound() {
    for (step, level, name) in steps("attention_backward") {
        let Operation::AttentionBackward(attention) = step.operation else {
            panic!("{name} is no backward pass of attention")
        };
        let scratch = RefCell::new(attention_backward::Scratch::default());
        check::attention_backward(&name, |qkv, dy, batch, d_qkv| {
            attention(level, qkv, dy, batch, &mut scratch.borrow_mut(), d_qkv)
        });
    }
}
