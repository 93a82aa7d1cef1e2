//! LayerNorm: within a derived bound of f64, also where the mean is large and the variance small.

mod support;

use minilm_kernels::{Level, layer_norm::layer_norm, naive};
use support::{Random, U, assert_exact, assert_same_bits, assert_within, gamma};

/// Columns: H.
const WIDTHS: [usize; 9] = [
    1, // the variance is 0 and the result beta
    15, 16, 17, // around a vector
    383, 384, 385, // around the row that AVX-512 holds in registers, 24 vectors
    312, // a hidden size of TinyBERT that is no whole number of vectors
    768, // the hidden size of BERT-base
];

const EPSILON: f32 = 1e-12;

struct Case {
    x: Vec<f32>,     // [rows, H]
    gamma: Vec<f32>, // [H]
    beta: Vec<f32>,  // [H]
}

impl Case {
    /// Three rows of `h` values around `mean`, at most `spread` away.
    fn new(h: usize, mean: f32, spread: f32) -> Case {
        let mut random = Random(h as u64);
        let x = random.values(3 * h).into_iter().map(|x| x * spread + mean).collect();
        Case { x, gamma: random.values(h), beta: random.values(h) }
    }

    fn run(&self, level: Level) -> Vec<f32> {
        let mut x = self.x.clone();
        layer_norm(level, &mut x, &self.gamma, &self.beta, EPSILON);
        x
    }

    /// Every row in f64, and how far rounding may take the kernel from it.
    fn truth_and_bound(&self) -> (Vec<f64>, Vec<f64>) {
        let rows = self.x.chunks_exact(self.gamma.len());
        let truth = rows
            .clone()
            .flat_map(|row| naive::layer_norm(row, &self.gamma, &self.beta, EPSILON.into()));
        (truth.collect(), rows.flat_map(|row| self.bound(row)).collect())
    }

    /// Rounding errors of one row.
    ///
    /// - A sum of H values, sixteen at a time, has H/16 + 4 roundings, and the division one: the
    ///   mean is off by δ ≤ γ·Σ|x|/H. That shifts all values by δ and adds δ² to the variance.
    /// - A centred value has one rounding more, its square two of them, the sum H/16 + 4, division
    ///   and ε two: half of that is the relative error of the square root. Root, reciprocal and two
    ///   products have one each, and so has the last addition.
    fn bound(&self, row: &[f32]) -> Vec<f64> {
        let h = row.len();
        let x = || row.iter().map(|&x| f64::from(x));
        let mean = x().sum::<f64>() / h as f64;
        let variance =
            x().map(|x| (x - mean) * (x - mean)).sum::<f64>() / h as f64 + f64::from(EPSILON);
        let delta = gamma(h.div_ceil(16) + 5) * x().map(f64::abs).sum::<f64>() / h as f64;
        let relative = 0.5 * (delta * delta / variance + gamma(h.div_ceil(16) + 8)) + gamma(5);
        let affine = self.gamma.iter().zip(&self.beta);
        let bound = x().zip(affine).map(|(x, (&gamma, &beta))| {
            let scaled = (x - mean).abs() / variance.sqrt() * f64::from(gamma).abs();
            let shift = delta / variance.sqrt() * f64::from(gamma).abs();
            1.01 * (scaled * relative + shift + U * (scaled + f64::from(beta).abs()))
        });
        bound.collect()
    }
}

/// Mean and spread: usual; tiny, near ε; huge; a mean far from 0.
const DATA: [(f32, f32); 5] = [(0.0, 1.0), (0.1, 0.5), (0.0, 1e-6), (0.0, 1e15), (-1e4, 100.0)];

#[test]
fn every_width_is_within_the_rounding_bound_of_f64() {
    for h in WIDTHS {
        for (mean, spread) in DATA {
            let case = Case::new(h, mean, spread);
            let (want, bound) = case.truth_and_bound();
            for level in Level::available() {
                assert_within(
                    &format!("{level} H {h}, {mean} ± {spread}"),
                    h,
                    &case.run(level),
                    &want,
                    &bound,
                );
            }
        }
    }
}

