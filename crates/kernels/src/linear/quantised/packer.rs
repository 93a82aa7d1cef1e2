//! Rounded weights in panels, one layer behind the other.
//!
//! In the book: `docs/16-rounding.md`.

use super::QuantisedLinear;
use crate::{
    Level, Rows,
    gemm::{ColumnFactors, Panels, inputs},
    memory::{OutOfMemory, Pages},
    quantise::{CHUNK, Integer, Rotation, quantise_weights},
    simd::{Kernel, LANES, Simd},
    tiles::Tiles,
};
use std::{
    borrow::Cow,
    marker::PhantomData,
    sync::{Arc, OnceLock},
};

/// Lays out layers one behind the other, see [`QuantisedLinear::pack_together`].
#[derive(Debug)]
pub struct QuantisedPacker<'a, E: Clone> {
    level: Level,
    layout: Widths,
    memory: Arc<OnceLock<Pages<E>>>,
    len: usize, // of the memory so far
    matrices: Vec<(Cow<'a, [E]>, Panels<E>)>,
}

impl<'a, E: Integer> QuantisedPacker<'a, E> {
    pub(super) fn new(level: Level, layout: Widths) -> QuantisedPacker<'a, E> {
        QuantisedPacker { level, layout, memory: Arc::default(), len: 0, matrices: Vec::new() }
    }

    /// The layer with the weights `[outputs, K]`, which is packed behind those before it.
    ///
    /// # Panics
    /// As [`QuantisedLinear::pack`].
    pub fn linear(
        &mut self,
        weight: &[f32],
        outputs: usize,
        rotation: Rotation,
    ) -> QuantisedLinear<E> {
        let rows = Rows::new(weight, inputs(weight, outputs));
        let (q, scales) = quantise_weights(self.level, rows, rotation);
        self.integers(q, &scales, outputs, rotation)
    }

    /// The layer with weights that [`quantise_weights`] has rounded: q `[outputs, K]`, scales
    /// `[outputs, chunks of K]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn integers(
        &mut self,
        q: impl Into<Cow<'a, [E]>>,
        scales: &[f32],
        outputs: usize,
        rotation: Rotation,
    ) -> QuantisedLinear<E> {
        let q = q.into();
        let (n, k) = (outputs, q.len() / outputs);
        assert_eq!((q.len(), scales.len()), (n * k, n * k.div_ceil(CHUNK)), "weights and scales");
        let layout = self.layout;
        let words = k.next_multiple_of(layout.whole);
        let weights = Panels::at(&self.memory, self.len, [n, words], layout.vectors);
        self.len = weights.end();
        let width = n.next_multiple_of(layout.vectors * LANES);
        let factors = layout.factors([n, k], width, &q, scales);
        self.matrices.push((q, weights.clone()));
        QuantisedLinear {
            level: self.level,
            weights,
            factors: Arc::new(factors),
            bias: None,
            inputs: k,
            rotation,
        }
    }

    /// Packs all layers.
    pub(super) fn finish(self) -> Result<(), OutOfMemory> {
        let mut memory = Pages::try_zeroed(self.len)?;
        for (q, weights) in &self.matrices {
            let panels = &mut memory[weights.range()];
            let shape = [weights.outputs(), q.len() / weights.outputs()];
            match self.layout.group {
                2 => self.layout.pack::<E, 2>(panels, shape, q),
                4 => self.layout.pack::<E, 4>(panels, shape, q),
                group => unreachable!("no level has words of {group} values"),
            }
        }
        self.memory.set(memory).expect("`finish` consumes the packer");
        Ok(())
    }
}

/// How a level reads panels of `E`.
pub(super) struct Layout<E>(pub PhantomData<E>);

/// The numbers of a [`Layout`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    vectors: usize, // NV
    group: usize,   // k's of a step
    whole: usize,   // k's that a panel has a multiple of
    offset: i32,    // of x
    winograd: bool, // whether words are taken two by two
}

impl<E: Integer> Kernel for Layout<E> {
    type Output = Widths;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Widths {
        Widths {
            vectors: S::Tiles::PANEL,
            group: E::group::<S>(),
            whole: E::whole::<S>()[1],
            offset: E::offset::<S>(),
            winograd: S::WINOGRAD,
        }
    }
}

impl Widths {
    /// Panels of [steps, NR, G]; columns and k's that do not exist are zeros.
    fn pack<E: Integer, const G: usize>(&self, panels: &mut [E], [n, k]: [usize; 2], q: &[E]) {
        let (nr, words) = (self.vectors * LANES, k.next_multiple_of(self.whole));
        for (p, panel) in panels.chunks_exact_mut(nr * words).enumerate() {
            let (panel, _) = panel.as_chunks_mut::<G>(); // [steps · NR]
            for column in 0..nr.min(n - p * nr) {
                let (whole, rest) = q[(p * nr + column) * k..][..k].as_chunks::<G>();
                for (k, from) in whole.iter().enumerate() {
                    panel[k * nr + column] = *from;
                }
                if !rest.is_empty() {
                    panel[whole.len() * nr + column][..rest.len()].copy_from_slice(rest);
                }
            }
        }
    }

    /// Scales and starting sums in the order in which the loops read them.
    fn factors<E: Integer>(
        &self,
        [n, k]: [usize; 2],
        width: usize,
        q: &[E],
        of_rows: &[f32],
    ) -> ColumnFactors {
        let chunks = k.div_ceil(CHUNK);
        let (mut scales, mut starts) = (vec![0.0; chunks * width], vec![0; chunks * width]);
        for column in 0..n {
            for (c, q) in q[column * k..][..k].chunks(CHUNK).enumerate() {
                scales[c * width + column] = of_rows[column * chunks + c];
                if self.offset != 0 {
                    let sum: i32 = q.iter().map(|&q| q.into()).sum();
                    starts[c * width + column] = -self.offset * sum;
                }
                if self.winograd {
                    // w₀·w₁ of neighbouring words, of two values each
                    let value = |k: usize| -> i32 { q.get(k).map_or(0, |&q| q.into()) };
                    let products = (0..q.len()).filter(|k| k % 4 < 2);
                    let sum: i32 = products.map(|k| value(k) * value(k + 2)).sum();
                    starts[c * width + column] = -sum;
                }
            }
        }
        ColumnFactors { scales, starts, width }
    }
}
