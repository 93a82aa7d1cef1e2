//! Products of queries with blocks of rows, both rounded to sixteen bits: how far they may be off.
//!
//! ```text
//! x̂ = x rounded, q̂ = q rounded        |x − x̂| ≤ ρₓ,  |q − q̂| ≤ ρ_q
//! |q·x − q̂·x̂| ≤ ρ_q·|x| + (|q| + ρ_q)·ρₓ
//! ```
//!
//! A rounded value is within half a step of the value, and a chunk of a row has one step
//! ([`minilm_kernels::quantise`]). So ρ² is the sum of (step / 2)² over the row's values, by the
//! inequality of Cauchy and Schwarz; the divisions around the rounding are off by a few units in
//! the last place of a value more. The integer sums are exact.
//!
//! In the book: `docs/11-tasks.md`.

use minilm_kernels::{
    Level, QuantisedLinear, Rows, RowsMut,
    linear::Epilogue,
    quantise::{CHUNK, QuantisedRows, Rotation},
};

/// Queries that are rounded and packed into one matrix.
pub(super) struct RoundedQueries {
    linear: QuantisedLinear<i16>,
    /// ρ_q of each.
    pub distances: Vec<f64>,
}

impl RoundedQueries {
    /// Packs rows `[Q, d]`.
    pub(super) fn pack(level: Level, queries: Rows, values: &[f32]) -> RoundedQueries {
        let linear = QuantisedLinear::pack(level, values, queries.rows(), Rotation::Plain);
        let mut rounded = QuantisedRows::<i16>::default();
        rounded.quantise(level, queries, Rotation::Plain);
        let distances = (0..queries.rows()).map(|i| distance(&rounded, i, queries.row(i)));
        RoundedQueries { linear, distances: distances.collect() }
    }

    /// The number of queries.
    pub(super) fn len(&self) -> usize {
        self.linear.outputs()
    }

    /// The products of a block with each query, `[rows, Q]`.
    pub(super) fn products(&self, block: &QuantisedRows<i16>, to: &mut [f32]) {
        let to = RowsMut::new(to, self.len());
        self.linear.forward(block, to, Epilogue::Identity);
    }
}

/// ρ of row `i`, which was made of the row `x`.
pub(super) fn distance(rounded: &QuantisedRows<i16>, i: usize, x: &[f32]) -> f64 {
    let halves = x.chunks(CHUNK).enumerate().map(|(chunk, values)| {
        let half = f64::from(rounded.scale(i, chunk)) / 2.0;
        values.len() as f64 * half * half
    });
    halves.sum::<f64>().sqrt()
}
