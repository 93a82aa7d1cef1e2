//! The product of rounded rows with rounded weights: exact integer sums, then `f32`.
//!
//! ```text
//! LOOP 3  for each panel               y[.., jc..jc+NR]
//! LOOP 2    for each chunk of k        W[jc..jc+NR, pc..pc+CHUNK]
//! LOOP 1      for each tile of rows    x[ic..ic+MR, pc..pc+CHUNK]
//!               micro-kernel           MR × NR sums in i32
//!               y = fma(f32(sum)·sₓ, s_w, y)      the bias before the first chunk
//!           epilogue                   GELU or residual
//! ```
//!
//! The loops, the tiles and the micro-kernel are those of [`gemm`](super). A chunk has its own
//! scales, one for each row of x and one for each column of y, so its sums are turned into `f32`
//! before the next chunk. The bias comes first because the sum of the first chunk is then one
//! multiply-add from it, with no pass over y of its own.
//!
//! No result leaves `i32`: 384·2047² = 1.61·10⁹ < 2³¹, and 384·(127 + 128)·127 = 1.24·10⁷.
//!
//! Where products take two words at once ([`Integers::WINOGRAD`]), a sum starts at minus what they
//! add that belongs to its row or its column alone. A tile then has fewer rows, since a pair of
//! words has twice the operands in registers.
//!
//! In the book: `docs/16-rounding.md`.
//!
//! [`Integers::WINOGRAD`]: crate::simd::Integers::WINOGRAD

use super::{
    Finish, Panels, cut, deal,
    micro::{Arithmetic, prefetched, steps, tile_rows},
};
use crate::{
    RowsMut,
    linear::Epilogue,
    quantise::{CHUNK, Integer, QuantisedRows},
    rows::padded,
    simd::{BLOCK_ROWS, Kernel, LANES, Simd},
    tiles::{Tiled, Tiles},
};
use std::{marker::PhantomData, ops::Range, slice::Chunks};

/// What each column of y has for each chunk of k, in whole panels.
#[derive(Clone, Debug)]
pub struct ColumnFactors {
    pub scales: Vec<f32>, // [chunks, panels · NR]
    pub starts: Vec<i32>, // the same, −OFFSET·Σₖ w, or minus the products of neighbouring words
    pub width: usize,     // panels · NR
}

/// One product: y ← epilogue((y +) x·Wᵀ + b) for the columns of W from `first` on.
pub struct IntegerGemm<'a, E> {
    pub(crate) x: &'a QuantisedRows<E>, // [M, K]
    pub(crate) weights: &'a Panels<E>,  // W [N, K in whole words]
    pub(crate) factors: &'a ColumnFactors,
    pub(crate) first: usize, // column of y in W; a multiple of PART
    pub(crate) bias: Option<&'a [f32]>, // [columns of y]
    pub(crate) y: RowsMut<'a>, // [M, columns]
    pub(crate) onto: bool,   // whether y already holds sums
    pub(crate) epilogue: Epilogue<'a>,
}

/// Products of the element `E`: a step is one word.
struct Words<E>(PhantomData<E>);

impl<S: Simd, E: Integer> Arithmetic<S> for Words<E> {
    type X = u32;
    type W = E::Block<S>;
    type V = S::I32x16;

    const HALVES: bool = S::HALVES;

    #[inline(always)]
    fn load(s: S, w: &E::Block<S>) -> S::I32x16 {
        E::load(s, w)
    }

    #[inline(always)]
    fn splat(s: S, x: u32) -> S::I32x16 {
        s.splat_word(x)
    }

    #[inline(always)]
    fn mul_add(s: S, x: S::I32x16, w: S::I32x16, sum: S::I32x16) -> S::I32x16 {
        E::dot(s, sum, x, w)
    }

    #[inline(always)]
    fn halves(s: S, low: S::I32x16, high: S::I32x16) -> S::I32x16 {
        s.halves(low, high)
    }

    const PAIRS: bool = S::WINOGRAD;

    #[inline(always)]
    fn mul_add_pair(s: S, x: [S::I32x16; 2], w: [S::I32x16; 2], sum: S::I32x16) -> S::I32x16 {
        s.dot_pair(sum, x, w)
    }
}

impl<E: Integer> Kernel for IntegerGemm<'_, E> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        S::Tiles::gemm(s, self);
    }
}

