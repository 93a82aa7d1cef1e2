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
//! A processor looks a fixed number of instructions ahead, so by itself it may request the next
//! rows too late to keep the memory busy. There are four ways to help it: none; two rows at a time,
//! one from each half of x, so that the processor's own prefetcher follows two streams; and a
//! prefetch of the row that comes `AHEAD` rows later, of every line or of the first alone. Which is
//! fastest depends on the processor, so the first calls try all (`dot/ways.rs`). The result is the
//! same.
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
mod ways;

pub use bytes::{ByteRows, Bytes, Steps};

use crate::{
    Rows,
    simd::{Kernel, LANES, Level, Simd},
};
use ways::Way;

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
    ways::tried(x.rows(), |way| match way {
        Way::EveryLine => level.run(EachRow::<T, true> { x, y, out }),
        Way::FirstLine => level.run(EachRow::<T, false> { x, y, out }),
        Way::Rows => level.run(Parts::<T, 1> { x, y, out }),
        Way::Halves => level.run(Parts::<T, 2> { x, y, out }),
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

/// One row at a time, with prefetches.
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

/// R rows at a time, each from its own part of x, without prefetches.
struct Parts<'a, T: Term, const R: usize> {
    x: Rows<'a>,              // [M, K]
    y: &'a [f32],             // [K]
    out: &'a mut [T::Result], // [M]
}

impl<T: Term, const R: usize> Kernel for Parts<'_, T, R> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (x, part) = (self.x, self.x.rows() / R);
        for i in 0..part {
            let mut rows = [x.row(i); R];
            for r in 1..R {
                rows[r] = x.row(r * part + i);
            }
            let sums = sums::<S, T, R>(s, rows, self.y);
            for r in 0..R {
                self.out[r * part + i] = T::result(s, sums[r]);
            }
        }
        for i in R * part..x.rows() {
            let [sums] = sums::<S, T, 1>(s, [x.row(i)], self.y);
            self.out[i] = T::result(s, sums);
        }
    }
}

/// Both sums of each of R rows.
#[inline(always)]
fn sums<S: Simd, T: Term, const R: usize>(
    s: S,
    rows: [&[f32]; R], // [K] each
    y: &[f32],         // [K]
) -> [[S::F32x16; 2]; R] {
    let (y, y_rest) = y.as_chunks::<LANES>();
    let mut x: [&[[f32; LANES]]; R] = [&[]; R];
    for r in 0..R {
        x[r] = &rows[r].as_chunks().0[..y.len()];
    }
    let mut sums = [[s.zero(); 2]; R];
    for k in 0..y.len() {
        let y = s.load(&y[k]);
        for r in 0..R {
            sums[r] = T::add(s, sums[r], s.load(&x[r][k]), y);
        }
    }
    if !y_rest.is_empty() {
        // Lanes past the end are zero in both, and add zero.
        let y = s.load_or(y_rest, 0.0);
        for r in 0..R {
            let x = s.load_or(&rows[r][x[r].len() * LANES..], 0.0);
            sums[r] = T::add(s, sums[r], x, y);
        }
    }
    sums
}
