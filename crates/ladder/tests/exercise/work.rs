//! Chapters 1 and 8 to 10: counting, dealing, testing, limits.

use super::close;
use minilm_ladder::gemm;
use std::ops::Range;

pub fn flop_of_a_batch(flop: fn(&[u64]) -> u64) {
    assert_eq!(flop(&[]), 0);
    assert_eq!(flop(&[1]), 2 * 6 * (1_769_472 + 768));
    assert_eq!(flop(&[8, 16]), 2 * 6 * (24 * 1_769_472 + 768 * (8 * 8 + 16 * 16)));
}

pub fn tokens_for_arithmetic(tokens: fn(f64, f64) -> f64) {
    close("100 GFLOP/s and 25 GB/s", tokens(100e9, 25e9), 8.0);
    close("1 TFLOP/s and 20 GB/s", tokens(1e12, 20e9), 100.0);
}

pub fn share(share: fn(usize, usize, usize, usize) -> Range<usize>) {
    for (columns, part, size) in
        [(384, 96, 2), (384, 96, 3), (384, 96, 5), (100, 96, 2), (1000, 7, 4), (1, 96, 1)]
    {
        let shares: Vec<Range<usize>> =
            (0..size).map(|rank| share(columns, part, rank, size)).collect();
        let case = format!("{columns} columns in parts of {part} for {size}: {shares:?}");
        let mut end = 0;
        for range in shares.iter().filter(|range| !range.is_empty()) {
            assert_eq!(range.start, end, "{case}");
            assert!(range.end == columns || range.end.is_multiple_of(part), "{case}");
            end = range.end;
        }
        assert_eq!(end, columns, "{case}");
        let parts = shares.iter().map(|range| range.len().div_ceil(part));
        assert!(parts.clone().max() <= parts.min().map(|least| least + 1), "{case}");
    }
}

pub fn deal(deal: fn(&[f64], usize) -> Vec<Vec<usize>>) {
    let mixed: Vec<f64> = (0..23).map(|i| 1.0 + f64::from(i * 7 % 11)).collect();
    for (seconds, threads) in
        [(mixed, 3), (vec![1.0; 7], 2), (vec![5.0, 1.0, 1.0, 1.0, 1.0, 1.0], 2), (vec![2.0], 4)]
    {
        let dealt = deal(&seconds, threads);
        assert_eq!(dealt.len(), threads, "a list for each thread");
        let mut all: Vec<usize> = dealt.concat();
        all.sort_unstable();
        assert_eq!(all, (0..seconds.len()).collect::<Vec<_>>(), "each batch once");
        let load = |batches: &Vec<usize>| batches.iter().map(|&batch| seconds[batch]).sum::<f64>();
        let last = dealt.iter().map(load).fold(0.0, f64::max);
        let mean = seconds.iter().sum::<f64>() / threads as f64;
        let longest = seconds.iter().copied().fold(0.0, f64::max);
        assert!(
            last <= mean + longest + 1e-9,
            "{dealt:?}: the last is done after {last}, the mean is {mean}"
        );
    }
}

/// y `[M, N]` = x `[M, K]` · w `[N, K]`ᵀ: x, w, K, y.
pub type Gemm = fn(&[f32], &[f32], usize, &mut [f32]);

fn right(x: &[f32], w: &[f32], k: usize, y: &mut [f32]) {
    gemm::naive::linear(minilm_kernels::Level::PORTABLE, w, k)(x, y);
}

/// The same, its sums from the last k to the first.
fn backwards(x: &[f32], w: &[f32], k: usize, y: &mut [f32]) {
    let reversed =
        |rows: &[f32]| rows.chunks(k).flat_map(|row| row.iter().rev().copied()).collect::<Vec<_>>();
    right(&reversed(x), &reversed(w), k, y);
}

const WRONG: [(&str, Gemm); 8] = [
    ("zeros", |_, _, _, y| y.fill(0.0)),
    ("nothing written", |_, _, _, _| {}),
    ("the last k skipped", |x, w, k, y| {
        let mut w = w.to_vec();
        w.chunks_mut(k).for_each(|row| row[k - 1] = 0.0);
        right(x, &w, k, y);
    }),
    ("the first row and the last swapped", |x, w, k, y| {
        right(x, w, k, y);
        let (n, last) = (w.len() / k, y.len().saturating_sub(w.len() / k));
        (0..n.min(last)).for_each(|j| y.swap(j, last + j));
    }),
    ("shifted by a column", |x, w, k, y| {
        right(x, w, k, y);
        y.rotate_right(1.min(y.len()));
    }),
    ("a NaN at the end", |x, w, k, y| {
        right(x, w, k, y);
        y.iter_mut().rev().take(1).for_each(|y| *y = f32::NAN);
    }),
    ("added to the old y", |x, w, k, y| {
        let old = y.to_vec();
        right(x, w, k, y);
        y.iter_mut().zip(old).for_each(|(y, old)| *y += old);
    }),
    ("a thousandth off", |x, w, k, y| {
        right(x, w, k, y);
        y.iter_mut().for_each(|y| *y *= 1.001);
    }),
];

pub fn is_right(is_right: fn(Gemm) -> bool) {
    assert!(is_right(right), "a right product is refused");
    assert!(is_right(backwards), "a right product with another order of additions is refused");
    for (name, gemm) in WRONG {
        assert!(!is_right(gemm), "{name}: accepted");
    }
}

pub fn ulps(ulps: fn(f32, f64) -> f64) {
    close(
        "from below 1 to above",
        ulps(1.0 + f32::EPSILON, 1.0 - 0.5 * f64::from(f32::EPSILON)),
        3.0,
    );
    close("1 above 2", ulps(2.0f32.next_up(), 2.0), 1.0);
    close("a quarter of one above", ulps(1000.0, 1000.0 - 2f64.powi(-16)), 0.25);
    close("a negative one", ulps(-3.0, -3.0 - 2f64.powi(-22)), 1.0);
    close("none", ulps(0.1, f64::from(0.1f32)), 0.0);
}

pub fn roofline(roofline: fn(f64, f64, f64, f64) -> f64) {
    close("arithmetic", roofline(1e9, 1e6, 100e9, 20e9), 0.01);
    close("memory", roofline(1e6, 1e9, 100e9, 20e9), 0.05);
}

pub fn rest(rest: fn(f64, f64) -> f64) {
    close("half of the time, twice as fast", rest(0.5, 2.0), 1.0 / 0.75);
    close("95 %, without end", rest(0.95, 1e15), 20.0);
    close("nothing", rest(0.0, 7.0), 1.0);
}
