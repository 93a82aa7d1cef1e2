//! Support for the tests: random inputs, comparisons that name the first mismatch, and error
//! measures.
#![allow(dead_code, reason = "every test file uses its own part")]

pub mod linear;

use minilm_kernels::gemm::KC;
pub use minilm_testing::Random;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

/// Half the distance from 1 to the next `f32`: the largest relative error of one rounding.
pub const U: f64 = 1.0 / (1u64 << 24) as f64;

/// The largest relative error of `n` roundings in a row: (1 + u)ⁿ − 1 ≤ n·u / (1 − n·u).
pub fn gamma(n: usize) -> f64 {
    n as f64 * U / (1.0 - n as f64 * U)
}

/// Every value of `got` `[.., cols]` equals that of `want`.
pub fn assert_exact(name: &str, cols: usize, got: &[f32], want: &[f64]) {
    compare(name, cols, (got.len(), want.len()), |i| {
        (f64::from(got[i]) != want[i])
            .then(|| format!("got {:e}, want exactly {:e}", got[i], want[i]))
    });
}

/// Every value of `got` `[.., cols]` is at most `bound` from that of `want`.
pub fn assert_within(name: &str, cols: usize, got: &[f32], want: &[f64], bound: &[f64]) {
    assert_eq!(want.len(), bound.len(), "{name}: values and bounds");
    compare(name, cols, (got.len(), want.len()), |i| {
        let error = (f64::from(got[i]) - want[i]).abs();
        // A NaN is within no bound.
        let within = error <= bound[i];
        (!within).then(|| {
            format!("got {:e}, want {:e}: error {error:e}, bound {:e}", got[i], want[i], bound[i])
        })
    });
}

/// Every value of `got` `[.., cols]` has the bits of that of `want`, or both are NaN.
pub fn assert_same_bits(name: &str, cols: usize, got: &[f32], want: &[f32]) {
    compare(name, cols, (got.len(), want.len()), |i| {
        let (got, want) = (got[i], want[i]);
        let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
        (!same).then(|| {
            format!("got {got:e} ({:08x}), want {want:e} ({:08x})", got.to_bits(), want.to_bits())
        })
    });
}

/// Panics at the first index for which `mismatch` says something.
fn compare(
    name: &str,
    cols: usize,
    (got, want): (usize, usize),
    mismatch: impl Fn(usize) -> Option<String>,
) {
    assert_eq!(got, want, "{name}: number of values got and wanted");
    if let Some((i, what)) = (0..got).find_map(|i| Some((i, mismatch(i)?))) {
        panic!("{name}: row {} column {}: {what}", i / cols, i % cols);
    }
}

/// The rounding error that a linear layer may have: γₙ·(Σ|x·w| + |b|) for each output.
///
/// A term goes through at most KC multiply-adds of its chain, then one addition for each further
/// chain, then the bias.
pub fn linear_bound(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let k = weight.len() / bias.len();
    let roundings = k.min(KC) + (k.div_ceil(KC) - 1) + 1;
    let abs = |v: &[f32]| v.iter().map(|v| v.abs()).collect::<Vec<_>>();
    let magnitude = minilm_kernels::naive::linear(&abs(x), &abs(weight), &abs(bias));
    magnitude.into_iter().map(|m| gamma(roundings) * m).collect()
}

/// The distance between neighbouring `f32` at `x`, which may lie between them or beyond the last.
pub fn ulp(x: f64) -> f64 {
    let x = x.abs().clamp(f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX));
    let exponent = (x.to_bits() >> 52) as i32 - 1023;
    2f64.powi(exponent - 23)
}

/// The error of `got` in units of the last place of `want`; infinite if just one of them is NaN.
///
/// An infinity counts as 2¹²⁸, the value it would have if `f32` had one more exponent.
pub fn ulps(got: f32, want: f64) -> f64 {
    if got.is_nan() || want.is_nan() {
        return if got.is_nan() && want.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let end = 2f64.powi(128);
    (f64::from(got).clamp(-end, end) - want.clamp(-end, end)).abs() / ulp(want)
}

/// Floats at which something changes: zeros, subnormals, the ends of the range, infinities, NaN.
pub fn specials() -> Vec<f32> {
    let smallest = f32::from_bits(1);
    let largest_subnormal = f32::from_bits(0x007f_ffff);
    let positive = [
        0.0,
        smallest,
        2.0 * smallest,
        largest_subnormal,
        f32::MIN_POSITIVE,
        f32::EPSILON,
        0.5,
        1.0,
        1.5,
        2.5,
        1e4,
        8_388_609.0,
        f32::MAX,
        f32::INFINITY,
        f32::NAN,
    ];
    positive.into_iter().flat_map(|x| [x, -x]).collect()
}

/// A million floats: every 4099th bit pattern (so every exponent, both signs, subnormals and NaN),
/// then the specials.
pub fn dense_sample() -> Vec<f32> {
    let patterns = (0..=u32::MAX).step_by(4099).map(f32::from_bits); // 4099 is prime
    patterns.chain(specials()).collect()
}

/// Runs `function` on every float whose bits are in `range`, on all cores: the largest error and
/// its input.
pub fn sweep(
    range: RangeInclusive<u32>,
    function: impl Fn(&mut [f32]) + Sync,
    error: impl Fn(f32, f32) -> f64 + Sync, // of an input and its result
) -> (f64, f32) {
    const BLOCK: u64 = 1 << 16;
    let next = AtomicU64::new(u64::from(*range.start()));
    let end = u64::from(*range.end()) + 1;
    let worst_of_blocks = || {
        let mut worst = (0.0, f32::from_bits(*range.start()));
        loop {
            let start = next.fetch_add(BLOCK, Ordering::Relaxed);
            if start >= end {
                return worst;
            }
            let inputs: Vec<f32> =
                (start..end.min(start + BLOCK)).map(|bits| f32::from_bits(bits as u32)).collect();
            let mut results = inputs.clone();
            function(&mut results);
            for (&x, &y) in inputs.iter().zip(&results) {
                let error = error(x, y);
                // Every comparison with NaN is false, and it is the worst error of all.
                let error = if error.is_nan() { f64::INFINITY } else { error };
                if error > worst.0 {
                    worst = (error, x);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(worst_of_blocks)).collect();
        let worst =
            threads.into_iter().map(|thread| thread.join().expect("a sweeping thread panicked"));
        worst.max_by(|a, b| a.0.total_cmp(&b.0)).expect("at least one thread")
    })
}

/// The output for `cargo xtask errors`: a line of its own, whatever the test harness has printed
/// before.
pub fn worst_line(function: &str, range: &str, unit: &str, error: f64, x: f32) -> String {
    format!("\nworst | {function} | {range} | {unit} | {error:.5e} | {:08x}", x.to_bits())
}
