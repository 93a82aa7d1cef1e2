//! The measurements as tables and as JSON.

use super::{ROWS, SHAPES};
use crate::measure::median;
use serde::Serialize;
use std::fmt;

/// Seconds of each run, by rows and shape.
pub(super) type Samples = [[Vec<f64>; SHAPES.len()]; ROWS.len()];

/// Every level that was asked for, on this machine.
#[derive(Clone, Debug, Serialize)]
pub struct BakeOff {
    /// How many times everything was run.
    pub rounds: usize,
    /// One for each level.
    pub levels: Vec<LevelTable>,
}

/// The variants of one level.
#[derive(Clone, Debug, Serialize)]
pub struct LevelTable {
    /// The instruction set.
    pub level: &'static str,
    /// Measured multiply-adds of one core, in FLOP/s: the best of all rounds.
    pub peak_flops: f64,
    /// The shipped loop, then the variants.
    pub variants: Vec<Entry>,
}

/// One variant.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its name; `"shipped"` is the kernel of `minilm-kernels`.
    pub name: String,
    /// The four products of a layer together, for each number of rows.
    pub layers: Vec<LayerPercent>,
    /// Each product by itself.
    pub products: Vec<Product>,
}

/// All products of a layer, in percent of the peak.
#[derive(Clone, Debug, Serialize)]
pub struct LayerPercent {
    /// Rows of x.
    pub rows: usize,
    /// The sum of the best times.
    pub best_percent: f64,
    /// The sum of the median times.
    pub median_percent: f64,
}

/// One product, in percent of the peak.
#[derive(Clone, Debug, Serialize)]
pub struct Product {
    /// Rows of x.
    pub rows: usize,
    /// K.
    pub inputs: usize,
    /// N.
    pub outputs: usize,
    /// The best of all rounds.
    pub best_percent: f64,
    /// Their median.
    pub median_percent: f64,
}

impl Entry {
    pub(super) fn new(name: String, samples: &Samples, peak: f64) -> Entry {
        let percent = |flops: usize, seconds: f64| 100.0 * flops as f64 / seconds / peak;
        let (mut layers, mut products) = (Vec::new(), Vec::new());
        for (rows, samples) in ROWS.into_iter().zip(samples) {
            let (mut all, mut best_sum, mut median_sum) = (0, 0.0, 0.0);
            for ((outputs, inputs), samples) in SHAPES.into_iter().zip(samples) {
                let flops = 2 * rows * inputs * outputs;
                let (best, median) = (
                    samples.iter().copied().fold(f64::INFINITY, f64::min),
                    median(samples.clone()),
                );
                let (best_percent, median_percent) = (percent(flops, best), percent(flops, median));
                products.push(Product { rows, inputs, outputs, best_percent, median_percent });
                all += flops;
                best_sum += best;
                median_sum += median;
            }
            layers.push(LayerPercent {
                rows,
                best_percent: percent(all, best_sum),
                median_percent: percent(all, median_sum),
            });
        }
        Entry { name, layers, products }
    }
}

impl fmt::Display for BakeOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in &self.levels {
            writeln!(f, "{table}")?;
        }
        write!(
            f,
            "Percent of the peak, the four products of a layer together: best and median of {} \
             rounds.",
            self.rounds
        )
    }
}

impl fmt::Display for LevelTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "level {}, {:.1} GFLOP/s of multiply-adds on registers, one core\n",
            self.level,
            self.peak_flops / 1e9
        )?;
        let heads = ROWS.map(|rows| format!("| {:>10} | median ", format!("{rows} rows")));
        writeln!(f, "| {:26} {}|", "tile", heads.concat())?;
        writeln!(f, "|{:-<28}{}|", "", "|-----------:|-------:".repeat(ROWS.len()))?;
        for entry in &self.variants {
            let cells = entry.layers.iter().map(|layer| {
                format!("| {:10.1} | {:6.1} ", layer.best_percent, layer.median_percent)
            });
            writeln!(f, "| {:26} {}|", entry.name, cells.collect::<String>())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_of_the_peak_and_a_layer_is_the_sum_of_its_products() {
        // Each product takes as long as at half the peak, in one round of three at the peak, in one
        // at a quarter.
        let peak = 1e9;
        let at_peak = |rows: usize, (n, k): (usize, usize)| (2 * rows * n * k) as f64 / peak;
        let samples = ROWS.map(|rows| {
            SHAPES.map(|shape| [2.0, 1.0, 4.0].map(|times| times * at_peak(rows, shape)).to_vec())
        });
        let entry = Entry::new("8 × 3".to_owned(), &samples, peak);
        assert_eq!(
            (entry.layers.len(), entry.products.len()),
            (ROWS.len(), ROWS.len() * SHAPES.len())
        );
        for (best, median) in
            entry.layers.iter().map(|layer| (layer.best_percent, layer.median_percent))
        {
            assert!((best - 100.0).abs() < 1e-9 && (median - 50.0).abs() < 1e-9, "{best} {median}");
        }
        for product in &entry.products {
            assert!(
                (product.best_percent - 100.0).abs() < 1e-9
                    && (product.median_percent - 50.0).abs() < 1e-9,
                "{product:?}"
            );
        }
        let table = LevelTable { level: "avx2", peak_flops: peak, variants: vec![entry] };
        assert!(
            table.to_string().contains("| 8 × 3                      |      100.0 |   50.0 |"),
            "{table}"
        );
    }
}
