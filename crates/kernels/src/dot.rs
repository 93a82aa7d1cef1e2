//! One vector against many rows: dot products and squared distances, at the speed at which the rows
//! can be read.
//!
//! ```text
//! products:           dotᵢ = Σₖ xᵢₖ·yₖ        squareᵢ = Σₖ xᵢₖ²
//! squared_distances:  dᵢ = Σₖ (xᵢₖ − yₖ)²
//! ```
//!
//! A GEMM reads a row of `x` once for many columns of `y`. With one column there are two operations
//! for each value read, and a row that comes from memory arrives more slowly than that. So nothing
//! is packed, and further arithmetic on a value in a register is free: the square of the row's
//! length comes with the dot product, for cosines and to find rows that hold NaN.
//!
//! A multiply-add has a latency of four cycles, and each sum of a row waits for the one before. A
//! processor looks a fixed number of instructions ahead, so by itself it requests the next rows too
//! late to keep the memory busy. The loop is therefore unrolled, to have few instructions, and each
//! row prefetches the one that comes `AHEAD` rows later: every line of it, or the first alone and
//! the processor's own prefetcher follows. Which is faster depends on the processor, so the first
//! calls try both (`dot/hints.rs`). The result is the same.
//!
//! # The order of additions
//!
//! As in every row reduction: element `k` is added to lane `k mod 16` by one fused multiply-add, k
//! ascending, and the lanes by the fixed tree of [`Simd::sum`]. A sum of K terms has at most
//! [`roundings`] roundings. This is another order than that of [`gemm`](crate::gemm), and gives
//! other bits.
//!
//! In the book: `docs/07-same-bits.md`.

mod bytes;
mod hints;

pub use bytes::{ByteRows, Bytes, Steps};

use crate::{
    Rows,
    simd::{Kernel, LANES, Level, Simd},
};
use hints::Hints;

/// Vectors of a row between two turns of the loop.
const UNROLLED: usize = 8;

/// A row is prefetched this many rows before its turn, which covers the latency of memory.
const AHEAD: usize = 4;

/// The result of [`products`] for a row x.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Product {
    /// x·y
    pub dot: f32,
    /// x·x
    pub square: f32,
}

/// x·y for two vectors `[K]`.
///
/// # Panics
/// If the two differ in length, or are empty.
///
/// ```
/// use minilm_kernels::{Level, dot::dot};
/// assert_eq!(dot(Level::detect(), &[1.0, 2.0], &[3.0, 4.0]), 11.0);
/// ```
pub fn dot(level: Level, x: &[f32], y: &[f32]) -> f32 {
    let mut out = [Product::default()];
    products(level, Rows::new(x, x.len()), y, &mut out);
    out[0].dot
}

/// xᵢ·y and xᵢ·xᵢ for each row of x `[M, K]`, y `[K]`, out `[M]`.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, dot::{Product, products}};
/// let mut out = [Product::default(); 2];
/// products(Level::detect(), Rows::new(&[1.0, 2.0, 0.0, 5.0], 2), &[3.0, 4.0], &mut out);
/// assert_eq!(out, [Product { dot: 11.0, square: 5.0 }, Product { dot: 20.0, square: 25.0 }]);
/// ```
pub fn products(level: Level, x: Rows, y: &[f32], out: &mut [Product]) {
    check(x, y, out.len());
    run::<DotAndSquare>(level, x, y, out);
}

/// |xᵢ − y|² for each row of x `[M, K]`, y `[K]`, out `[M]`.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, dot::squared_distances};
/// let mut out = [0.0; 2];
/// squared_distances(Level::detect(), Rows::new(&[1.0, 2.0, 3.0, 4.0], 2), &[0.0, 0.0], &mut out);
/// assert_eq!(out, [5.0, 25.0]);
/// ```
pub fn squared_distances(level: Level, x: Rows, y: &[f32], out: &mut [f32]) {
    check(x, y, out.len());
    run::<SquaredDifference>(level, x, y, out);
}

