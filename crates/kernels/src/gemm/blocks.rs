//! A chunk of a panel in matrix registers: 32 rows of sums at a time.
//!
//! ```text
//! LOOP 1      for each block of rows        x[ic..ic+32, pc..pc+CHUNK]
//!               for each step of 64 k       sums += x·W                    matrix registers
//!                 rows of the block before  y = fma(f32(sum)·sₓ, s_w, y)   vector registers
//!               sums to memory
//! ```
//!
//! The sums are integers, so they are those of [`super::integer`], whatever multiplies. They are
//! turned into `f32` by the same function. That takes as long as the product itself, and waits for
//! other memory. So the two take turns: while the matrix unit multiplies a step of one block, the
//! vector unit finishes rows of the block before.
//!
//! In the book: `docs/16-rounding.md`.

use super::{cut, integer::Chunk};
use crate::{
    RowsMut,
    quantise::Integer,
    rows::padded,
    simd::{BLOCK_ROWS, BLOCK_VECTORS, BLOCK_WORDS, LANES, MatrixRegisters, Simd},
};
use std::{ops::Range, slice::Chunks};

/// Sums of a block.
#[repr(align(64))]
struct Sums([[[i32; LANES]; BLOCK_VECTORS]; BLOCK_ROWS]);

impl<S: Simd, E: Integer, const NV: usize> Chunk<'_, S, E, NV> {
    /// y ← y + the products, in blocks. `ahead` holds weights that are needed next.
    #[inline(always)]
    pub(super) fn blocks(
        &self,
        s: S,
        matrix: &MatrixRegisters,
        ahead: &[[E::Block<S>; NV]],
        y: &mut RowsMut, // [M, up to NR]
    ) {
        let m = self.x.rows();
        let steps = E::bytes(self.weights.as_flattened()).as_chunks().0;
        let starts = self.starts.first_chunk().expect("a panel is as wide as a block");
        let ahead = &ahead[..ahead.len().min(self.weights.len())];
        let mut ahead = ahead.chunks(self.weights.len().div_ceil(m));
        let mut sums = Sums([[[0; LANES]; BLOCK_VECTORS]; BLOCK_ROWS]);
        let mut before = 0..0; // rows whose sums are in memory
        for block in cut(m, BLOCK_ROWS) {
            let (x, stride) = self.x.block(block.start, BLOCK_ROWS);
            let mut shares = cut(before.len(), BLOCK_ROWS.div_ceil(steps.len()));
            matrix.start(starts);
            for (step, weights) in steps.iter().enumerate() {
                matrix.step(x, stride, self.steps.start + step * BLOCK_WORDS, weights);
                let share = shares.next().unwrap_or_default();
                self.finish(s, &sums, before.start, share, &mut ahead, y);
            }
            matrix.store(&mut sums.0);
            before = block;
        }
        self.finish(s, &sums, before.start, 0..before.len(), &mut ahead, y);
    }

    /// y ← y + the sums of some rows of the block that starts at row `first`, and a prefetch for
    /// each.
    #[inline(always)]
    fn finish(
        &self,
        s: S,
        sums: &Sums,
        first: usize,
        rows: Range<usize>,
        ahead: &mut Chunks<[E::Block<S>; NV]>,
        y: &mut RowsMut, // [M, up to NR]
    ) {
        for i in rows {
            for line in ahead.next().unwrap_or_default().as_flattened() {
                s.prefetch(line);
            }
            let mut of_row = [s.load_i32(&sums.0[i][0]); NV];
            for j in 1..NV {
                of_row[j] = s.load_i32(&sums.0[i][j]);
            }
            let scale = self.x.scale(first + i, self.chunk);
            let y = y.row(first + i);
            match y.as_chunks_mut().0.first_chunk_mut() {
                Some(y) => self.add(s, of_row, scale, y),
                None => {
                    let mut whole = padded(y);
                    self.add(s, of_row, scale, &mut whole);
                    y.copy_from_slice(&whole.as_flattened()[..y.len()]);
                }
            }
        }
    }
}
