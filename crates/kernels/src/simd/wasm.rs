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

mod way;

pub use way::Way;

use super::{Kernel, LANES, Simd};
use crate::tiles::sealed::Sealed;
use std::{arch::wasm32::*, marker::PhantomData};

/// Proof that the engine has `simd128`, and multiplies and adds in this way.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wasm<W>(PhantomData<W>);

/// Of the level `relaxed`, under the names that the table of levels expects.
#[cfg(feature = "relaxed-simd")]
pub mod relaxed {
    pub type Relaxed = super::Wasm<super::way::RelaxedMadd>;
}

/// Of the level `simd128`.
#[cfg(not(feature = "relaxed-simd"))]
pub mod simd128 {
    pub type Simd128 = super::Wasm<super::way::Exact>;
}

/// Of the level `unfused`.
#[cfg(not(feature = "relaxed-simd"))]
pub mod unfused {
    pub type Unfused = super::Wasm<super::way::Unfused>;
}

impl<W: Way> Wasm<W> {
    /// The proof, if the engine rounds as the level asks.
    pub fn detect() -> Option<Wasm<W>> {
        W::detect().then_some(Wasm(PhantomData))
    }
}

#[cfg(not(feature = "relaxed-simd"))]
impl Wasm<way::Unfused> {
    /// The proof that there is nothing to prove.
    pub const NAMED: Wasm<way::Unfused> = Wasm(PhantomData);
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
