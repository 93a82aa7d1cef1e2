//! The linear layer with rounded weights.
//!
//! In the book: `docs/16-rounding.md`.

mod packer;
#[cfg(test)]
mod tests;

pub use packer::QuantisedPacker;

use super::Epilogue;
use crate::{
    Level, RowsMut,
    gemm::{ColumnFactors, IntegerGemm, PART, Panels},
    memory::OutOfMemory,
    quantise::{Integer, QuantisedRows, Rotation},
};
use packer::Layout;
use std::{marker::PhantomData, ops::Range, sync::Arc};

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
        let mut packer = QuantisedPacker::new(level, level.run_integers(Layout::<E>(PhantomData)));
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
    /// multiple of [`CHUNK`](crate::quantise::CHUNK), the first call alone has a bias and is not
    /// `onto`, and the last alone has an epilogue.
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
        E::multiply(self.level, self.product(columns, x, y, epilogue, onto));
    }

    /// The kernel of [`QuantisedLinear::columns`].
    fn product<'a>(
        &'a self,
        columns: Range<usize>,
        x: &'a QuantisedRows<E>,
        y: RowsMut<'a>,
        epilogue: Epilogue<'a>,
        onto: bool,
    ) -> IntegerGemm<'a, E> {
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
        IntegerGemm { x, weights, factors, first: start, bias, y, onto, epilogue }
    }
}
