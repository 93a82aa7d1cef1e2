//! Integer products on sixteen lanes: small integers multiplied exactly, summed in `i32`.
//!
//! ```text
//! weights of sixteen columns, GROUP of k each        one word of x: the same k's, one row
//! w₀₀ w₀₁ │ w₁₀ w₁₁ │ … │ w₁₅₀ w₁₅₁                  x₀ x₁
//!        lane c of the sums += w_c0·x₀ + w_c1·x₁
//! ```
//!
//! A lane of 32 bits holds two `s16` (GROUP 2) or four bytes (GROUP 4) of consecutive k. Integer
//! sums are exact, so their order is free, and every level gives the same ones.
//!
//! | instructions | product of s8 | product of s16 |
//! |---|---|---|
//! | AMX | `tdpbusd` on blocks of rows and columns | as VNNI |
//! | AVX-512 with VNNI, AVX-VNNI | `vpdpbusd` on four bytes | `vpdpwssds` on two words |
//! | AVX-512, AVX2 | `vpmovsxbw`, then as s16 | `vpmaddwd` and `vpaddd` |
//! | NEON with dot products | `sdot` on four bytes | as NEON |
//! | NEON | `sshll`, then as s16 | `smlal`, of one k at a time |
//! | WebAssembly, some engines | `i32x4.relaxed_dot_i8x16_i7x16_add_s` on four bytes | as WebAssembly |
//! | WebAssembly | `i16x8.load8x8_s`, then as s16 | `i32x4.dot_i16x8_s` and `i32x4.add` |
//! | portable | as s16 | plain Rust |
//!
//! `vpdpbusd` multiplies *unsigned* bytes of x by signed ones of w. So there x is stored with
//! [`Integers::OFFSET`] added, and a column's sum starts at `−OFFSET·Σₖ w`: the same integer at the
//! end. `vpmaddubsw`, the same for AVX2, saturates at 16 bits and is not exact. The saturating
//! `vpdpwssds` is used since the compiler takes `vpdpwssd` apart again; no sum here is large enough
//! to saturate.
//!
//! Two words of each side have another form, S. Winograd's:
//!
//! ```text
//! (x₀ + w₁)·(x₁ + w₀) = x₀·w₀ + x₁·w₁ + x₀·x₁ + w₀·w₁
//! ```
//!
//! The last two terms belong to a row of x and to a column of w alone, so they are subtracted once
//! for a whole sum. Two products and two additions become one product and three additions. That is
//! faster where additions have ports of their own beside the multipliers, as on AVX2
//! ([`Integers::WINOGRAD`]). Sums are then taken modulo 2³², and the result is exact, since it is
//! in range itself.
//!
//! VNNI, AMX and dot products are no levels of their own but further proofs inside one:
//! [`Level::run_integers`] looks for them.
//!
//! Reference: S. Winograd, *A New Algorithm for Inner Product*, IEEE Transactions on Computers
//! C-17(7), 1968.
//!
//! In the book: `docs/16-rounding.md`.
//!
//! [`Level::run_integers`]: crate::Level::run_integers

#[cfg(target_arch = "x86_64")]
pub(super) mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
pub(super) mod dot_product;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(all(target_arch = "wasm32", feature = "relaxed-simd"))]
pub(super) mod relaxed_dot;
#[cfg(target_arch = "x86_64")]
pub(super) mod vnni;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

#[cfg(target_arch = "x86_64")]
pub use amx::MatrixRegisters;

use super::LANES;

/// Rows of a block of sums, see [`Integers::matrix_registers`].
pub(crate) const BLOCK_ROWS: usize = 32;
/// Vectors of columns of a block.
pub(crate) const BLOCK_VECTORS: usize = 3;
/// Words of x and of the weights in a step of a block.
pub(crate) const BLOCK_WORDS: usize = 16;

/// CPUs of this kind have no matrix registers.
#[cfg(not(target_arch = "x86_64"))]
#[derive(Debug)]
pub enum MatrixRegisters {}

#[cfg(not(target_arch = "x86_64"))]
impl MatrixRegisters {
    pub(crate) fn start(&self, _: &[[i32; LANES]; BLOCK_VECTORS]) {
        match *self {}
    }

    pub(crate) fn step(
        &self,
        _: &[u32],
        _: usize,
        _: usize,
        _: &[i8; 64 * BLOCK_VECTORS * BLOCK_WORDS],
    ) {
        match *self {}
    }

    pub(crate) fn store(&self, _: &mut [[[i32; LANES]; BLOCK_VECTORS]; BLOCK_ROWS]) {
        match *self {}
    }

    pub(crate) fn peak(&self, _: usize) -> usize {
        match *self {}
    }
}

