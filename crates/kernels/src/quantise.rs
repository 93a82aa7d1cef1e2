//! Rows of small integers: rotated, scaled by their largest magnitude, rounded.
//!
//! ```text
//! for each chunk of 384 values of a row:
//!   v     = rotate(chunk)                       if the row is to be rotated
//!   a     = max |v|                             at least 1e-30
//!   q     = round_ties_even(v · (L / a))        L = 127 (s8) or 2047 (s16), so |q| ≤ L
//!   scale = a / L
//! ```
//!
//! A value that stands out ruins the others of its row: they are rounded to steps of a/L. So a row
//! is rotated first, which spreads each value over the whole chunk. The rotation R is orthogonal
//! but for a factor, and the weights are rotated by the same function, so products stay as they
//! are: (R·x)·(R·w) = x·w times a power of two, which goes into the scale of the weights.
//!
//! `rotation.rs` has the rotation.
//!
//! The maximum is exact in any order, additions and multiply-adds come in a fixed one, and the
//! division is the IEEE one: the same bits on every level. A NaN or an infinity makes the scale
//! one, and so every value of a product with the row.
//!
//! References: S. Ashkboos et al., *QuaRot*, arXiv:2404.00456 (rotations before rounding); A.
//! Householder, *Unitary Triangularization of a Nonsymmetric Matrix*, JACM 5(4), 1958.
//!
//! In the book: `docs/16-rounding.md`.

mod chunk;
mod integer;
mod rotation;

pub use integer::Integer;
pub use rotation::Rotation;
pub(crate) use rotation::stretch;

use crate::{
    AlignedVec, Level, Rows,
    simd::{Kernel, LANES, Simd},
};
use chunk::{Buffer, quantise_chunk};
use integer::compiled::{Quantise, QuantiseWeights};
use std::{marker::PhantomData, ops::Range};

/// Values of a row that share a scale: a constant of the arithmetic, the same on every machine.
///
/// It is the width of the model, so most rows have one scale. Sums over a chunk fit in `i32`.
pub const CHUNK: usize = 384;

/// Vectors of a whole chunk.
const VECTORS: usize = CHUNK / LANES;

/// The chunks of a row of `k` values.
pub(crate) fn chunks(k: usize) -> impl Iterator<Item = Range<usize>> {
    (0..k).step_by(CHUNK).map(move |start| start..k.min(start + CHUNK))
}

/// Rounded rows `[M, K]` in the form that products of this CPU read, with their scales. Like a
/// `Vec`, it keeps its memory for the next rows.
///
/// ```
/// use minilm_kernels::{Level, Rows, quantise::{QuantisedRows, Rotation}};
/// let mut rows = QuantisedRows::<i8>::default();
/// rows.quantise(Level::detect(), Rows::new(&[1.0, -254.0], 2), Rotation::Plain);
/// assert_eq!((rows.rows(), rows.scale(0, 0)), (1, 2.0)); // 254 / 127
/// ```
#[derive(Clone, Debug, Default)]
pub struct QuantisedRows<E> {
    words: AlignedVec<u32>, // [M, stride]
    scales: Vec<f32>,       // [chunks, M]
    neighbours: Vec<i32>,   // the same, or none
    rows: usize,
    cols: usize,
    stride: usize,
    group: usize, // values of a word
    offset: i32,  // what was added to them
    element: PhantomData<E>,
}

impl<E: Integer> QuantisedRows<E> {
    /// Rounds the rows of `x` `[M, K]`, in place of those before.
    pub fn quantise(&mut self, level: Level, x: Rows, rotation: Rotation) {
        E::quantise(level, Quantise { x, rotation, to: self });
    }