/// The largest error of any value.
fn largest_error(got: &[f32], want: &[f64]) -> f64 {
    got.iter().zip(want).map(|(&got, want)| (f64::from(got) - want).abs()).fold(0.0, f64::max)
}

/// LayerNorm of one row with the variance as E[x²] − E[x]², in f32 as ours.
fn one_pass(x: &[f32], gamma: &[f32], beta: &[f32]) -> Vec<f32> {
    let h = x.len() as f32;
    let (sum, squares) =
        x.iter().fold((0.0, 0.0), |(sum, squares), &x| (sum + x, x.mul_add(x, squares)));
    let mean = sum / h;
    let scale = 1.0 / (squares / h - mean * mean + EPSILON).sqrt();
    x.iter().zip(gamma.iter().zip(beta)).map(|(x, (g, b))| (x - mean) * scale * g + b).collect()
}

#[test]
fn a_large_mean_with_a_small_variance_is_no_cancellation() {
    for h in [384, 312, 768] {
        let case = Case::new(h, 1e4, 1.0);
        let (want, bound) = case.truth_and_bound();
        for level in Level::available() {
            let got = case.run(level);
            assert_within(&format!("{level} H {h}"), h, &got, &want, &bound);
            assert!(
                largest_error(&got, &want) < 5e-3,
                "{level} H {h}: {}",
                largest_error(&got, &want)
            );
        }
        // The data are such that the one-pass formula gives nonsense: x² = 1e8 has an ULP of 8, the
        // variance is 1/3.
        let row = one_pass(&case.x[..h], &case.gamma, &case.beta);
        let error = largest_error(&row, &want[..h]);
        assert!(
            error.is_nan() || error > 0.1 || row.iter().any(|y| y.is_nan()),
            "H {h}: one pass errs by {error} only"
        );
    }
}

#[test]
fn a_constant_row_gives_beta() {
    for h in WIDTHS {
        let mut case = Case::new(h, 0.0, 1.0);
        // Small integers: their sum and mean are exact, so the centred values are exactly 0.
        for (row, value) in case.x.chunks_exact_mut(h).zip([0.0, 1.0, -3.0]) {
            row.fill(value);
        }
        let want: Vec<f64> = case.beta.iter().cycle().take(3 * h).map(|&b| b.into()).collect();
        for level in Level::available() {
            assert_exact(&format!("{level} H {h}"), h, &case.run(level), &want);
        }
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    for h in WIDTHS {
        for (mean, spread) in DATA.into_iter().chain([(1e4, 1.0), (0.0, f32::MAX)]) {
            let case = Case::new(h, mean, spread);
            let want = case.run(Level::PORTABLE);
            for level in Level::available() {
                assert_same_bits(
                    &format!("{level} H {h}, {mean} ± {spread}"),
                    h,
                    &case.run(level),
                    &want,
                );
            }
        }
    }
}

#[test]
fn a_row_alone_has_the_bits_of_the_row_in_any_batch() {
    for h in WIDTHS {
        let case = Case::new(h, 0.1, 1.0);
        for level in Level::available() {
            let mut alone = case.x.clone();
            for row in alone.chunks_exact_mut(h) {
                layer_norm(level, row, &case.gamma, &case.beta, EPSILON);
            }
            assert_same_bits(&format!("{level} H {h}"), h, &case.run(level), &alone);
        }
    }
}

#[test]
fn a_nan_makes_its_own_row_nan_and_no_other() {
    for h in WIDTHS {
        let mut case = Case::new(h, 0.0, 1.0);
        case.x[2 * h - 1] = f32::NAN;
        for level in Level::available() {
            let got = case.run(level);
            assert!(got[h..2 * h].iter().all(|y| y.is_nan()), "{level} H {h}");
            assert!(got[..h].iter().chain(&got[2 * h..]).all(|y| y.is_finite()), "{level} H {h}");
        }
    }
}

#[test]
#[should_panic(expected = "gamma and beta differ in length")]
fn parameters_of_different_lengths_are_refused() {
    layer_norm(Level::detect(), &mut [0.0; 4], &[1.0; 2], &[0.0; 3], EPSILON);
}
