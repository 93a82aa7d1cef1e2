//! The exercises of the book: fill a function in, and its test turns green.
//!
//! ```sh
//! cargo test -p minilm-ladder --test exercises -- --ignored chapter_3
//! ```
//!
//! The checks are in `exercise/`, and the solutions in `solutions.rs`.
#![allow(unused_variables, dead_code, reason = "the functions are for the reader to fill in")]

mod check;
mod exercise;

use exercise::{Gemm, Part};
use minilm_kernels::simd::{Kernel, Simd};
use std::ops::Range;

// Chapter 1: the model, counted

/// FLOP of the linear layers and of attention for sentences of these lengths in one batch: all six
/// layers, two FLOP per multiply-add.
fn flop_of_a_batch(lengths: &[u64]) -> u64 {
    todo!("chapter 1")
}

#[test]
#[ignore = "an exercise"]
fn chapter_1_flop_of_a_batch() {
    exercise::flop_of_a_batch(flop_of_a_batch);
}

/// The number of tokens at which the multiply-adds of the linear layers take as long as reading
/// their weights once.
fn tokens_for_arithmetic(flop_per_second: f64, bytes_per_second: f64) -> f64 {
    todo!("chapter 1")
}

#[test]
#[ignore = "an exercise"]
fn chapter_1_tokens_for_arithmetic() {
    exercise::tokens_for_arithmetic(tokens_for_arithmetic);
}

// Chapter 2: memory

/// Panels of `nr` outputs of w `[N, K]`, one panel after the other, k after k; outputs that are
/// missing in the last panel are zero.
fn pack(w: &[f32], k: usize, nr: usize) -> Vec<f32> {
    todo!("chapter 2")
}

#[test]
#[ignore = "an exercise"]
fn chapter_2_pack() {
    exercise::pack(pack);
}

/// Cache lines of 64 bytes that a loop touches that reads one column, and one that reads one row,
/// of a dense matrix of `f32` `[rows, cols]` that starts on a line. `cols` is a multiple of
/// sixteen.
fn lines(rows: usize, cols: usize) -> (usize, usize) {
    todo!("chapter 2")
}

#[test]
#[ignore = "an exercise"]
fn chapter_2_lines() {
    exercise::lines(lines);
}

// Chapter 3: GEMM

/// The tile `(MR, NV)` with the fewest loads per multiply-add, (MR + NV) / (MR·NV), whose MR·NV
/// sums, NV vectors of the panel and one broadcast fit in `registers`.
fn best_tile(registers: usize) -> (usize, usize) {
    todo!("chapter 3")
}

#[test]
#[ignore = "an exercise"]
fn chapter_3_best_tile() {
    exercise::best_tile(best_tile);
}

/// y `[M, N]` = x `[M, K]` · w `[N, K]`ᵀ, with tiles of 2 × 2 sums that stay in local variables
/// over all k.
fn product(x: &[f32], w: &[f32], k: usize, y: &mut [f32]) {
    todo!("chapter 3")
}

#[test]
#[ignore = "an exercise"]
fn chapter_3_product() {
    exercise::product(product);
}

// Chapter 4: SIMD

/// y ← max(a·x + b, 0)
struct Relu<'a> {
    a: f32,
    b: f32,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Relu<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        todo!("chapter 4")
    }
}

#[test]
#[ignore = "an exercise"]
fn chapter_4_kernel() {
    exercise::relu(|level, a, b, x, y| level.run(Relu { a, b, x, y }));
}

/// The index of the first of the largest values. `x` is not empty and has no NaN. (One trip for the
/// value, one for the place.)
struct Largest<'a>(&'a [f32]);

impl Kernel for Largest<'_> {
    type Output = usize;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        todo!("chapter 4")
    }
}

#[test]
#[ignore = "an exercise"]
fn chapter_4_largest() {
    exercise::largest(|level, x| level.run(Largest(x)));
}

// Chapter 5: functions

/// 2ˣ in place for −126 ≤ x ≤ 126, within 4 ULP.
struct Exp2<'a>(&'a mut [f32]);

impl Kernel for Exp2<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        todo!("chapter 5")
    }
}

