//! A linear layer in the precision of the model.
//!
//! In the book: `docs/16-rounding.md`.

use crate::Precision;
use minilm_kernels::{
    Level, Linear, QuantisedLinear, Rows, RowsMut,
    gemm::Packer,
    linear::{Epilogue, QuantisedPacker},
    memory::OutOfMemory,
    quantise::{QuantisedRows, Rotation},
};
use std::{borrow::Cow, ops::Range};

/// y = x·Wᵀ + b, with weights of one precision.
#[derive(Debug)]
pub(crate) enum Projection {
    F32(Linear),
    Int16(QuantisedLinear<i16>),
    Int8(QuantisedLinear<i8>),
}

/// Rows for a [`Projection`], rounded if it takes integers.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    F32(Rows<'a>),
    Int16(&'a QuantisedRows<i16>),
    Int8(&'a QuantisedRows<i8>),
}

/// The memory of rounded rows.
#[derive(Debug, Default)]
pub(crate) struct Rounded {
    int16: QuantisedRows<i16>,
    int8: QuantisedRows<i8>,
}

impl Projection {
    /// Columns of x: K.
    pub(crate) fn inputs(&self) -> usize {
        match self {
            Projection::F32(linear) => linear.inputs(),
            Projection::Int16(linear) => linear.inputs(),
            Projection::Int8(linear) => linear.inputs(),
        }
    }

    /// Columns of y: N.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Projection::F32(linear) => linear.outputs(),
            Projection::Int16(linear) => linear.outputs(),
            Projection::Int8(linear) => linear.outputs(),
        }
    }

    /// The same with a bias `[N]`; with none if it is empty.
    fn with_bias(self, bias: &[f32]) -> Projection {
        match self {
            all if bias.is_empty() => all,
            Projection::F32(linear) => Projection::F32(linear.with_bias(bias)),
            Projection::Int16(linear) => Projection::Int16(linear.with_bias(bias)),
            Projection::Int8(linear) => Projection::Int8(linear.with_bias(bias)),
        }
    }

    /// x `[T, K]` as this projection, and every other that has the same rotation, takes it.
    pub(crate) fn round<'a>(
        &self,
        level: Level,
        x: Rows<'a>,
        rounded: &'a mut Rounded,
    ) -> Input<'a> {
        match self {
            Projection::F32(_) => Input::F32(x),
            Projection::Int16(linear) => {
                rounded.int16.quantise(level, x, linear.rotation());
                Input::Int16(&rounded.int16)
            }
            Projection::Int8(linear) => {
                rounded.int8.quantise(level, x, linear.rotation());
                Input::Int8(&rounded.int8)
            }
        }
    }

    /// y = epilogue((y +) x·Wᵀ + b) for some columns of y; onto y if it is one of several layers
    /// into which a product is cut along K, and not the first.
    pub(crate) fn columns(
        &self,
        columns: Range<usize>,
        x: Input,
        y: RowsMut,
        epilogue: Epilogue,
        onto: bool,
    ) {
        match (self, x) {
            (Projection::F32(linear), Input::F32(x)) if onto => {
                linear.columns(columns).accumulate(x, y, epilogue);
            }
            (Projection::F32(linear), Input::F32(x)) => {
                linear.columns(columns).forward(x, y, epilogue);
            }
            (Projection::Int16(linear), Input::Int16(x)) => {
                linear.columns(columns, x, y, epilogue, onto);
            }
            (Projection::Int8(linear), Input::Int8(x)) => {
                linear.columns(columns, x, y, epilogue, onto);
            }
            _ => unreachable!("`round` gives rows of the projection's own kind"),
        }
    }

    /// y = x·Wᵀ + b for whole tensors x `[T, K]` and y `[T, N]`.
    pub(crate) fn forward(&self, level: Level, x: &[f32], y: &mut [f32]) {
        let mut rounded = Rounded::default();
        let x = self.round(level, Rows::new(x, self.inputs()), &mut rounded);
        let (n, y) = (self.outputs(), RowsMut::new(y, self.outputs()));
        self.columns(0..n, x, y, Epilogue::Identity, false);
    }
}

/// Packs projections one behind the other, in the order of their use.
pub(crate) enum Packing<'p, 'w> {
    F32(&'p mut Packer<'w>),
    Int16(&'p mut QuantisedPacker<'w, i16>),
    Int8(&'p mut QuantisedPacker<'w, i8>),
}

impl<'w> Packing<'_, 'w> {
    /// Calls `layers` with the packer of `precision`.
    pub(crate) fn together<T>(
        precision: Precision,
        level: Level,
        layers: impl FnOnce(Packing<'_, 'w>) -> T,
    ) -> Result<T, OutOfMemory> {
        match precision {
            Precision::F32 => Linear::pack_together(level, |p| layers(Packing::F32(p))),
            Precision::Int16 => {
                QuantisedLinear::pack_together(level, |p| layers(Packing::Int16(p)))
            }
            Precision::Int8 => QuantisedLinear::pack_together(level, |p| layers(Packing::Int8(p))),
        }
    }

    /// The layer with the weights `[outputs, K]` and the bias `[outputs]`, or none.
    pub(crate) fn linear(
        &mut self,
        weight: Cow<'w, [f32]>,
        bias: &[f32],
        outputs: usize,
        rotation: Rotation,
    ) -> Projection {
        let projection = match self {
            Packing::F32(packer) => Projection::F32(packer.linear(weight, outputs)),
            Packing::Int16(packer) => Projection::Int16(packer.linear(&weight, outputs, rotation)),
            Packing::Int8(packer) => Projection::Int8(packer.linear(&weight, outputs, rotation)),
        };
        projection.with_bias(bias)
    }

    /// The same with weights `[outputs, K]` that are integers already, and their scales.
    pub(crate) fn int8(
        &mut self,
        (q, scales): (Cow<'w, [i8]>, &[f32]),
        bias: &[f32],
        outputs: usize,
        rotation: Rotation,
    ) -> Projection {
        let Packing::Int8(packer) = self else {
            unreachable!("`Bert` refuses another precision than the checkpoint's")
        };
        let projection = Projection::Int8(packer.integers(q, scales, outputs, rotation));
        projection.with_bias(bias)
    }
}