impl<E: Integer> Tiled for IntegerGemm<'_, E> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd, const MOST: usize, const NV: usize>(mut self, s: S) {
        let (nr, group) = (NV * LANES, E::group::<S>());
        let (m, n, k) = (self.x.rows(), self.y.cols(), self.weights.inputs());
        let at_most = most::<S, E>(MOST); // rows of a tile
        self.x.assert_form(group, S::WINOGRAD);
        let chunk = CHUNK / group; // steps
        let share = chunk.div_ceil(m.div_ceil(at_most).max(1)); // of a tile
        let share = share.next_multiple_of(const { prefetched::<E::Block<S>>() });
        // A block of fewer rows costs as much as a whole tile, and is over before the next weights
        // have come.
        let matrix = if m < BLOCK_ROWS / 2 { None } else { E::matrix_registers(s) };
        // LOOP 3: panels
        for (p, columns) in cut(n, nr).enumerate() {
            let mut y = self.y.columns(columns.clone()); // y[.., jc..jc+NR]
            let bias = padded(self.bias.map_or(&[], |bias| &bias[columns.clone()]));
            // W[jc..jc+NR, ..], and the weights behind it
            let panel = E::blocks::<S>(self.weights.behind(self.first / nr + p, nr));
            let panel = panel.as_chunks::<NV>().0;
            // LOOP 2: chunks of k
            for (c, steps) in cut(k / group, chunk).enumerate() {
                let (weights, behind) = panel[steps.start..].split_at(steps.len());
                let mut ahead = behind[..behind.len().min(chunk)].chunks(share);
                let at = c * self.factors.width + self.first + p * nr;
                let chunk = Chunk::<S, E, NV> {
                    x: self.x,
                    chunk: c,
                    steps,
                    weights,
                    scales: whole(&self.factors.scales[at..]),
                    starts: whole(&self.factors.starts[at..]),
                    bias: (!self.onto && c == 0).then_some(&bias),
                };
                if let Some(matrix) = &matrix {
                    chunk.blocks(s, matrix, behind, &mut y);
                    continue;
                }
                // LOOP 1: tiles
                for (rows, size) in deal(m, at_most) {
                    tile_rows!(size, most::<S, E>(MOST), MR => {
                        chunk.tiles::<MR>(s, rows, &mut ahead, &mut y);
                    });
                }
            }
            if let Some(finish) = Finish::<NV>::new(None, self.epilogue, columns, y) {
                s.vectorize(finish); // a function of its own: GELU needs the registers
            }
        }
    }
}

/// The most rows of a tile where a tile of floats has at most `of_floats`: sums in halves take half
/// of the registers, an instruction for a product and its sum needs none between the two, and the
/// operands of a pair of words take those of a third of the sums.
const fn most<S: Simd, E>(of_floats: usize) -> usize {
    if S::HALVES {
        let one_instruction = size_of::<E>() == 1 && S::GROUP == 4;
        if one_instruction { 3 * of_floats } else { 2 * of_floats }
    } else if S::WINOGRAD {
        (2 * of_floats).div_ceil(3)
    } else {
        of_floats
    }
}

/// The first NV vectors of a slice.
#[inline(always)]
fn whole<T, const NV: usize>(from: &[T]) -> &[[T; LANES]; NV] {
    from.as_chunks().0.first_chunk().expect("factors come in whole panels")
}

/// One chunk of one panel.
pub(super) struct Chunk<'a, S: Simd, E: Integer, const NV: usize> {
    pub(super) x: &'a QuantisedRows<E>,
    pub(super) chunk: usize,
    pub(super) steps: Range<usize>,
    pub(super) weights: &'a [[E::Block<S>; NV]], // [steps]
    pub(super) scales: &'a [[f32; LANES]; NV],
    pub(super) starts: &'a [[i32; LANES]; NV],
    pub(super) bias: Option<&'a [[f32; LANES]; NV]>, // instead of y, before the first chunk
}

impl<S: Simd, E: Integer, const NV: usize> Chunk<'_, S, E, NV> {
    /// y[rows] ← y + the products, in tiles of MR rows, each of which prefetches a share of
    /// `ahead`.
    #[inline(always)]
    fn tiles<const MR: usize>(
        &self,
        s: S,
        rows: Range<usize>,
        ahead: &mut Chunks<[E::Block<S>; NV]>,
        y: &mut RowsMut, // [M, up to NR]
    ) {
        for row in rows.step_by(MR) {
            self.tile::<MR>(s, row, ahead.next().unwrap_or_default(), y);
        }
    }

    /// y[ic..ic+MR, jc..jc+NR] ← y + the products
    #[inline(always)]
    fn tile<const MR: usize>(
        &self,
        s: S,
        row: usize,
        ahead: &[[E::Block<S>; NV]],
        y: &mut RowsMut, // [M, up to NR]
    ) {
        let x = self.x.tile(row, self.steps.clone()); // x[ic..ic+MR, pc..pc+CHUNK]
        let mut starts = [[s.load_i32(&self.starts[0]); NV]; MR];
        for j in 1..NV {
            let of_column = s.load_i32(&self.starts[j]);
            for i in 0..MR {
                starts[i][j] = of_column;
            }
        }
        if const { S::WINOGRAD } {
            let of_rows = self.x.neighbours::<MR>(row, self.chunk);
            for i in 0..MR {
                let of_row = s.splat_word(of_rows[i].cast_unsigned());
                for j in 0..NV {
                    starts[i][j] = s.sub_i32(starts[i][j], of_row);
                }
            }
        }
        let mut copy = y.copy_of_narrow::<MR, NV>(row);
        let sums = steps::<S, Words<E>, MR, NV>(s, x, self.weights, ahead, starts);
        let mut to = y.tile(row, &mut copy);
        let of_rows = self.x.scales::<MR>(row, self.chunk);
        for i in 0..MR {
            self.add(s, sums[i], of_rows[i], to.vectors::<NV>(i));
        }
        y.put_back(row, &copy);
    }

    /// y ← y + the sums of a row, times their scales
    #[inline(always)]
    pub(super) fn add(&self, s: S, sums: [S::I32x16; NV], of_row: f32, y: &mut [[f32; LANES]; NV]) {
        let of_row = s.splat(of_row);
        for j in 0..NV {
            let before = s.load(self.bias.map_or(&y[j], |bias| &bias[j]));
            let product = s.mul(s.to_f32(sums[j]), of_row);
            s.store(s.mul_add(product, s.load(&self.scales[j]), before), &mut y[j]);
        }
    }
}
