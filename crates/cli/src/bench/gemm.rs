//! Each matrix product of the model alone.

use super::{clock::Clock, work::Speed};
use crate::error::Error;
use minilm::{
    Level, Precision,
    kernels::{
        Linear, QuantisedLinear, Rows, RowsMut,
        linear::Epilogue,
        quantise::{Integer, QuantisedRows, Rotation},
    },
    model::Config,
};
use serde::Serialize;

/// Rows of x: tokens that are computed together.
const ROWS: [usize; 6] = [8, 16, 32, 64, 128, 256];

/// Part of the whole time.
const SHARE: f64 = 0.2;

/// y = x·Wᵀ + b with x `[rows, inputs]` and W `[outputs, inputs]`.
#[derive(Debug, Serialize)]
pub(super) struct Product {
    pub inputs: usize,
    pub outputs: usize,
    pub rows: usize,
    /// Of x, W and y.
    pub bytes: f64,
    #[serde(flatten)]
    pub speed: Speed,
}

pub(super) fn measure(clock: &mut Clock, config: &Config) -> Result<Vec<Product>, Error> {
    let shapes = config.linear_layers();
    let share = SHARE / (shapes.len() * ROWS.len()) as f64;
    let mut products = Vec::new();
    for shape in shapes {
        let (inputs, outputs) = (shape.inputs, shape.outputs);
        clock.note(&format!("GEMM {inputs} → {outputs}"));
        let product: Box<Run> = match clock.precision {
            Precision::Int8 => rounded::<i8>(clock.level, inputs, outputs),
            Precision::Int16 => rounded::<i16>(clock.level, inputs, outputs),
            _ => float(clock.level, inputs, outputs),
        };
        for rows in ROWS {
            let (x, mut y) = (ramp(rows * inputs), vec![0.0; rows * outputs]);
            let mut run = product(&x);
            let sample = clock.sample(share, || {
                run(&mut y);
                Ok(())
            })?;
            let speed = Speed::new(shape.flop(rows) as f64, sample);
            let operands = clock.precision.bytes() * (rows * inputs + inputs * outputs);
            let bytes = (operands + size_of::<f32>() * rows * outputs) as f64;
            products.push(Product { inputs, outputs, rows, bytes, speed });
        }
    }
    Ok(products)
}

/// Prepares x, and gives what computes y.
type Run = dyn for<'x> Fn(&'x [f32]) -> Box<dyn FnMut(&mut [f32]) + 'x>;

fn float(level: Level, inputs: usize, outputs: usize) -> Box<Run> {
    let linear = Linear::pack(level, &ramp(outputs * inputs), outputs).with_bias(&ramp(outputs));
    Box::new(move |x| {
        let linear = linear.clone();
        Box::new(move |y| linear.forward(x, y))
    })
}

/// The product alone: its rows are rounded before.
fn rounded<E: Integer>(level: Level, inputs: usize, outputs: usize) -> Box<Run> {
    let weight = ramp(outputs * inputs);
    let linear = QuantisedLinear::<E>::pack(level, &weight, outputs, Rotation::Rotated);
    let linear = linear.with_bias(&ramp(outputs));
    Box::new(move |x| {
        let (linear, mut rows) = (linear.clone(), QuantisedRows::default());
        rows.quantise(level, Rows::new(x, inputs), linear.rotation());
        Box::new(move |y| linear.forward(&rows, RowsMut::new(y, outputs), Epilogue::Identity))
    })
}

/// Values between −½ and ½.
pub(super) fn ramp(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i % 1000 * 919 % 1000) as f32 / 1000.0 - 0.5).collect()
}
