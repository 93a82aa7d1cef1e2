//! The embeddings: their distance from PyTorch's, and from the exact ones compared with PyTorch's.

use super::{
    compare,
    golden::{Set, Tensor},
};
use crate::error::Error;
use minilm::{Level, ndarray::Array2};

/// Largest difference of a value to PyTorch's `f32`.
const BOUND: f64 = 5e-7;

/// Our root mean square distance from the exact answer, as a part of PyTorch's.
const RATIO: f64 = 0.85;

pub(super) const HEAD: &str =
    "level     texts   to f32    bound   rms to f64: ours  PyTorch's   ratio  bound";

/// Checks `ours` `[texts, H]`; a row of the table.
pub(super) fn check(level: Level, set: &Set, ours: &Array2<f32>) -> Result<String, Error> {
    let mut largest: f64 = 0.0;
    let (mut error, mut error_of_pytorch) = (0.0, 0.0);
    for (i, (text, row)) in set.texts.iter().zip(ours.rows()).enumerate() {
        let row = row.to_vec();
        largest = largest.max(compare::within(BOUND, level, text, &row, &set.float32[i])?);
        let exact = &set.float64[i];
        error += squares(row.iter().map(|&x| f64::from(x)), exact);
        error_of_pytorch += squares(set.float32[i].values.iter().copied(), exact);
    }
    let rms = |sum: f64| (sum / ours.len() as f64).sqrt();
    let (error, error_of_pytorch) = (rms(error), rms(error_of_pytorch));
    let ratio = error / error_of_pytorch;
    if ratio.is_nan() || ratio > RATIO {
        return Err(Error::Mismatch(format!(
            "{level}: {} embeddings are {error:.2e} (rms) from the exact answer, PyTorch's \
             {error_of_pytorch:.2e}; \
             the ratio {ratio:.2} is more than {RATIO}",
            set.len(),
        )));
    }
    let (level, texts) = (level.name(), set.len());
    Ok(format!(
        "{level:<9} {texts:>5} {largest:>8.1e} {BOUND:>8.0e} {error:>18.2e} \
         {error_of_pytorch:>10.2e} {ratio:>7.2} {RATIO:>6.2}"
    ))
}

/// Σ (x − exact)²
fn squares(x: impl Iterator<Item = f64>, exact: &Tensor) -> f64 {
    x.zip(&exact.values).map(|(x, exact)| (x - exact) * (x - exact)).sum()
}
