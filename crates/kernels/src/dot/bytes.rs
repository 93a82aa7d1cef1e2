//! Rows that are stored as one byte for each dimension: restored to `f32` in registers.
//!
//! ```text
//! xₖ = min(lowestₖ + (byteₖ + ½) · stepₖ, highestₖ)        products: Σₖ xₖ·yₖ and Σₖ xₖ²
//! ```
//!
//! Of a row that comes from memory, a quarter of the bytes is read. One row goes through the loop
//! at a time: the sums of two do not fit in the registers of AVX2 beside the steps.
//!
//! The sums have the bits of [`products`](super::products) of the restored rows.
//!
//! In the book: `docs/11-tasks.md`.

use super::Product;
use crate::simd::{Kernel, LANES, Level, Simd};
use std::ops::Range;

/// Rows of bytes end to end, either unsigned, or signed ones, which are the unsigned less 128.
#[derive(Clone, Copy, Debug)]
pub enum Bytes<'a> {
    /// 0 … 255
    Unsigned(&'a [u8]),
    /// −128 … 127
    Signed(&'a [i8]),
}

/// The value that a byte stands for, in each dimension: `lowest + (byte + ½) · step`, at most
/// `highest`.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// `[K]`
    pub lowest: &'a [f32],
    /// `[K]`
    pub step: &'a [f32],
    /// `[K]`
    pub highest: &'a [f32],
}

/// Rows `[M, K]` of a byte for each dimension.
///
/// ```
/// use minilm_kernels::{
///     Level,
///     dot::{ByteRows, Bytes, Product, Steps},
/// };
/// let steps = Steps { lowest: &[0.0, -1.0], step: &[1.0, 0.5], highest: &[256.0, 1.0] };
/// let rows = ByteRows::new(Bytes::Unsigned(&[2, 0, 4, 9]), steps);
/// let mut x = [0.0; 4];
/// rows.restore(Level::detect(), &mut x);
/// assert_eq!(x, [2.5, -0.75, 4.5, 1.0]);
/// let mut out = [Product::default(); 2];
/// rows.products(Level::detect(), &[2.0, 4.0], &mut out);
/// assert_eq!(out[1], Product { dot: 13.0, square: 21.25 });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByteRows<'a> {
    bytes: Bytes<'a>,
    steps: Steps<'a>,
}

impl<'a> ByteRows<'a> {
    /// Rows of as many bytes as there are steps.
    ///
    /// # Panics
    /// If the steps differ in length or are none, or the bytes are no whole rows.
    pub fn new(bytes: Bytes<'a>, steps: Steps<'a>) -> ByteRows<'a> {
        let k = steps.step.len();
        let lengths = (steps.lowest.len(), steps.highest.len());
        assert_eq!(lengths, (k, k), "{k} steps, but {lengths:?} lowest and highest values");
        let len = match bytes {
            Bytes::Unsigned(bytes) => bytes.len(),
            Bytes::Signed(bytes) => bytes.len(),
        };
        assert!(k > 0 && len.is_multiple_of(k), "{len} bytes are no whole rows of {k}");
        ByteRows { bytes, steps }
    }

    /// Number of columns: K.
    pub fn cols(&self) -> usize {
        self.steps.step.len()
    }

    /// Number of rows: M.
    pub fn rows(&self) -> usize {
        let len = match self.bytes {
            Bytes::Unsigned(bytes) => bytes.len(),
            Bytes::Signed(bytes) => bytes.len(),
        };
        len / self.cols()
    }

    /// Some of the rows.
    ///
    /// # Panics
    /// If the range ends past the last row.
    #[must_use]
    pub fn slice(self, rows: Range<usize>) -> ByteRows<'a> {
        let bytes = rows.start * self.cols()..rows.end * self.cols();
        let bytes = match self.bytes {
            Bytes::Unsigned(all) => Bytes::Unsigned(&all[bytes]),
            Bytes::Signed(all) => Bytes::Signed(&all[bytes]),
        };
        ByteRows { bytes, ..self }
    }

    /// xᵢ·y and xᵢ·xᵢ for each row; y `[K]`, out `[M]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn products(&self, level: Level, y: &[f32], out: &mut [Product]) {
        assert_eq!((self.cols(), self.rows()), (y.len(), out.len()), "y, out");
        let steps = self.steps;
        match self.bytes {
            Bytes::Unsigned(bytes) => level.run(Products { bytes, steps, y, out }),
            Bytes::Signed(bytes) => level.run(Products { bytes, steps, y, out }),
        }
    }

    /// The rows as `f32`, to `[M, K]`.
    ///
    /// # Panics
    /// If `to` has another length.
    pub fn restore(&self, level: Level, to: &mut [f32]) {
        assert_eq!(to.len(), self.rows() * self.cols(), "{} rows of {}", self.rows(), self.cols());
        let steps = self.steps;
        match self.bytes {
            Bytes::Unsigned(bytes) => level.run(Restore { bytes, steps, to }),
            Bytes::Signed(bytes) => level.run(Restore { bytes, steps, to }),
        }
    }
}

