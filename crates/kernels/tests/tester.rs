//! The tester tested: comparisons that accept the right result must refuse every wrong one.

mod support;

use minilm_kernels::{Level, Linear, naive};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
};
use support::{Random, assert_exact, assert_same_bits, assert_within, linear_bound, sweep, ulps};

const M: usize = 4;
const N: usize = 18;
const K: usize = 200;

struct Problem {
    x: Vec<f32>,      // [M, K]
    weight: Vec<f32>, // [N, K]
    bias: Vec<f32>,   // [N]
}

impl Problem {
    fn integers() -> Problem {
        let mut random = Random(3);
        Problem {
            x: random.integers(M * K),
            weight: random.integers(N * K),
            bias: random.integers(N),
        }
    }

    fn random() -> Problem {
        let mut random = Random(4);
        Problem { x: random.values(M * K), weight: random.values(N * K), bias: random.values(N) }
    }

    fn right(&self) -> Vec<f32> {
        let mut y = vec![0.0; M * N];
        let linear = Linear::pack(Level::detect(), &self.weight, N).with_bias(&self.bias);
        linear.forward(&self.x, &mut y);
        y
    }

    /// The results of kernels with the usual mistakes.
    fn wrong(&self) -> Vec<(&'static str, Vec<f32>)> {
        let right = self.right();
        let changed = |change: fn(&mut Vec<f32>)| {
            let mut y = right.clone();
            change(&mut y);
            y
        };
        let last_k_skipped = {
            let mut x = self.x.clone();
            x.chunks_exact_mut(K).for_each(|row| row[K - 1] = 0.0);
            Problem { x, weight: self.weight.clone(), bias: self.bias.clone() }.right()
        };
        let no_bias =
            Problem { x: self.x.clone(), weight: self.weight.clone(), bias: vec![0.0; N] }.right();
        vec![
            ("all zeros", vec![0.0; M * N]),
            ("nothing written", vec![f32::NAN; M * N]),
            ("last k skipped", last_k_skipped),
            ("no bias", no_bias),
            ("two rows swapped", changed(|y| (0..N).for_each(|j| y.swap(N + j, 2 * N + j)))),
            ("one row shifted by a column", changed(|y| y[3 * N..].rotate_left(1))),
            ("all columns shifted", changed(|y| y.rotate_right(1))),
            ("last column left out", changed(|y| y[N - 1] = 0.0)),
            ("one NaN", changed(|y| y[N + 5] = f32::NAN)),
            ("one infinity", changed(|y| y[N + 5] = f32::INFINITY)),
            ("one sign", changed(|y| y[M * N - 1] = -y[M * N - 1])),
            ("last value missing", changed(|y| y.truncate(M * N - 1))),
        ]
    }
}

/// The message of the panic, if `comparison` refuses.
fn refusal(comparison: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(comparison)).err()?;
    Some(*panic.downcast::<String>().expect("the message of a formatted panic"))
}

#[test]
fn exact_comparison_accepts_the_right_result_and_no_wrong_one() {
    let p = Problem::integers();
    let want = naive::linear(&p.x, &p.weight, &p.bias);
    assert_exact("right", N, &p.right(), &want);
    for (name, wrong) in p.wrong() {
        assert!(refusal(|| assert_exact(name, N, &wrong, &want)).is_some(), "{name} passed");
    }
}

#[test]
fn comparison_within_the_rounding_bound_accepts_the_right_result_and_no_wrong_one() {
    let p = Problem::random();
    let want = naive::linear(&p.x, &p.weight, &p.bias);
    let bound = linear_bound(&p.x, &p.weight, &p.bias);
    assert_within("right", N, &p.right(), &want, &bound);
    for (name, wrong) in p.wrong() {
        assert!(
            refusal(|| assert_within(name, N, &wrong, &want, &bound)).is_some(),
            "{name} passed"
        );
    }
}