/// The integer half of [`Simd`](super::Simd).
pub trait Integers: Copy {
    /// Sixteen `f32` values in registers.
    type Floats: Copy;
    /// Sixteen `i32` in registers, or as many words of two `s16` or four bytes.
    type I32x16: Copy;
    /// Weights `s8` of sixteen columns in memory, [`Integers::GROUP`] of k for each.
    type S8: Copy + 'static;

    /// Consecutive k in a word of `s8`: 2 or 4. (A word of `s16` has two.)
    const GROUP: usize;
    /// Rows of x and consecutive k of `s8` that are stored together; what does not exist is filled
    /// up, with zeros in the weights.
    const WHOLE: [usize; 2] = [1, Self::GROUP];
    /// What is added to `s8` values of x before they are stored.
    const OFFSET: i32;
    /// Whether products sum up lanes 0–7 of a tile before lanes 8–15. With twice the rows, a row of
    /// weights is widened half as often for each product.
    const HALVES: bool = false;
    /// Whether products take words two by two, as [`Integers::dot_pair`] does; [`Integers::GROUP`]
    /// is then 2.
    const WINOGRAD: bool = false;

    /// The blocks of sixteen columns in a panel.
    fn s8_blocks(panel: &[i8]) -> &[Self::S8];
    /// Weights `s8` as [`Integers::dot_s8`] takes them.
    fn load_s8(self, from: &Self::S8) -> Self::I32x16;
    /// Weights `s16` of sixteen columns, two of k for each, as [`Integers::dot_s16`] takes them.
    fn load_s16(self, from: &[i16; 2 * LANES]) -> Self::I32x16;
    /// Sixteen bytes, −128 … 127.
    fn load_bytes(self, from: &[i8; LANES]) -> Self::I32x16;
    /// Sixteen `i32`.
    fn load_i32(self, from: &[i32; LANES]) -> Self::I32x16;
    /// The word of x in each lane.
    fn splat_word(self, word: u32) -> Self::I32x16;
    /// sums + x·w in each lane, over the k's of a word, exactly. All lanes of x are the same.
    fn dot_s8(self, sums: Self::I32x16, x: Self::I32x16, w: Self::I32x16) -> Self::I32x16;
    /// sums + x·w in each lane, over the two k's of a word, exactly. All lanes of x are the same.
    fn dot_s16(self, sums: Self::I32x16, x: Self::I32x16, w: Self::I32x16) -> Self::I32x16;
    /// Lanes 0–7 of one vector and lanes 8–15 of the other, on a level with [`Integers::HALVES`].
    fn halves(self, low: Self::I32x16, _high: Self::I32x16) -> Self::I32x16 {
        low
    }
    /// The matrix registers of a CPU that multiplies `s8` in them, a block at a time.
    #[inline(always)]
    fn matrix_registers(self) -> Option<MatrixRegisters> {
        None
    }
    /// Weights as [`Integers::matrix_registers`] take them.
    #[inline(always)]
    fn bytes(_blocks: &[Self::S8]) -> &[i8] {
        &[]
    }
    /// a + b for each of the `s16` in words, modulo 2¹⁶.
    fn add_s16(self, a: Self::I32x16, b: Self::I32x16) -> Self::I32x16;
    /// a − b in each lane, modulo 2³².
    fn sub_i32(self, a: Self::I32x16, b: Self::I32x16) -> Self::I32x16;
    /// The nearest integers, ties to even; unspecified for a lane of 2²² or more, or NaN.
    fn round(self, v: Self::Floats) -> Self::I32x16;
    /// The nearest floats.
    fn to_f32(self, v: Self::I32x16) -> Self::Floats;
    /// The larger of two values that are not negative; a NaN is larger than all.
    fn larger(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// Sixteen values of x, −128 … 127, as `LANES / GROUP` words, with the offset.
    fn store_s8(self, q: Self::I32x16, to: &mut [u32]);
    /// Sixteen values of x, −32 768 … 32 767, as eight words.
    fn store_s16(self, q: Self::I32x16, to: &mut [u32]);

    /// sums + x₀·w₀ + x₁·w₁ + x₀·x₁ + w₀·w₁ for words of two `s16`, modulo 2³². No |x| + |w| may
    /// exceed an `s16`.
    #[inline(always)]
    fn dot_pair(
        self,
        sums: Self::I32x16,
        x: [Self::I32x16; 2],
        w: [Self::I32x16; 2],
    ) -> Self::I32x16 {
        self.dot_s16(sums, self.add_s16(x[0], w[1]), self.add_s16(x[1], w[0]))
    }
}

/// The first words of a slice that has room for sixteen values.
#[inline(always)]
fn words<const N: usize>(to: &mut [u32]) -> &mut [u32; N] {
    to.first_chunk_mut().expect("room for sixteen values")
}
