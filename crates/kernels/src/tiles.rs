//! The one table of instruction sets, and the tiles that each of them computes with.
//!
//! A *tile* is the part of a result whose sums stay in registers while the operands stream past:
//! `MR × NV` vectors. Its shape follows from the number of registers, so every instruction set has
//! its own. The shape never enters the arithmetic (see [`crate::gemm`]), only the speed.
//!
//! | instruction set | registers | GEMM: sums + panel + broadcast | attention |
//! |---|---|---|---|
//! | AVX-512 | 32 zmm | 8 × 3: 24 + 3 + 1 | 12 × 2: 24 + 2 + 1 |
//! | AVX2 | 16 ymm, two per vector | 6 × 1: 12 + 2 + 1 | 6 × 1 |
//! | NEON | 32 q, four per vector | 6 × 1: 24 + 4 + 3 | 6 × 1 |
//! | WebAssembly | 15 of 128 bits, four per vector | 2 × 1: 8 + 4 + 2 | 2 × 1 |
//! | portable | unknown | 4 × 1 | 4 × 1 |
//!
//! Each step in k loads NV vectors of the panel and broadcasts MR values of x, for MR·NV
//! multiply-adds: 11 loads for 24 with AVX-512, 8 loads for 12 with AVX2, 10 for 24 with NEON. A
//! multiply-add has a latency of four cycles, and one or two start per cycle, so eight sums in
//! flight are enough. The shapes are chosen for few loads, for a chain of weights that fits in a
//! first-level cache of 32 KiB (24 KiB and 8 KiB), and for panels that divide 384. Attention's
//! tiles are narrower, because a head is two vectors wide.
//!
//! Integer products of WebAssembly have 4 rows per tile and sum up half of the lanes at a time: 8
//! sums, 2 vectors of weights and 2 of x. Where a product and its sum are one instruction, a tile
//! has 6 rows: 12 sums, 2 vectors of weights and 1 of x. Products of AVX2 have 4 rows per tile and
//! take two words at once: 8 sums, 4 vectors of weights, 2 of x and 2 of sums of both.
//!
//! The last column, `peak`, is how [`crate::peak`] keeps the multipliers busy: so many vectors in
//! flight, so many times per step.
//!
//! To add an instruction set, write its file beside the others in `simd/` and its line here.
//!
//! In the book: `docs/03-gemm.md`.

use crate::{
    gemm::PART,
    simd::{LANES, Simd},
};

/// Passes the table to a macro. A condition in brackets says on which targets a line holds; the
/// first line is the fastest level.
macro_rules! instruction_sets {
    ($with:ident) => {
        $with! {
            // name   proof     targets                   registers  GEMM     attention  peak
            avx512    Avx512    [target_arch = "x86_64"]  32         8 x 3    12 x 2     12 x 1;
            avx2      Avx2      [target_arch = "x86_64"]  8          6 x 1    6 x 1      6 x 2;
            neon      Neon      [target_arch = "aarch64"] 8          6 x 1    6 x 1      6 x 2;
            relaxed   Relaxed   [all(target_arch = "wasm32", feature = "relaxed-simd")]
                                                          4          2 x 1    2 x 1      3 x 4;
            simd128   Simd128   [all(target_arch = "wasm32", target_feature = "simd128",
                                     not(feature = "relaxed-simd"))]
                                                          4          2 x 1    2 x 1      3 x 4;
            unfused   Unfused   [all(target_arch = "wasm32", target_feature = "simd128",
                                     not(feature = "relaxed-simd"))]
                                                          4          2 x 1    2 x 1      3 x 4;
            portable  Portable  [all()]                   4          4 x 1    4 x 1      6 x 2;
        }
    };
}
pub(crate) use instruction_sets;

/// The shapes of one instruction set. [`Simd::Tiles`] names them, and a [`Tiled`] kernel receives
/// them as constants.
///
/// The trait is sealed: the types in this module implement it.
pub trait Tiles: sealed::Sealed + 'static {
    /// Registers, counted in vectors of sixteen lanes.
    const REGISTERS: usize;
    /// Vectors side by side in a panel of GEMM: NV.
    const PANEL: usize;
    /// Runs `kernel` with the tile of GEMM.
    fn gemm<S: Simd, K: Tiled>(s: S, kernel: K) -> K::Output;
    /// Runs `kernel` with the tile of attention.
    fn attention<S: Simd, K: Tiled>(s: S, kernel: K) -> K::Output;
    /// Runs `kernel` with the vectors in flight (MR) and the turns per step (NV) of a loop on
    /// registers alone.
    fn peak<S: Simd, K: Tiled>(s: S, kernel: K) -> K::Output;
}

/// A kernel that is written for any tile.
///
/// ```
/// use minilm_kernels::{Level, simd::{Kernel, Simd}, tiles::{Tiled, Tiles}};
///
/// /// Sums in a tile of GEMM, in vectors.
/// struct Sums;
///
/// impl Kernel for Sums {
///     type Output = usize;
///     #[inline(always)]
///     fn run<S: Simd>(self, s: S) -> usize {
///         S::Tiles::gemm(s, self)
///     }
/// }
///
/// impl Tiled for Sums {
///     type Output = usize;
///     #[inline(always)]
///     fn run<S: Simd, const MR: usize, const NV: usize>(self, _: S) -> usize {
///         MR * NV
///     }
/// }
///
/// assert_eq!(Level::PORTABLE.run(Sums), 4);
/// ```
pub trait Tiled {
    /// The kernel's result.
    type Output;
    /// The operation on tiles of up to MR rows × NV vectors; must be `#[inline(always)]`.
    fn run<S: Simd, const MR: usize, const NV: usize>(self, s: S) -> Self::Output;
}

/// Traits that only this crate implements.
pub(crate) mod sealed {
    /// Keeps [`super::Tiles`] and [`crate::simd::Simd`] to this crate.
    pub trait Sealed {}
}

macro_rules! tiles {
    ($($name:ident $isa:ident [$targets:meta] $registers:literal
        $mr:literal x $nv:literal $amr:literal x $anv:literal $pmr:literal x $pnv:literal;)*) => {$(
        #[doc = concat!("The tiles of the level `", stringify!($name), "`, on any machine.")]
        #[derive(Debug)]
        pub enum $isa {}

        impl sealed::Sealed for $isa {}

        const _: () = assert!(PART.is_multiple_of($nv * LANES), "a part is whole panels");

        impl Tiles for $isa {
            const REGISTERS: usize = $registers;
            const PANEL: usize = $nv;

            #[inline(always)]
            fn gemm<S: Simd, K: Tiled>(s: S, kernel: K) -> K::Output {
                kernel.run::<S, $mr, $nv>(s)
            }

            #[inline(always)]
            fn attention<S: Simd, K: Tiled>(s: S, kernel: K) -> K::Output {
                kernel.run::<S, $amr, $anv>(s)
            }

            #[inline(always)]
            fn peak<S: Simd, K: Tiled>(s: S, kernel: K) -> K::Output {
                kernel.run::<S, $pmr, $pnv>(s)
            }
        }
    )*};
}
instruction_sets!(tiles);
