//! The linear layer with rounded weights.
//!
//! In the book: `docs/16-rounding.md`.

use super::Epilogue;
use crate::{
    Level, Rows, RowsMut,
    gemm::{ColumnFactors, IntegerGemm, PART, Panels},
    memory::{OutOfMemory, Pages},
    quantise::{CHUNK, Integer, QuantisedRows, Rotation, quantise_weights},
    simd::{Kernel, LANES, Simd},
    tiles::Tiles,
};
use std::{
    borrow::Cow,
    marker::PhantomData,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// A linear layer `y = x·Wᵀ + b` whose weights are rounded to `E`, `i8` or `i16`, and which takes
/// rows that are rounded in the same way.
///
/// ```text
/// y = b, then for each chunk of k:  y = fma(f32(Σ q_x·q_w) · s_x, s_w, y)
/// ```
///
/// ```
/// use minilm_kernels::{Level, QuantisedLinear, Rows, RowsMut, linear::Epilogue};
/// use minilm_kernels::quantise::{QuantisedRows, Rotation};
/// let (level, w, x) = (Level::detect(), [2.0, 127.0], [127.0, 1.0]); // scales of 1
/// let linear = QuantisedLinear::<i8>::pack(level, &w, 1, Rotation::Plain).with_bias(&[0.5]);
/// let mut rows = QuantisedRows::default();
/// rows.quantise(level, Rows::new(&x, 2), linear.rotation());
/// let mut y = [0.0];
/// linear.forward(&rows, RowsMut::new(&mut y, 1), Epilogue::Identity);
/// assert_eq!(y, [2.0 * 127.0 + 127.0 + 0.5]);
/// ```
#[derive(Clone, Debug)]
pub struct QuantisedLinear<E> {
    level: Level,
    weights: Panels<E>, // [N, K in whole words]
    factors: Arc<ColumnFactors>,
    bias: Option<Vec<f32>>, // [N]
    inputs: usize,          // K
    rotation: Rotation,
}

impl<E: Integer> QuantisedLinear<E> {
    /// Rounds and packs `weight` `[outputs, K]` for `level`.
    ///
    /// # Panics
    /// If `weight` is empty or holds no whole rows, or there is no memory.
    pub fn pack(
        level: Level,
        weight: &[f32],
        outputs: usize,
        rotation: Rotation,
    ) -> QuantisedLinear<E> {
        QuantisedLinear::pack_together(level, |packer| packer.linear(weight, outputs, rotation))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Packs layers into one piece of memory, as
    /// [`Linear::pack_together`](super::Linear::pack_together).
    ///
    /// # Errors
    /// If there is no memory.
    ///
    /// # Panics
    /// If weights are empty or hold no whole rows.
    pub fn pack_together<'a, T>(
        level: Level,
        layers: impl FnOnce(&mut QuantisedPacker<'a, E>) -> T,
    ) -> Result<T, OutOfMemory> {
        let layout = level.run_integers(Layout::<E>(PhantomData));
        let mut packer =
            QuantisedPacker { level, layout, memory: Arc::default(), len: 0, matrices: Vec::new() };
        let packed = layers(&mut packer);
        packer.finish()?;
        Ok(packed)
    }

    /// The same layer with the bias `[N]`.
    ///
    /// # Panics
    /// If `bias` has another length.
    #[must_use]
    pub fn with_bias(self, bias: &[f32]) -> QuantisedLinear<E> {
        let n = self.outputs();
        assert_eq!(bias.len(), n, "{} biases for {n} outputs", bias.len());
        QuantisedLinear { bias: Some(bias.to_vec()), ..self }
    }

    /// Columns of x: K.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Columns of y: N.
    pub fn outputs(&self) -> usize {
        self.weights.outputs()
    }

    /// Whether the layer takes rotated rows.
    pub fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// y = epilogue(x·Wᵀ + b) for x `[M, K]` and y `[M, N]`.
    ///
    /// # Panics
    /// If the shapes do not fit, or the rows were rounded for another level.
    pub fn forward(&self, x: &QuantisedRows<E>, y: RowsMut, epilogue: Epilogue) {
        self.columns(0..self.outputs(), x, y, epilogue, false);
    }

    /// y = epilogue((y +) x·Wᵀ + b) for x `[M, K]` and y `[M, columns]`: some columns of y alone,
    /// and, if `onto`, one of several layers into which a product is cut along K.
    ///
    /// The result has the bits of the uncut product if every layer but the last has a K that is a
    /// multiple of [`CHUNK`], the first call alone has a bias and is not `onto`, and the last alone
    /// has an epilogue.
    ///
    /// # Panics
    /// If the shapes do not fit, the rows were rounded for another level, or the columns do not
    /// start at a multiple of [`PART`] and end at one or at N.
    pub fn columns(
        &self,
        columns: Range<usize>,
        x: &QuantisedRows<E>,
        y: RowsMut,
        epilogue: Epilogue,
        onto: bool,
    ) {
        let (Range { start, end }, n) = (columns.clone(), self.outputs());
        assert!(start <= end && end <= n, "columns {columns:?} of {n}");
        assert!(
            (columns.is_empty() || start.is_multiple_of(PART))
                && (end == n || end.is_multiple_of(PART)),
            "columns start and end at a multiple of {PART}: {columns:?} of {n}"
        );
        let k = self.inputs;
        assert_eq!(x.cols(), k, "x has {} columns, the weights {k}", x.cols());
        let shape = (x.rows(), columns.len());
        assert_eq!((y.rows(), y.cols()), shape, "y has another shape");
        if let Epilogue::Residual(r) = epilogue {
            assert_eq!((r.rows(), r.cols()), shape, "the residual's shape is not y's");
        }
        let bias = self.bias.as_ref().map(|bias| &bias[columns]);
        let (weights, factors) = (&self.weights, &*self.factors);
        let product = IntegerGemm { x, weights, factors, first: start, bias, y, onto, epilogue };
        E::multiply(self.level, product);
    }
}

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
        let n = outputs;
        assert!(n > 0 && !weight.is_empty(), "a linear layer has at least one weight");
        assert!(
            weight.len().is_multiple_of(n),
            "{} weights are no whole rows for {n} outputs",
            weight.len()
        );
        let rows = Rows::new(weight, weight.len() / n);
        let (q, scales) = quantise_weights(self.level, rows, rotation);
        self.integers(q, &scales, n, rotation)
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
        let words = k.next_multiple_of(layout.group);
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
    fn finish(self) -> Result<(), OutOfMemory> {
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
struct Layout<E>(PhantomData<E>);

/// The numbers of a [`Layout`].
#[derive(Clone, Copy, Debug)]
struct Widths {
    vectors: usize, // NV
    group: usize,   // k's of a step
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
            offset: E::offset::<S>(),
            winograd: S::WINOGRAD,
        }
    }
}

impl Widths {
    /// Panels of [steps, NR, G]; columns and k's that do not exist are zeros.
    fn pack<E: Integer, const G: usize>(&self, panels: &mut [E], [n, k]: [usize; 2], q: &[E]) {
        let (nr, words) = (self.vectors * LANES, k.next_multiple_of(G));
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