    /// [`QuantisedRows::quantise`] with some instructions of the CPU.
    #[cfg(test)]
    pub(crate) fn quantise_with<S: Simd>(&mut self, s: S, x: Rows, rotation: Rotation) {
        Quantise { x, rotation, to: self }.run(s);
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns: K.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// What an integer of row `i` is worth in chunk `chunk`.
    ///
    /// # Panics
    /// If there is no such row or chunk.
    #[inline(always)]
    pub fn scale(&self, i: usize, chunk: usize) -> f32 {
        self.scales[chunk * self.rows + i]
    }

    /// The integers of row `i` `[K]`.
    ///
    /// ```
    /// use minilm_kernels::{Level, Rows, quantise::{QuantisedRows, Rotation}};
    /// let mut rows = QuantisedRows::<i8>::default();
    /// rows.quantise(Level::detect(), Rows::new(&[1.0, -0.5, 0.0], 3), Rotation::Plain);
    /// assert_eq!(rows.integers(0), [127, -64, 0]); // -63.5 is rounded to even
    /// ```
    ///
    /// # Panics
    /// If there is no such row.
    pub fn integers(&self, i: usize) -> Vec<i32> {
        let bits = 32 / self.group;
        let value = |word: u32, place: usize| {
            let top = word << (32 - bits * (place + 1)); // the value's bits are the highest
            match self.offset {
                0 => top as i32 >> (32 - bits),
                offset => (top >> (32 - bits)) as i32 - offset,
            }
        };
        let words = self.words(i).iter();
        let values = words.flat_map(|&word| (0..self.group).map(move |place| value(word, place)));
        values.take(self.cols).collect()
    }

    /// The words of row `i`.
    #[inline(always)]
    pub(crate) fn words(&self, i: usize) -> &[u32] {
        &self.words[i * self.stride..(i + 1) * self.stride]
    }

    /// All words of the rows from `first` on, up to `most` rows, and the words of a row. Rows that
    /// were stored only to make whole ones are among them.
    #[inline(always)]
    pub(crate) fn block(&self, first: usize, most: usize) -> (&[u32], usize) {
        let words = &self.words[first * self.stride..];
        (&words[..words.len().min(most * self.stride)], self.stride)
    }

    /// Some words of MR rows from `first` on.
    #[inline(always)]
    pub(crate) fn tile<const MR: usize>(&self, first: usize, words: Range<usize>) -> [&[u32]; MR] {
        let rows = &self.words[first * self.stride..(first + MR) * self.stride];
        let mut tile: [&[u32]; MR] = [&[]; MR];
        for (tile, row) in tile.iter_mut().zip(rows.chunks_exact(self.stride)) {
            *tile = &row[words.clone()];
        }
        tile
    }

    /// The scales of MR rows from `first` on.
    #[inline(always)]
    pub(crate) fn scales<const MR: usize>(&self, first: usize, chunk: usize) -> &[f32; MR] {
        of_tile(&self.scales, chunk * self.rows + first)
    }

    /// The sums of the products of neighbouring words of MR rows from `first` on, for
    /// [`Integers::WINOGRAD`](crate::simd::Integers::WINOGRAD).
    #[inline(always)]
    pub(crate) fn neighbours<const MR: usize>(&self, first: usize, chunk: usize) -> &[i32; MR] {
        of_tile(&self.neighbours, chunk * self.rows + first)
    }

    /// Checks that the rows were made for products whose words have `group` values, and that take
    /// words two by two, or do not.
    pub(crate) fn assert_form(&self, group: usize, winograd: bool) {
        let sums = if winograd { self.scales.len() } else { 0 };
        let form = (self.group, self.neighbours.len());
        assert_eq!(form, (group, sums), "the rows were rounded for another level");
    }

    /// Makes room for rows in the form of `S`.
    fn resize<S: Simd>(&mut self, rows: usize, cols: usize) {
        let (group, [whole_rows, whole_cols]) = (E::group::<S>(), E::whole::<S>());
        (self.rows, self.cols, self.group, self.offset) = (rows, cols, group, E::offset::<S>());
        // Whole vectors, and more where products take more: what lies past a row, or past the last,
        // meets weights of zero, or is not read as a result.
        self.stride = cols.next_multiple_of(whole_cols.max(LANES)) / group;
        self.words.resize(rows.next_multiple_of(whole_rows) * self.stride);
        self.scales.resize(rows * cols.div_ceil(CHUNK), 0.0);
        self.neighbours.resize(if S::WINOGRAD { self.scales.len() } else { 0 }, 0);
    }
}

/// Σ x₀·x₁ over words of two `s16`, two by two.
#[inline(always)]
fn neighbours(words: &[u32]) -> i32 {
    let low = |word: u32| i32::from(word as i16);
    let high = |word: u32| i32::from((word >> 16) as i16);
    let pairs = words.as_chunks::<2>().0;
    let product = |&[a, b]: &[u32; 2]| (low(a) * low(b)).wrapping_add(high(a) * high(b));
    // Modulo 2³²: the integers of a row that is not finite are unspecified.
    pairs.iter().map(product).fold(0, i32::wrapping_add)
}

/// The values of MR rows.
#[inline(always)]
fn of_tile<T, const MR: usize>(values: &[T], first: usize) -> &[T; MR] {
    values[first..].first_chunk().expect("a value for each row")
}

impl<E: Integer> Kernel for Quantise<'_, E> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Quantise { x, rotation, to } = self;
        let group = E::group::<S>();
        to.resize::<S>(x.rows(), x.cols());
        let mut buffer = Buffer::default();
        for i in 0..x.rows() {
            for (c, chunk) in chunks(x.cols()).enumerate() {
                let start = i * to.stride + chunk.start / group;
                let end = start + chunk.len().next_multiple_of(LANES) / group;
                let words = &mut to.words[start..end];
                let scale = quantise_chunk(
                    s,
                    &x.row(i)[chunk],
                    rotation,
                    E::LARGEST,
                    &mut buffer,
                    #[inline(always)]
                    |vector, q| E::store(s, q, &mut words[vector * (LANES / group)..]),
                );
                to.scales[c * to.rows + i] = scale;
                if const { S::WINOGRAD } {
                    to.neighbours[c * to.rows + i] = neighbours(words);
                }
            }
        }
    }
}

