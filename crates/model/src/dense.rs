//! A linear layer as a checkpoint stores it, and parts of one, on the way to their panels.
//!
//! In the book: `docs/02-memory.md`.

use crate::{
    Error, Precision,
    projection::{Packing, Projection},
    weights::Checkpoint,
};
use minilm_kernels::quantise::{CHUNK, Rotation};
use std::{borrow::Cow, ops::Range};

/// A linear layer, or a part of one.
pub(crate) struct Dense<'a> {
    weight: Weight<'a>,   // [outputs, inputs]
    bias: Cow<'a, [f32]>, // [outputs], or empty
    outputs: usize,
    inputs: usize,
}

/// W `[outputs, inputs]` in the numbers that are stored.
enum Weight<'a> {
    Floats(Matrix<'a, f32>),
    Int8 {
        q: Matrix<'a, i8>,
        scales: Matrix<'a, f32>, // [outputs, chunks of inputs]
    },
}

/// A row-major matrix that may be read in place.
struct Matrix<'a, T: Copy> {
    data: Cow<'a, [T]>,
    cols: usize,
}

impl<'a> Dense<'a> {
    pub(crate) fn load(
        checkpoint: &'a Checkpoint,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Dense<'a>, Error> {
        let (weight, shape) = (format!("{name}.weight"), [outputs, inputs]);
        let weight = match checkpoint.precision()? {
            Some(_) => {
                let (q, scales) = checkpoint.int8(&weight, shape)?;
                let scales = Matrix { data: scales, cols: inputs.div_ceil(CHUNK) };
                Weight::Int8 { q: Matrix { data: q.into(), cols: inputs }, scales }
            }
            None => {
                let data = checkpoint.tensor(&weight, &shape)?;
                Weight::Floats(Matrix { data, cols: inputs })
            }
        };
        let bias = checkpoint.tensor(&format!("{name}.bias"), &[outputs])?;
        Ok(Dense { weight, bias, outputs, inputs })
    }

    /// Cuts the outputs of each of several layers with the same inputs into `groups`, and puts the
    /// parts of a group side by side.
    pub(crate) fn stack(layers: &[Dense; 3], groups: usize) -> Vec<Dense<'static>> {
        let size = layers[0].outputs / groups;
        let group = |start| {
            let parts = layers.each_ref().map(|layer| layer.rows(start..start + size));
            Dense {
                weight: Weight::stack(parts.each_ref().map(|part| &part.weight)),
                bias: parts.each_ref().map(|part| &*part.bias).concat().into(),
                outputs: 3 * size,
                inputs: layers[0].inputs,
            }
        };
        (0..groups).map(|i| group(i * size)).collect()
    }

    /// Some of the outputs.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Dense<'_> {
        let weight = match &self.weight {
            Weight::Floats(weight) => Weight::Floats(weight.rows(rows.clone())),
            Weight::Int8 { q, scales } => {
                Weight::Int8 { q: q.rows(rows.clone()), scales: scales.rows(rows.clone()) }
            }
        };
        let bias = self.bias[rows.clone()].into();
        Dense { weight, bias, outputs: rows.len(), inputs: self.inputs }
    }

    /// The products with some of the inputs, whole chunks of them. The bias stays with the last of
    /// them, or with the first in a precision of integers.
    pub(crate) fn columns(&self, columns: Range<usize>, precision: Precision) -> Dense<'static> {
        let has_bias = match precision {
            Precision::F32 => columns.end == self.inputs,
            Precision::Int16 | Precision::Int8 => columns.start == 0,
        };
        let weight = match &self.weight {
            Weight::Floats(weight) => Weight::Floats(weight.columns(columns.clone())),
            Weight::Int8 { q, scales } => {
                let chunks = columns.start / CHUNK..columns.end.div_ceil(CHUNK);
                Weight::Int8 { q: q.columns(columns.clone()), scales: scales.columns(chunks) }
            }
        };
        let bias = if has_bias { self.bias.to_vec().into() } else { Cow::default() };
        Dense { weight, bias, outputs: self.outputs, inputs: columns.len() }
    }

    /// The layer for products of `packer`'s precision, which is the weights' if they are integers.
    pub(crate) fn pack<'w>(self, packer: &mut Packing<'_, 'w>, rotation: Rotation) -> Projection
    where
        'a: 'w,
    {
        match self.weight {
            Weight::Floats(weight) => {
                packer.linear(weight.data, &self.bias, self.outputs, rotation)
            }
            Weight::Int8 { q, scales } => {
                packer.int8((q.data, &scales.data), &self.bias, self.outputs, rotation)
            }
        }
    }
}

impl Weight<'_> {
    /// The rows of all three, which are of one kind.
    fn stack(parts: [&Weight; 3]) -> Weight<'static> {
        let floats = parts.map(|part| match part {
            Weight::Floats(weight) => weight,
            Weight::Int8 { scales, .. } => scales,
        });
        let floats = Matrix::stack(floats);
        let q: Vec<_> = parts.into_iter().filter_map(Weight::integers).collect();
        match q[..] {
            [a, b, c] => Weight::Int8 { q: Matrix::stack([a, b, c]), scales: floats },
            _ => Weight::Floats(floats),
        }
    }

    fn integers(&self) -> Option<&Matrix<'_, i8>> {
        match self {
            Weight::Floats(_) => None,
            Weight::Int8 { q, .. } => Some(q),
        }
    }
}

impl<T: Copy> Matrix<'_, T> {
    fn rows(&self, rows: Range<usize>) -> Matrix<'_, T> {
        let data = self.data[rows.start * self.cols..rows.end * self.cols].into();
        Matrix { data, cols: self.cols }
    }

    fn columns(&self, columns: Range<usize>) -> Matrix<'static, T> {
        let mut data = Vec::with_capacity(self.data.len() / self.cols * columns.len());
        for row in self.data.chunks_exact(self.cols) {
            data.extend_from_slice(&row[columns.clone()]);
        }
        Matrix { data: data.into(), cols: columns.len() }
    }

    fn stack(parts: [&Matrix<T>; 3]) -> Matrix<'static, T> {
        Matrix { data: parts.map(|part| &*part.data).concat().into(), cols: parts[0].cols }
    }
}
