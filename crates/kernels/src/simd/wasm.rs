//! Sixteen lanes in four `v128` of WebAssembly: lanes 0–3 in the first, 12–15 in the last.
//!
//! Plain `simd128` has no fused multiply-add. The proposal *relaxed SIMD* has one that an engine
//! may round once or twice, as its CPU does, but always in the same way. So there are three ways to
//! multiply and add, and a level for each:
//!
//! | level | `a · b + c` | bits |
//! |---|---|---|
//! | `relaxed` | `f32x4.relaxed_madd`, if [`Way::detect`] finds that it rounds once | canonical |
//! | `simd128` | one rounding, by arithmetic on `f64` as in `fma.rs`: exact and slow | canonical |
//! | `unfused` | `a · b`, rounded, then `+ c`: fast | others |
//!
//! `unfused` is never chosen by [`Level::detect`](crate::Level::detect) and not among
//! [`Level::available`](crate::Level::available); it has to be named. An engine refuses a whole
//! module that holds one instruction which it does not know. So a module is compiled either with
//! the first level or with the other two, and what loads it chooses.
//!
//! The feature `relaxed-simd` of this crate is for the first. There is nothing else to detect at
//! run time but the rounding: an engine without `simd128` refuses the module.
//!
//! In the book: `docs/04-simd.md`.

#[cfg(not(feature = "relaxed-simd"))]
use super::fma;
#[cfg(feature = "relaxed-simd")]
use super::integers::relaxed_dot::{Dot, Signed, Unsigned};
use super::{Kernel, LANES, Simd};
use crate::tiles::{self, Tiles, sealed::Sealed};
use std::{arch::wasm32::*, hash::Hash, marker::PhantomData};

/// Proof that the engine has `simd128`, and multiplies and adds in this way.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wasm<W>(PhantomData<W>);

/// Of the level `relaxed`, under the names that the table of levels expects.
#[cfg(feature = "relaxed-simd")]
pub mod relaxed {
    pub type Relaxed = super::Wasm<super::RelaxedMadd>;
}

/// Of the level `simd128`.
#[cfg(not(feature = "relaxed-simd"))]
pub mod simd128 {
    pub type Simd128 = super::Wasm<super::Exact>;
}

/// Of the level `unfused`.
#[cfg(not(feature = "relaxed-simd"))]
pub mod unfused {
    pub type Unfused = super::Wasm<super::Unfused>;
}

impl<W: Way> Wasm<W> {
    /// The proof, if the engine rounds as the level asks.
    pub fn detect() -> Option<Wasm<W>> {
        W::detect().then_some(Wasm(PhantomData))
    }
}

#[cfg(not(feature = "relaxed-simd"))]
impl Wasm<Unfused> {
    /// The proof that there is nothing to prove.
    pub const NAMED: Wasm<Unfused> = Wasm(PhantomData);
}

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

/// Four registers.
type V = [v128; 4];

/// Methods that do the same expression of intrinsics to all four registers.
macro_rules! operations {
    ($($name:ident($($arg:ident),*) = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: V),*) -> V {
            let operation = |i: usize| { $(let $arg = $arg[i];)* $body };
            [operation(0), operation(1), operation(2), operation(3)]
        }
    )*};
}
pub(super) use operations;

impl<W> Sealed for Wasm<W> {}

impl<W: Way> Simd for Wasm<W> {
    type F32x16 = V;
    type Tiles = W::Tiles;

    const ROUNDS: bool = false;

    operations! {
        add(a, b) = f32x4_add(a, b);
        sub(a, b) = f32x4_sub(a, b);
        mul(a, b) = f32x4_mul(a, b);
        div(a, b) = f32x4_div(a, b);
        mul_add(a, b, c) = W::mul_add(a, b, c);
        // `b` where `a` is not greater, NaN among it: `pmax` is `b` if `a < b`, else `a`.
        max(a, b) = f32x4_pmax(b, a);
        min(a, b) = f32x4_pmin(b, a);
        abs(a) = f32x4_abs(a);
        exp2_int(n) = {
            // The low bits of n, moved to the exponent of 1.
            i32x4_add(f32x4_splat(1.0), i32x4_shl(n, 23))
        };
    }

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        [f32x4_splat(x); 4]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> V {
        let (from, _) = from.as_chunks::<4>();
        // SAFETY: the reference is valid for four values, and `v128_load` asks for no alignment.
        let load = |from: &[f32; 4]| unsafe { v128_load(from.as_ptr().cast()) };
        [load(&from[0]), load(&from[1]), load(&from[2]), load(&from[3])]
    }

    #[inline(always)]
    fn store(self, v: V, to: &mut [f32; LANES]) {
        for (v, to) in v.into_iter().zip(to.as_chunks_mut::<4>().0) {
            // SAFETY: as in `load`.
            unsafe { v128_store(to.as_mut_ptr().cast(), v) }
        }
    }

    #[inline(always)]
    fn lookup(self, table: &[f32; LANES], i: V) -> V {
        /// Four loads. A table is four registers, too many for `swizzle`, which permutes one.
        #[inline(always)]
        fn gather(table: &[f32; LANES], i: v128) -> v128 {
            let at = |i: u32| table[i as usize % LANES];
            f32x4(
                at(u32x4_extract_lane::<0>(i)),
                at(u32x4_extract_lane::<1>(i)),
                at(u32x4_extract_lane::<2>(i)),
                at(u32x4_extract_lane::<3>(i)),
            )
        }
        [gather(table, i[0]), gather(table, i[1]), gather(table, i[2]), gather(table, i[3])]
    }

    #[inline(always)]
    fn interleave(self, a: V, b: V) -> [V; 2] {
        let zip = |i: usize| {
            let low = i32x4_shuffle::<0, 4, 1, 5>(a[i], b[i]);
            [low, i32x4_shuffle::<2, 6, 3, 7>(a[i], b[i])]
        };
        let [[a, b], [c, d], [e, f], [g, h]] = [zip(0), zip(1), zip(2), zip(3)];
        [[a, b, c, d], [e, f, g, h]]
    }

    #[inline(always)]
    fn fold(self, v: V, f: impl Fn(V, V) -> V) -> f32 {
        let v = f(v, [v[2], v[3], v[0], v[1]]);
        let v = f(v, [v[1], v[0], v[3], v[2]]);
        // The registers are now the same, and so are the instructions on them: the compiler keeps
        // one.
        let v = f(v, [i32x4_shuffle::<2, 3, 0, 1>(v[0], v[0]); 4]);
        let v = f(v, [i32x4_shuffle::<1, 0, 3, 2>(v[0], v[0]); 4]);
        f32x4_extract_lane::<0>(v[0])
    }

    #[inline(always)]
    fn prefetch<T>(self, _at: &T) {}

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        W::vectorize(self, kernel)
    }

    #[inline(always)]
    fn vectorize_integers<K: Kernel>(self, kernel: K) -> K::Output {
        W::vectorize_integers(self, kernel)
    }
}