/// A byte of either kind.
trait Byte: Copy + Default {
    /// The byte less 128.
    fn signed(self) -> i8;
}

impl Byte for u8 {
    #[inline(always)]
    fn signed(self) -> i8 {
        (self ^ 0x80).cast_signed()
    }
}

impl Byte for i8 {
    #[inline(always)]
    fn signed(self) -> i8 {
        self
    }
}

impl Steps<'_> {
    /// The steps of the sixteen dimensions from `k` on; zeros past the last.
    #[inline(always)]
    fn load<S: Simd>(self, s: S, k: usize) -> [S::F32x16; 3] {
        // Not by `map`: its calls of the closure would not be inlined.
        [
            s.load_or(&self.lowest[k..], 0.0),
            s.load_or(&self.step[k..], 0.0),
            s.load_or(&self.highest[k..], 0.0),
        ]
    }
}

/// The values of sixteen bytes.
#[inline(always)]
fn value<S: Simd, B: Byte>(
    s: S,
    bytes: &[B; LANES],
    [lowest, step, highest]: [S::F32x16; 3],
) -> S::F32x16 {
    let whole = s.to_f32(s.load_bytes(&bytes.map(B::signed)));
    let middle = s.add(whole, s.splat(128.5)); // exact: byte + ½
    s.min(s.add(lowest, s.mul(middle, step)), highest)
}

/// The sixteen bytes of a row from `k` on; zeros past its end.
#[inline(always)]
fn sixteen<B: Byte>(row: &[B], k: usize) -> [B; LANES] {
    match row[k..].first_chunk() {
        Some(whole) => *whole,
        None => {
            let mut bytes = [B::default(); LANES];
            bytes[..row.len() - k].copy_from_slice(&row[k..]);
            bytes
        }
    }
}

struct Products<'a, B> {
    bytes: &'a [B],         // [M, K]
    steps: Steps<'a>,       // [K]
    y: &'a [f32],           // [K]
    out: &'a mut [Product], // [M]
}

impl<B: Byte> Kernel for Products<'_, B> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.bytes.chunks_exact(self.y.len());
        for (row, out) in rows.zip(self.out) {
            *out = product(s, row, self.steps, self.y);
        }
    }
}

/// The products of a row.
#[inline(always)]
fn product<S: Simd, B: Byte>(
    s: S,
    row: &[B], // [K]
    steps: Steps,
    y: &[f32], // [K]
) -> Product {
    let mut sums = [s.zero(); 2];
    // Whole vectors, whose number all slices share, so that none is checked in the loop.
    let whole = y.len() / LANES;
    let Steps { lowest, step, highest } = steps;
    let [lowest, step, highest, ys] =
        [lowest, step, highest, y].map(|values| &values.as_chunks::<LANES>().0[..whole]);
    let bytes = &row.as_chunks::<LANES>().0[..whole];
    for k in 0..whole {
        let steps = [s.load(&lowest[k]), s.load(&step[k]), s.load(&highest[k])];
        sums = added(s, sums, value(s, &bytes[k], steps), s.load(&ys[k]));
    }
    let k = whole * LANES;
    if k < y.len() {
        let (steps, y) = (steps.load(s, k), s.load_or(&y[k..], 0.0));
        sums = added(s, sums, value(s, &sixteen(row, k), steps), y);
    }
    Product { dot: s.sum(sums[0]), square: s.sum(sums[1]) }
}

/// The sums of x·y and of x·x with one more vector of each.
#[inline(always)]
fn added<S: Simd>(s: S, sums: [S::F32x16; 2], x: S::F32x16, y: S::F32x16) -> [S::F32x16; 2] {
    [s.mul_add(x, y, sums[0]), s.mul_add(x, x, sums[1])]
}

struct Restore<'a, B> {
    bytes: &'a [B],    // [M, K]
    steps: Steps<'a>,  // [K]
    to: &'a mut [f32], // [M, K]
}

impl<B: Byte> Kernel for Restore<'_, B> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let k = self.steps.step.len();
        for (row, to) in self.bytes.chunks_exact(k).zip(self.to.chunks_exact_mut(k)) {
            for at in (0..k).step_by(LANES) {
                let x = value(s, &sixteen(row, at), self.steps.load(s, at));
                s.store_first(x, &mut to[at..]);
            }
        }
    }
}