/// The largest number of roundings of a term in a sum of `k` terms: one for each multiply-add of
/// its lane, and one for each level of the tree.
///
/// ```
/// assert_eq!(minilm_kernels::dot::roundings(384), 28);
/// ```
pub const fn roundings(k: usize) -> usize {
    k.div_ceil(LANES) + LANES.ilog2() as usize
}

fn run<T: Term>(level: Level, x: Rows, y: &[f32], out: &mut [T::Result]) {
    hints::tried(x.rows(), |hints| match hints {
        Hints::EveryLine => level.run(EachRow::<T, true> { x, y, out }),
        Hints::FirstLine => level.run(EachRow::<T, false> { x, y, out }),
    });
}

fn check(x: Rows, y: &[f32], out: usize) {
    assert_eq!(x.cols(), y.len(), "x has {} columns, y {}", x.cols(), y.len());
    assert_eq!(x.rows(), out, "x has {} rows, out {out}", x.rows());
}

/// The terms that sixteen columns add to a row's two sums, and the result made of the sums.
trait Term {
    type Result;
    fn add<S: Simd>(s: S, sums: [S::F32x16; 2], x: S::F32x16, y: S::F32x16) -> [S::F32x16; 2];
    fn result<S: Simd>(s: S, sums: [S::F32x16; 2]) -> Self::Result;
}

struct DotAndSquare;

impl Term for DotAndSquare {
    type Result = Product;
    #[inline(always)]
    fn add<S: Simd>(s: S, sums: [S::F32x16; 2], x: S::F32x16, y: S::F32x16) -> [S::F32x16; 2] {
        [s.mul_add(x, y, sums[0]), s.mul_add(x, x, sums[1])]
    }
    #[inline(always)]
    fn result<S: Simd>(s: S, sums: [S::F32x16; 2]) -> Product {
        Product { dot: s.sum(sums[0]), square: s.sum(sums[1]) }
    }
}

/// It leaves the second sum alone.
struct SquaredDifference;

impl Term for SquaredDifference {
    type Result = f32;
    #[inline(always)]
    fn add<S: Simd>(s: S, sums: [S::F32x16; 2], x: S::F32x16, y: S::F32x16) -> [S::F32x16; 2] {
        let difference = s.sub(x, y);
        [s.mul_add(difference, difference, sums[0]), sums[1]]
    }
    #[inline(always)]
    fn result<S: Simd>(s: S, sums: [S::F32x16; 2]) -> f32 {
        s.sum(sums[0])
    }
}

struct EachRow<'a, T: Term, const EVERY_LINE: bool> {
    x: Rows<'a>,              // [M, K]
    y: &'a [f32],             // [K]
    out: &'a mut [T::Result], // [M]
}

impl<T: Term, const EVERY_LINE: bool> Kernel for EachRow<'_, T, EVERY_LINE> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (y, y_rest) = self.y.as_chunks::<LANES>();
        let (y_whole, y_single) = y.as_chunks::<UNROLLED>();
        for (i, out) in self.out.iter_mut().enumerate() {
            let (x, x_rest) = self.x.row(i).as_chunks::<LANES>();
            let (x_whole, x_single) = x.as_chunks::<UNROLLED>();
            let ahead = self
                .x
                .row((i + AHEAD).min(self.x.rows() - 1))
                .as_chunks::<LANES>()
                .0
                .as_chunks::<UNROLLED>()
                .0;
            if let (false, [first, ..]) = (EVERY_LINE, ahead) {
                s.prefetch(first);
            }
            let mut sums = [s.zero(); 2];
            for ((x, y), ahead) in x_whole.iter().zip(y_whole).zip(ahead) {
                for k in 0..UNROLLED {
                    if EVERY_LINE {
                        s.prefetch(&ahead[k]);
                    }
                    sums = T::add(s, sums, s.load(&x[k]), s.load(&y[k]));
                }
            }
            for (x, y) in x_single.iter().zip(y_single) {
                sums = T::add(s, sums, s.load(x), s.load(y));
            }
            if !y_rest.is_empty() {
                // Lanes past the end are zero in both, and add zero.
                sums = T::add(s, sums, s.load_or(x_rest, 0.0), s.load_or(y_rest, 0.0));
            }
            *out = T::result(s, sums);
        }
    }
}
