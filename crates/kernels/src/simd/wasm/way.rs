//! The ways to multiply and add, one for each level of WebAssembly.
//!
//! In the book: `docs/04-simd.md`.

use super::Wasm;
use crate::{
    simd::{Kernel, Simd},
    tiles::{self, Tiles},
};
use std::{arch::wasm32::*, hash::Hash};

#[cfg(not(feature = "relaxed-simd"))]
use crate::simd::fma;
#[cfg(feature = "relaxed-simd")]
use crate::simd::integers::relaxed_dot::{Dot, Signed, Unsigned};

/// A way to multiply and add.
pub trait Way: Copy + Eq + Hash + 'static {
    /// The tiles: those of the level.
    type Tiles: Tiles;
    /// Whether [`Level::available`](crate::Level::available) has it.
    fn detect() -> bool;
    /// `a · b + c`
    fn mul_add(a: v128, b: v128, c: v128) -> v128;
    /// Runs `kernel` with the fastest integer products of the engine.
    #[inline(always)]
    fn vectorize_integers<K: Kernel>(isa: Wasm<Self>, kernel: K) -> K::Output {
        Self::vectorize(isa, kernel)
    }
    /// Runs `kernel` in a function that has the instructions.
    #[inline(always)]
    fn vectorize<K: Kernel>(isa: Wasm<Self>, kernel: K) -> K::Output {
        #[inline(never)] // so that a kernel within a kernel has its own registers and constants
        fn run<S: Simd, K: Kernel>(isa: S, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        run(isa, kernel)
    }
}

/// One instruction, which rounds once where it is detected.
#[cfg(feature = "relaxed-simd")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelaxedMadd {}

#[cfg(feature = "relaxed-simd")]
impl Way for RelaxedMadd {
    type Tiles = tiles::Relaxed;

    /// (1 + ε)² − (1 + 2ε) is ε² if the product is not rounded, and 0 if it is.
    fn detect() -> bool {
        // The compiler must not compute it: it would round once.
        let [a, c] = std::hint::black_box([1.0 + f32::EPSILON, -1.0 - 2.0 * f32::EPSILON]);
        let fused = Self::mul_add(f32x4_splat(a), f32x4_splat(a), f32x4_splat(c));
        u32x4_bitmask(f32x4_eq(fused, f32x4_splat(f32::EPSILON * f32::EPSILON))) == 0b1111
    }

    #[inline(always)]
    fn mul_add(a: v128, b: v128, c: v128) -> v128 {
        f32x4_relaxed_madd(a, b, c)
    }

    #[inline(always)]
    fn vectorize_integers<K: Kernel>(isa: Wasm<Self>, kernel: K) -> K::Output {
        if let Some(second) = Dot::<Unsigned>::detect(isa) {
            second.vectorize(kernel)
        } else if let Some(second) = Dot::<Signed>::detect(isa) {
            second.vectorize(kernel)
        } else {
            Self::vectorize(isa, kernel)
        }
    }

    #[inline(always)]
    fn vectorize<K: Kernel>(isa: Wasm<Self>, kernel: K) -> K::Output {
        #[inline(never)]
        #[target_feature(enable = "relaxed-simd")]
        fn run<K: Kernel>(isa: Wasm<RelaxedMadd>, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        run(isa, kernel)
    }
}

/// One rounding, by arithmetic on `f64`.
#[cfg(not(feature = "relaxed-simd"))]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exact {}

#[cfg(not(feature = "relaxed-simd"))]
impl Way for Exact {
    type Tiles = tiles::Simd128;

    fn detect() -> bool {
        true
    }

    #[inline(always)]
    fn mul_add(a: v128, b: v128, c: v128) -> v128 {
        #[inline(always)]
        fn high(v: v128) -> v128 {
            f64x2_promote_low_f32x4(i64x2_shuffle::<1, 1>(v, v))
        }
        #[inline(always)]
        fn sum(a: v128, b: v128, c: v128) -> v128 {
            f64x2_add(f64x2_mul(a, b), c)
        }
        /// All ones where a sum is a midpoint of two f32 if it is exact: see `fma.rs`.
        #[inline(always)]
        fn midpoint(sum: v128) -> v128 {
            i64x2_eq(v128_and(sum, i64x2_splat(0x1fff_ffff)), i64x2_splat(0x1000_0000))
        }
        let low = {
            let [a, b, c] = [a, b, c].map(|v| f64x2_promote_low_f32x4(v));
            sum(a, b, c)
        };
        let high = {
            let [a, b, c] = [a, b, c].map(high);
            sum(a, b, c)
        };
        let rounded =
            i64x2_shuffle::<0, 2>(f32x4_demote_f64x2_zero(low), f32x4_demote_f64x2_zero(high));
        let small = f32x4_le(f32x4_abs(rounded), f32x4_splat(f32::MIN_POSITIVE));
        let doubt = v128_or(v128_or(midpoint(low), midpoint(high)), small);
        if v128_any_true(doubt) { by_odd(a, b, c) } else { rounded }
    }
}

/// Four lanes, in the way that is right for each.
#[cfg(not(feature = "relaxed-simd"))]
#[cold]
#[inline(never)]
fn by_odd(a: v128, b: v128, c: v128) -> v128 {
    let lanes = |v| {
        [
            f32x4_extract_lane::<0>(v),
            f32x4_extract_lane::<1>(v),
            f32x4_extract_lane::<2>(v),
            f32x4_extract_lane::<3>(v),
        ]
    };
    let [a, b, c] = [a, b, c].map(lanes);
    let lane = |i: usize| fma::by_odd(a[i], b[i], c[i]);
    f32x4(lane(0), lane(1), lane(2), lane(3))
}

/// Two roundings.
#[cfg(not(feature = "relaxed-simd"))]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unfused {}

#[cfg(not(feature = "relaxed-simd"))]
impl Way for Unfused {
    type Tiles = tiles::Unfused;

    /// It has other bits, so it has to be named.
    fn detect() -> bool {
        false
    }

    #[inline(always)]
    fn mul_add(a: v128, b: v128, c: v128) -> v128 {
        f32x4_add(f32x4_mul(a, b), c)
    }
}
