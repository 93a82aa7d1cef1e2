//! Weights in the order in which the micro-kernel reads them.
//!
//! ```text
//! W [N, K] as stored                   packed, NR = 2 for the picture
//!   w00 w01 w02 …   ─ column 0 of y      panel 0: w00 w10 │ w01 w11 │ w02 w12 │ …   k ascending
//!   w10 w11 w12 …   ─ column 1           panel 1: w20 w30 │ w21 w31 │ …
//!   w20 w21 w22 …
//! ```
//!
//! Missing columns of the last panel repeat the last column. Matrices that are packed together lie
//! in memory in the order of their use, so the weights behind a chain are those that are needed
//! next, across panels and from one product to the following one. A panel starts on a cache line.
//!
//! In the book: `docs/02-memory.md`.

use crate::{
    Level, Rows,
    memory::{Element, OutOfMemory, Pages},
    simd::{Kernel, LANES, Simd},
    tiles::{Tiled, Tiles},
};
use std::{
    borrow::Cow,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// A matrix W `[N, K]` of elements `E` in panels.
#[derive(Clone, Debug)]
pub(crate) struct Panels<E> {
    memory: Arc<OnceLock<Pages<E>>>, // shared by the matrices that were packed together
    range: Range<usize>,             // of the memory: [panels, K, NR]
    n: usize,
    k: usize,
}

impl<E: Element> Panels<E> {
    /// Rows of W, columns of y: N.
    pub(crate) fn outputs(&self) -> usize {
        self.n
    }

    /// Columns of W and of x: K.
    pub(crate) fn inputs(&self) -> usize {
        self.k
    }

    /// A matrix `[n, k]` whose panels start at `start` of the memory.
    pub(crate) fn at(
        memory: &Arc<OnceLock<Pages<E>>>,
        start: usize,
        [n, k]: [usize; 2],
        vectors: usize, // NV
    ) -> Panels<E> {
        let range = start..start + n.next_multiple_of(vectors * LANES) * k;
        Panels { memory: Arc::clone(memory), range, n, k }
    }

    /// Where its panels end in the memory.
    pub(crate) fn end(&self) -> usize {
        self.range.end
    }

    /// Panel `p` of `nr` columns and everything that lies behind it, element by element.
    #[inline(always)]
    pub(super) fn behind(&self, p: usize, nr: usize) -> &[E] {
        let memory = self.memory.get().expect("`pack_together` has filled the panels");
        &memory[self.range.start + p * nr * self.k..]
    }

    /// Where its panels are.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Panel `p`, NV vectors for each k, and everything that lies behind it.
    #[inline(always)]
    pub(super) fn starting_at<const NV: usize>(&self, p: usize) -> &[[[E; LANES]; NV]] {
        let memory = self.memory.get().expect("`pack_together` has filled the panels");
        &memory[self.range.start..].as_chunks().0.as_chunks().0[p * self.k..]
    }
}

impl Panels<f32> {
    /// Replaces the elements by those of `weight` `[N, K]`, in place.
    pub(crate) fn replace(&mut self, level: Level, weight: Rows) {
        let memory = Arc::get_mut(&mut self.memory).and_then(OnceLock::get_mut);
        let memory = memory.expect("the panels of a layer that is not shared");
        level.run(Pack { weight, panels: &mut memory[self.range.clone()] });
    }
}

/// Lays out matrices one behind the other, see
/// [`Linear::pack_together`](crate::Linear::pack_together).
#[derive(Debug)]
pub struct Packer<'a> {
    level: Level,
    memory: Arc<OnceLock<Pages<f32>>>,
    len: usize,
    matrices: Vec<(Cow<'a, [f32]>, Panels<f32>)>,
}

impl<'a> Packer<'a> {
    pub(crate) fn new(level: Level) -> Packer<'a> {
        Packer { level, memory: Arc::default(), len: 0, matrices: Vec::new() }
    }

    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// A place for W `[outputs, K]`, which is filled by [`Packer::finish`].
    pub(crate) fn place(&mut self, weight: Cow<'a, [f32]>, outputs: usize) -> Panels<f32> {
        let shape = [outputs, inputs(&weight, outputs)];
        let panels = Panels::at(&self.memory, self.len, shape, self.level.run(PanelVectors));
        self.len = panels.range.end;
        self.matrices.push((weight, panels.clone()));
        panels
    }

    /// Packs all matrices.
    pub(crate) fn finish(self) -> Result<(), OutOfMemory> {
        let mut memory = Pages::try_zeroed(self.len)?;
        for (weight, panels) in &self.matrices {
            let weight = Rows::new(weight, panels.k);
            self.level.run(Pack { weight, panels: &mut memory[panels.range.clone()] });
        }
        self.memory.set(memory).expect("`finish` consumes the packer");
        Ok(())
    }
}

/// K of W `[outputs, K]`.
///
/// # Panics
/// If there is no weight, or no whole rows.
pub(crate) fn inputs(weight: &[f32], outputs: usize) -> usize {
    let n = outputs;
    assert!(n > 0 && !weight.is_empty(), "a linear layer has at least one weight");
    assert!(
        weight.len().is_multiple_of(n),
        "{} weights are no whole rows for {n} outputs",
        weight.len()
    );
    weight.len() / n
}

/// W into panels of the level's width.
pub(super) struct Pack<'a> {
    pub weight: Rows<'a>,      // [N, K]
    pub panels: &'a mut [f32], // [panels, K, NR]
}

impl Kernel for Pack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        S::Tiles::gemm(s, self);
    }
}

impl Tiled for Pack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd, const MR: usize, const NV: usize>(self, s: S) {
        let panels = self.panels.as_chunks_mut().0.as_chunks_mut().0;
        for (p, panel) in panels.chunks_exact_mut(self.weight.cols()).enumerate() {
            let rows = p * NV * LANES..self.weight.rows().min((p + 1) * NV * LANES);
            transpose::<S, NV>(s, self.weight.slice(rows), panel);
        }
    }
}

/// Up to `16 * NV` rows to the columns of a panel, sixteen of each at a time; columns without a row
/// repeat the last one.
#[inline(always)]
pub(crate) fn transpose<S: Simd, const NV: usize>(
    s: S,
    rows: Rows,                       // [up to 16 * NV, K]
    panel: &mut [[[f32; LANES]; NV]], // [K]
) {
    let last = rows.rows() - 1;
    let (whole, rest) = panel.split_at_mut(rows.cols() / LANES * LANES); // [K]
    for j in 0..NV {
        let row = |lane: usize| rows.row((j * LANES + lane).min(last)).as_chunks::<LANES>();
        let mut from: [&[[f32; LANES]]; LANES] = [&[]; LANES];
        for (lane, from) in from.iter_mut().enumerate() {
            *from = &row(lane).0[..whole.len() / LANES];
        }
        for (block, panel) in whole.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut square = [s.zero(); LANES];
            for lane in 0..LANES {
                square[lane] = s.load(&from[lane][block]);
            }
            let columns = s.transpose(square);
            for k in 0..LANES {
                s.store(columns[k], &mut panel[k][j]);
            }
        }
        if !rest.is_empty() {
            let mut square = [s.zero(); LANES];
            for (lane, to) in square.iter_mut().enumerate() {
                *to = s.load_or(row(lane).1, 0.0);
            }
            let columns = s.transpose(square);
            for (k, to) in rest.iter_mut().enumerate() {
                s.store(columns[k], &mut to[j]);
            }
        }
    }
}

/// The width of the level's panels.
struct PanelVectors;

impl Kernel for PanelVectors {
    type Output = usize;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        S::Tiles::PANEL
    }
}
