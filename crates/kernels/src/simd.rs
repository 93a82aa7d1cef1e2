//! The vocabulary every kernel is written in: sixteen `f32` lanes.
//!
//! A kernel is a struct that holds its operands and implements [`Kernel`]; its `run` is generic
//! over [`Simd`], the set of instructions. [`Level::run`] picks the instructions once, at run time:
//!
//! ```text
//! Level::detect() ── run(kernel) ──►  kernel.run(Avx512)     one zmm register per vector
//!                                     kernel.run(Avx2)       two ymm registers per vector
//!                                     kernel.run(Neon)       four q registers per vector
//!                                     kernel.run(Wasm)       four v128 per vector
//!                                     kernel.run(Portable)   [f32; 16], plain Rust
//! ```
//!
//! Sixteen lanes on every level, and the same operations in the same order, is what makes the
//! result *the same bits* on every CPU. Three rules keep it so:
//!
//! 1. `mul_add` is a true fused multiply-add (one rounding) everywhere, also where it is slow;
//! 2. no estimate instructions: division and square root are the IEEE ones;
//! 3. a horizontal sum is always the tree of [`Simd::sum`].
//!
//! [`Integers`] are the other half of the vocabulary: exact products of small integers.
//!
//! # How `unsafe` stays small
//!
//! A value of `Avx2`, `Avx512` or `Neon` exists only if the CPU has the instructions, because only
//! [`Level::available`] makes one, so having the value is the proof that calling the intrinsic is
//! sound. All methods are `#[inline(always)]` and are inlined into the one function of the level
//! that carries `#[target_feature]`.
//!
//! **Footgun**: a generic kernel called *outside* [`Level::run`] still compiles, but each intrinsic
//! becomes a function call. Dispatch once per operation, and mark everything below it
//! `#[inline(always)]`.
//!
//! References: `rten-simd` (the idea of the ISA as a value), `pulp` (dispatch by a trait with a
//! generic method).
//!
//! In the book: `docs/04-simd.md`.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod fma;
#[cfg(any(not(target_family = "wasm"), feature = "relaxed-simd"))]
mod forward;
mod integers;
mod level;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

#[cfg(any(not(target_family = "wasm"), feature = "relaxed-simd"))]
pub(crate) use forward::forward;
#[cfg(not(target_family = "wasm"))]
pub(crate) use forward::second_proof;
pub(crate) use integers::{BLOCK_ROWS, BLOCK_VECTORS, BLOCK_WORDS};
pub use integers::{Integers, MatrixRegisters};
pub use level::{Level, UnknownLevel};
pub(crate) use portable::Portable;

/// The proofs of levels, and those inside of them.
#[cfg(all(test, not(target_family = "wasm")))]
pub(crate) mod proofs {
    #[cfg(target_arch = "x86_64")]
    pub(crate) use super::{
        avx2::Avx2,
        avx512::Avx512,
        integers::{
            amx::Amx,
            vnni::{Avx512Vnni, AvxVnni},
        },
    };
    #[cfg(target_arch = "aarch64")]
    pub(crate) use super::{integers::dot_product::DotProduct, neon::Neon};
}
#[cfg(all(target_arch = "wasm32", feature = "relaxed-simd"))]
use wasm::relaxed;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(feature = "relaxed-simd")))]
use wasm::{simd128, unfused};

use crate::tiles::{Tiles, sealed::Sealed};

/// Lanes in a vector, on every level.
pub const LANES: usize = 16;

/// 1.5·2²³. Adding it to |x| < 2²² rounds x to the nearest integer (ties to even) and leaves that
/// integer in the low mantissa bits; subtracting it again yields the rounded value as a float.
pub const ROUNDER: f32 = 12_582_912.0;

/// Sixteen-lane arithmetic on one instruction set. The value is a proof that the CPU has it.
///
/// The trait is sealed: a file beside this one implements it for each instruction set, and
/// [`Counting`](crate::counting::Counting) for all of them. Lane `i` of a result depends on lane
/// `i` of the operands.
pub trait Simd: Copy + Sealed + Integers<Floats = <Self as Simd>::F32x16> {
    /// Sixteen `f32` values in registers.
    type F32x16: Copy;
    /// The tiles that fit in the registers.
    type Tiles: Tiles;

    /// Whether the micro-kernel takes two steps of k per round, and prefetches. A compiler of
    /// WebAssembly would load the operands of both before it multiplies, and has too few registers.
    const ROUNDS: bool = true;