/// Rounds rows of weights `[N, K]`, by the function that rounds rows of x: integers `[N, K]`, and
/// what they are worth `[N, chunks]` in a product with rounded rows.
///
/// ```
/// use minilm_kernels::{Level, Rows, quantise::{Rotation, quantise_weights}};
/// let weight = Rows::new(&[254.0, -2.0], 2);
/// let (q, scales) = quantise_weights::<i8>(Level::detect(), weight, Rotation::Plain);
/// assert_eq!((q, scales), (vec![127, -1], vec![2.0]));
/// ```
pub fn quantise_weights<E: Integer>(
    level: Level,
    weight: Rows,
    rotation: Rotation,
) -> (Vec<E>, Vec<f32>) {
    let (n, k) = (weight.rows(), weight.cols());
    let (mut q, mut scales) = (vec![E::default(); n * k], vec![0.0; n * k.div_ceil(CHUNK)]);
    let kernel = QuantiseWeights { weight, rotation, q: &mut q, scales: &mut scales };
    E::quantise_weights(level, kernel);
    (q, scales)
}

impl<E: Integer> Kernel for QuantiseWeights<'_, E> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (k, mut buffer) = (self.weight.cols(), Buffer::default());
        let per_row = k.div_ceil(CHUNK);
        for i in 0..self.weight.rows() {
            let row = &mut self.q[i * k..(i + 1) * k];
            for (c, chunk) in chunks(k).enumerate() {
                let to = &mut row[chunk.clone()];
                let scale = quantise_chunk(
                    s,
                    &self.weight.row(i)[chunk.clone()],
                    self.rotation,
                    E::LARGEST,
                    &mut buffer,
                    #[inline(always)]
                    |vector, q| {
                        let mut words = [0; LANES / 2];
                        s.store_s16(q, &mut words);
                        let mut lanes = [0; LANES];
                        for (pair, word) in lanes.as_chunks_mut::<2>().0.iter_mut().zip(words) {
                            *pair = [word as i16, (word >> 16) as i16];
                        }
                        let lanes = lanes.map(E::narrow);
                        let to = &mut to[vector * LANES..];
                        match to.first_chunk_mut() {
                            Some(whole) => *whole = lanes,
                            None => to.copy_from_slice(&lanes[..to.len()]),
                        }
                    },
                );
                // The products of rotated rows are stretched twice; a power of two is exact.
                let stretch = stretch(self.rotation, chunk.len());
                self.scales[i * per_row + c] = scale / (stretch * stretch);
            }
        }
    }
}
