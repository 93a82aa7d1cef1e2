//! Each matrix product of the model alone.

use super::{clock::Clock, work::Speed};
use crate::error::Error;
use minilm::{kernels::Linear, model::Config};
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
        let linear =
            Linear::pack(clock.level, &ramp(outputs * inputs), outputs).with_bias(&ramp(outputs));
        for rows in ROWS {
            let (x, mut y) = (ramp(rows * inputs), vec![0.0; rows * outputs]);
            let sample = clock.sample(share, || {
                linear.forward(&x, &mut y);
                Ok(())
            })?;
            let speed = Speed::new(shape.flop(rows) as f64, sample);
            let bytes =
                (size_of::<f32>() * (rows * inputs + inputs * outputs + rows * outputs)) as f64;
            products.push(Product { inputs, outputs, rows, bytes, speed });
        }
    }
    Ok(products)
}

/// Values between −½ and ½.
pub(super) fn ramp(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i % 1000 * 919 % 1000) as f32 / 1000.0 - 0.5).collect()
}