    /// `[x; 16]`.
    fn splat(self, x: f32) -> Self::F32x16;
    /// Sixteen consecutive values; no alignment is asked for.
    fn load(self, from: &[f32; LANES]) -> Self::F32x16;
    /// Writes sixteen consecutive values.
    fn store(self, v: Self::F32x16, to: &mut [f32; LANES]);
    /// `a + b`.
    fn add(self, a: Self::F32x16, b: Self::F32x16) -> Self::F32x16;
    /// `a - b`.
    fn sub(self, a: Self::F32x16, b: Self::F32x16) -> Self::F32x16;
    /// `a · b`.
    fn mul(self, a: Self::F32x16, b: Self::F32x16) -> Self::F32x16;
    /// `a / b`, correctly rounded.
    fn div(self, a: Self::F32x16, b: Self::F32x16) -> Self::F32x16;
    /// `a · b + c`, rounded once.
    fn mul_add(self, a: Self::F32x16, b: Self::F32x16, c: Self::F32x16) -> Self::F32x16;
    /// `a` where `a > b`, else `b`; so `b` where either is NaN.
    fn max(self, a: Self::F32x16, b: Self::F32x16) -> Self::F32x16;
    /// `a` where `a < b`, else `b`; so `b` where either is NaN.
    fn min(self, a: Self::F32x16, b: Self::F32x16) -> Self::F32x16;
    /// The sign bit cleared.
    fn abs(self, a: Self::F32x16) -> Self::F32x16;
    /// `2ⁿ` for an integer `-126 ≤ n ≤ 127` given as [`ROUNDER`]` + n`; any other lane is
    /// unspecified.
    fn exp2_int(self, n: Self::F32x16) -> Self::F32x16;
    /// `table[i]` for an integer `0 ≤ i < 16` given as [`ROUNDER`]` + i`.
    fn lookup(self, table: &[f32; LANES], i: Self::F32x16) -> Self::F32x16;
    /// The lanes of two vectors in turn: `[a₀ b₀ a₁ b₁ … a₇ b₇]` and `[a₈ b₈ … a₁₅ b₁₅]`.
    fn interleave(self, a: Self::F32x16, b: Self::F32x16) -> [Self::F32x16; 2];
    /// Lane 0 after combining each lane i with i + 8, then with i + 4, i + 2, i + 1; `f` works lane
    /// by lane and commutes.
    fn fold(self, v: Self::F32x16, f: impl Fn(Self::F32x16, Self::F32x16) -> Self::F32x16) -> f32;
    /// Hints that the cache line of `at` will be read soon: fetches it into the second-level cache.
    fn prefetch<T>(self, at: &T);
    /// Runs `kernel` in a function compiled for this instruction set.
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output;

    /// Runs `kernel` with the fastest integer products of this CPU, which may be those of a second
    /// proof.
    #[inline(always)]
    fn vectorize_integers<K: Kernel>(self, kernel: K) -> K::Output {
        self.vectorize(kernel)
    }

    /// `[0.0; 16]`.
    #[inline(always)]
    fn zero(self) -> Self::F32x16 {
        self.splat(0.0)
    }

    /// The lanes as an array.
    #[inline(always)]
    fn to_array(self, v: Self::F32x16) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        self.store(v, &mut lanes);
        lanes
    }

    /// The first sixteen values of `from`; lanes past its end are `fill`.
    #[inline(always)]
    fn load_or(self, from: &[f32], fill: f32) -> Self::F32x16 {
        match from.first_chunk() {
            Some(whole) => self.load(whole),
            None => self.load(&padded(from, fill)),
        }
    }

    /// Writes the lanes to the first sixteen places of `to`; lanes past its end are dropped.
    #[inline(always)]
    fn store_first(self, v: Self::F32x16, to: &mut [f32]) {
        match to.first_chunk_mut() {
            Some(whole) => self.store(v, whole),
            None => cut(&self.to_array(v), to),
        }
    }

    /// The sum of the lanes by one fixed tree: halves are added until one lane is left.
    ///
    /// ```text
    /// 16 lanes: i + (i+8)  →  8: i + (i+4)  →  4: i + (i+2)  →  2: 0 + 1
    /// ```
    #[inline(always)]
    fn sum(self, v: Self::F32x16) -> f32 {
        self.fold(
            v,
            #[inline(always)]
            |a, b| self.add(a, b),
        )
    }

    /// The largest lane (no lane may be NaN).
    #[inline(always)]
    fn max_lane(self, v: Self::F32x16) -> f32 {
        self.fold(
            v,
            #[inline(always)]
            |a, b| self.max(a, b),
        )
    }

    /// Rows to columns: lane j of vector i becomes lane i of vector j.
    ///
    /// ```text
    /// interleave vector i with vector i + 8:  the highest bit of the vector's number moves to the
    ///                                         end of the lane's number
    /// four times:                             a transposition
    /// ```
    #[inline(always)]
    fn transpose(self, mut rows: [Self::F32x16; LANES]) -> [Self::F32x16; LANES] {
        for _ in 0..4 {
            let mut next = rows;
            for i in 0..LANES / 2 {
                [next[2 * i], next[2 * i + 1]] = self.interleave(rows[i], rows[i + LANES / 2]);
            }
            rows = next;
        }
        rows
    }
}

/// `from`, filled up to sixteen values: the end of a row that is no multiple of sixteen long.
#[cold]
#[inline(never)]
fn padded(from: &[f32], fill: f32) -> [f32; LANES] {
    let mut lanes = [fill; LANES];
    lanes[..from.len()].copy_from_slice(from);
    lanes
}

/// As many lanes as `to` has room for.
#[cold]
#[inline(never)]
fn cut(lanes: &[f32; LANES], to: &mut [f32]) {
    to.copy_from_slice(&lanes[..to.len()]);
}

/// An operation that can run on any level: operands in the struct, arithmetic in `run`.
///
/// ```
/// use minilm_kernels::simd::{Kernel, LANES, Level, Simd};
///
/// /// y ← 2·x
/// struct Double<'a>(&'a mut [f32; LANES]);
///
/// impl Kernel for Double<'_> {
///     type Output = ();
///     #[inline(always)]
///     fn run<S: Simd>(self, s: S) {
///         let x = s.load(self.0);
///         s.store(s.add(x, x), self.0);
///     }
/// }
///
/// let mut x = [1.5; LANES];
/// Level::detect().run(Double(&mut x));
/// assert_eq!(x, [3.0; LANES]);
/// ```
pub trait Kernel {
    /// The operation's result.
    type Output;
    /// The operation; must be `#[inline(always)]`.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}
