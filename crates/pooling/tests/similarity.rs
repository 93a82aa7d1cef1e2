//! Similarities and the norm at their edges: zeros, very small and very large numbers.

use minilm_pooling::{
    normalize,
    similarity::{cosine, dot, euclidean, manhattan},
};

type Score = fn(&[f32], &[f32]) -> f32;

const SCORES: [(&str, Score); 4] = [
    ("cosine", |a, b| cosine(a, b)),
    ("dot", |a, b| dot(a, b)),
    ("euclidean", |a, b| euclidean(a, b)),
    ("manhattan", |a, b| manhattan(a, b)),
];

#[test]
fn scores_are_those_of_the_formulas() {
    let (a, b) = ([1.0, 2.0, 2.0], [4.0, -2.0, 2.0]); // lengths 3 and √24, a·b = 4
    let want = [4.0 / (3.0 * 24f64.sqrt()), 4.0, -5.0, -7.0];
    for ((name, score), want) in SCORES.into_iter().zip(want) {
        assert_eq!(score(&a, &b), want as f32, "{name}");
    }
}

#[test]
fn the_order_of_the_two_vectors_does_not_change_a_bit() {
    let a: Vec<f32> = (0..100).map(|i| (i as f32 * 0.37).sin()).collect();
    let b: Vec<f32> = (0..100).map(|i| (i as f32 * 0.91).cos()).collect();
    for (name, score) in SCORES {
        assert_eq!(score(&a, &b).to_bits(), score(&b, &a).to_bits(), "{name}");
    }
}

#[test]
fn cosines_of_parallel_vectors_are_one_at_every_length_down_to_the_floor() {
    for scale in [1.0, 1e-12, 1e30, f32::MAX / 4.0] {
        let (a, b) = ([3.0 * scale, -scale], [3.0, -1.0]);
        assert_eq!(cosine(&a, &b), 1.0, "{scale:e}");
        assert_eq!(cosine(&a, &[-3.0, 1.0]), -1.0, "{scale:e}");
    }
}

#[test]
fn a_length_below_the_floor_counts_as_the_floor() {
    // Length 1e-20 counts as 1e-12, so what is left of a cosine of 1 is 1e-8.
    let got = cosine(&[1e-20, 0.0], &[2.0, 0.0]);
    assert!((got / 1e-8 - 1.0).abs() < 1e-6, "{got:e}");
    assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), 0.0, "a zero vector is like nothing");
    assert_eq!(cosine(&[0.0], &[0.0]), 0.0, "not even like itself");
}

#[test]
fn distances_to_itself_are_zero_and_the_highest() {
    let (a, b) = ([0.1, -0.7, 1e-30], [0.1, -0.7, 2e-30]);
    for score in [euclidean as fn(_, _) -> f32, manhattan] {
        assert_eq!(score(&a, &a), 0.0);
        assert!(score(&a, &b) < 0.0, "f64 sees a difference of 1e-30");
    }
}

#[test]
fn sums_keep_what_f32_would_lose() {
    let (a, ones) = ([1e8, 1.0, -1e8], [1.0; 3]);
    assert_eq!(dot(&a, &ones), 1.0);
    let large = 2f32.powi(80); // its square overflows f32
    assert_eq!(euclidean(&[3.0 * large, 0.0], &[0.0, 4.0 * large]), -5.0 * large);
}

#[test]
fn a_result_that_f32_cannot_hold_is_infinite() {
    assert_eq!(dot(&[3e38], &[3e38]), f32::INFINITY);
    assert_eq!(manhattan(&[3e38, 3e38], &[0.0, 0.0]), f32::NEG_INFINITY);
}

#[test]
fn vectors_of_no_numbers_have_a_score() {
    for (name, score) in SCORES {
        assert_eq!(score(&[], &[]), 0.0, "{name}");
    }
}

#[test]
fn vectors_of_different_length_are_refused() {
    for (name, score) in SCORES {
        for (a, b) in [(&[1.0, 2.0][..], &[1.0][..]), (&[1.0], &[1.0, 2.0]), (&[], &[1.0])] {
            let refused = std::panic::catch_unwind(|| score(a, b)).unwrap_err();
            let message = refused.downcast_ref::<&str>().copied().unwrap_or_default();
            assert_eq!(message, "the vectors differ in length", "{name} of {a:?} and {b:?}");
        }
    }
}

#[test]
fn normalised_vectors_have_length_one_or_are_shorter_than_the_floor() {
    for (v, want) in [
        ([3.0, -4.0], [0.6, -0.8]),
        ([3e38, 3e38], [0.5f64.sqrt() as f32; 2]),
        ([3e-11, 4e-11], [0.6, 0.8]),
        ([1e-20, 0.0], [1e-8, 0.0]), // divided by 1e-12
        ([0.0, -0.0], [0.0, -0.0]),
    ] {
        let mut got = v;
        normalize(&mut got);
        for (got, want) in got.into_iter().zip(want) {
            assert!((got - want).abs() <= 1e-7 * want.abs(), "{v:?}: {got:e}, not {want:e}");
        }
    }
    normalize(&mut []);
}