#[test]
fn comparison_of_bits_accepts_the_right_result_and_no_wrong_one() {
    let p = Problem::random();
    let want = p.right();
    assert_same_bits("right", N, &p.right(), &want);
    let mut wrong = p.wrong();
    wrong.push((
        "one last bit",
        want.iter().enumerate().map(|(i, y)| if i == 40 { y.next_up() } else { *y }).collect(),
    ));
    wrong.push(("signs of zero", vec![-0.0; M * N]));
    for (name, wrong) in wrong {
        assert!(refusal(|| assert_same_bits(name, N, &wrong, &want)).is_some(), "{name} passed");
    }
    assert!(refusal(|| assert_same_bits("zeros", 1, &[-0.0], &[0.0])).is_some());
}

#[test]
fn a_refusal_names_the_first_mismatch_with_its_coordinates_and_both_values() {
    let (got, want) = ([0.0, 1.0, 2.0, 3.5, 4.0, 9.0], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let message = refusal(|| assert_exact("case", 2, &got, &want)).expect("3.5 is not 3");
    assert_eq!(message, "case: row 1 column 1: got 3.5e0, want exactly 3e0");

    let message =
        refusal(|| assert_within("case", 2, &got, &want, &[0.25; 6])).expect("3.5 is not 3 ± 0.25");
    assert_eq!(message, "case: row 1 column 1: got 3.5e0, want 3e0: error 5e-1, bound 2.5e-1");

    let want = want.map(|x| x as f32);
    let message = refusal(|| assert_same_bits("case", 2, &got, &want)).expect("3.5 is not 3");
    assert_eq!(message, "case: row 1 column 1: got 3.5e0 (40600000), want 3e0 (40400000)");
}

#[test]
fn ulps_count_from_one_float_to_the_next() {
    for x in [1.0, 1.5, -3.0, f32::MIN_POSITIVE, 1e-40, 0.0, 2e38] {
        assert_eq!(ulps(x, x.into()), 0.0, "{x:e}");
        assert_eq!(ulps(x.next_up(), x.into()), 1.0, "{x:e}");
    }
    assert_eq!(ulps(1.0, 1.0 + 2f64.powi(-24)), 0.5, "the truth may lie between two floats");
    assert_eq!(ulps(f32::INFINITY, f32::MAX.into()), 1.0);
    assert_eq!(ulps(f32::INFINITY, 1e300), 0.0);
    assert!(ulps(1e38, 1e300) > 1e6);
    assert_eq!(ulps(f32::NAN, f64::NAN), 0.0);
    assert_eq!((ulps(f32::NAN, 1.0), ulps(1.0, f64::NAN)), (f64::INFINITY, f64::INFINITY));
}

#[test]
fn a_sweep_finds_the_one_wrong_float_wherever_it_is() {
    // The ends, the ends of the first block of 2¹⁶, and somewhere.
    let range = 0x3f80_0001..=0x3f84_1234;
    for bad in [0x3f80_0001, 0x3f81_0000, 0x3f81_0001, 0x3f82_3456, 0x3f84_1234_u32] {
        for wrong in [f32::NAN, f32::from_bits(bad).next_up()] {
            let identity_but_for_one = |x: &mut [f32]| {
                x.iter_mut().filter(|x| x.to_bits() == bad).for_each(|x| *x = wrong)
            };
            for error in [|x: f32, y: f32| ulps(y, x.into()), |x, y| f64::from(y - x).abs()] {
                let (worst, at) = sweep(range.clone(), identity_but_for_one, error);
                assert!(worst > 0.0, "{bad:08x} was missed");
                assert_eq!(at.to_bits(), bad);
            }
        }
    }
}

#[test]
fn a_sweep_ends_after_the_last_float() {
    let count = AtomicU64::new(0);
    let counting = |x: &mut [f32]| {
        count.fetch_add(x.len() as u64, Ordering::Relaxed);
    };
    sweep(u32::MAX - 70_000..=u32::MAX, counting, |_, _| 0.0);
    assert_eq!(count.into_inner(), 70_001);
}