#[test]
#[ignore = "an exercise"]
fn chapter_5_exp2() {
    exercise::exp2(|level, x| level.run(Exp2(x)));
}

/// max x and Σ exp(x − max x), looking at each value once: when the maximum grows, the sum so far
/// has to shrink.
fn max_and_sum(x: impl Iterator<Item = f32>) -> (f32, f32) {
    todo!("chapter 5")
}

#[test]
#[ignore = "an exercise"]
fn chapter_5_online() {
    exercise::online(|x| max_and_sum(x));
}

// Chapter 6: attention

/// One query's attention over two sets of keys from its attention over each.
fn merge(a: Part, b: Part) -> Part {
    todo!("chapter 6")
}

#[test]
#[ignore = "an exercise"]
fn chapter_6_merge() {
    exercise::merge(merge);
}

/// Which part of all scores is padding, 0 to 1, if sentences of these lengths are padded to the
/// longest.
fn padding(lengths: &[usize]) -> f64 {
    todo!("chapter 6")
}

#[test]
#[ignore = "an exercise"]
fn chapter_6_padding() {
    exercise::padding(padding);
}

// Chapter 7: the same bits

/// Three numbers from 1 to 2 for which (a + b) + c is not a + (b + c).
fn order() -> [f32; 3] {
    todo!("chapter 7")
}

#[test]
#[ignore = "an exercise"]
fn chapter_7_order() {
    exercise::order(order);
}

/// The sum of a row, to the bit as the kernels add: value i to lane i mod 16, then the tree.
fn tree(x: &[f32]) -> f32 {
    todo!("chapter 7")
}

#[test]
#[ignore = "an exercise"]
fn chapter_7_tree() {
    exercise::tree(tree);
}

// Chapter 8: threads

/// The columns of thread `rank` of `size` threads, in whole parts of `part` columns (the last part
/// may be smaller), as evenly as possible.
fn share(columns: usize, part: usize, rank: usize, size: usize) -> Range<usize> {
    todo!("chapter 8")
}

#[test]
#[ignore = "an exercise"]
fn chapter_8_share() {
    exercise::share(share);
}

/// For each thread the batches it computes, given how long each takes: the last thread is done at
/// most a longest batch after the mean.
fn deal(seconds: &[f64], threads: usize) -> Vec<Vec<usize>> {
    todo!("chapter 8")
}

#[test]
#[ignore = "an exercise"]
fn chapter_8_deal() {
    exercise::deal(deal);
}

// Chapter 9: testing

/// Whether `gemm`, y `[M, N]` from x `[M, K]`, w `[N, K]` and K, is a right product. Choose the
/// inputs yourself.
fn is_right(gemm: Gemm) -> bool {
    todo!("chapter 9")
}

#[test]
#[ignore = "an exercise"]
fn chapter_9_check() {
    exercise::is_right(is_right);
}

/// |got − want| in units of the last place of `want`, a normal `f32` or between two of them.
fn ulps(got: f32, want: f64) -> f64 {
    todo!("chapter 9")
}

#[test]
#[ignore = "an exercise"]
fn chapter_9_ulp() {
    exercise::ulps(ulps);
}

// Chapter 10: speed

/// The least time for so many operations and so many bytes.
fn roofline(flop: f64, bytes: f64, flop_per_second: f64, bytes_per_second: f64) -> f64 {
    todo!("chapter 10")
}

#[test]
#[ignore = "an exercise"]
fn chapter_10_roofline() {
    exercise::roofline(roofline);
}

/// How many times as fast the whole becomes if `part` of its time, 0 to 1, becomes `factor` times
/// as fast.
fn rest(part: f64, factor: f64) -> f64 {
    todo!("chapter 10")
}

#[test]
#[ignore = "an exercise"]
fn chapter_10_rest() {
    exercise::rest(rest);
}

// Chapter 16: rounding

/// A row as integers from -127 to 127, ties to even, and what one of them is worth. A row of zeros
/// is zeros.
fn quantise(row: &[f32]) -> (Vec<i8>, f32) {
    todo!("chapter 16")
}

#[test]
#[ignore = "an exercise"]
fn chapter_16_quantise() {
    exercise::quantise(quantise);
}
