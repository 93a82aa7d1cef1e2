//! The precisions of rounded weights: their distance from PyTorch's `f32`, and the same bits on
//! every level.

use super::{compare, golden::Set};
use crate::error::Error;
use minilm::{Level, Precision, ndarray::Array2};

/// What rounding may cost, in 1 − cosine to PyTorch's `f32`.
struct Bounds {
    /// The mean of many texts, and how much single texts scatter around it: those of the golden
    /// texts, rounded up.
    mean: f64,
    deviation: f64,
    /// Of any text.
    greatest: f64,
}

impl Bounds {
    fn of(precision: Precision) -> Bounds {
        match precision {
            Precision::Int8 => Bounds { mean: 3.9e-4, deviation: 2.3e-4, greatest: 3e-3 },
            Precision::Int16 => Bounds { mean: 1.6e-6, deviation: 0.9e-6, greatest: 2e-5 },
            _ => Bounds { mean: 1e-12, deviation: 1e-12, greatest: 1e-11 },
        }
    }

    /// The bound of the mean of `texts` texts: three standard errors above that of many. So a few
    /// texts may be a little worse than many, and none are exempt.
    fn mean_of(&self, texts: usize) -> f64 {
        self.mean + 3.0 * self.deviation / (texts as f64).sqrt()
    }
}

pub(super) const HEAD: &str = "level     precision  texts     mean    bound  greatest    bound";

/// What the first level computed in each precision.
#[derive(Default)]
pub(super) struct Firsts(Vec<(Precision, Level, Array2<f32>)>);

impl Firsts {
    /// Checks `ours` `[texts, H]`, and that the level before had the same bits; a row of the table.
    pub(super) fn check(
        &mut self,
        level: Level,
        precision: Precision,
        set: &Set,
        ours: Array2<f32>,
    ) -> Result<String, Error> {
        let row = row(level, precision, set, &ours)?;
        let first = self.0.iter().find(|(of, _, _)| *of == precision);
        let Some((_, other, first)) = first else {
            self.0.push((precision, level, ours));
            return Ok(row);
        };
        let runs = [format!("in {precision} on {level}"), format!("on {other}")];
        for ((text, a), b) in set.texts.iter().zip(ours.rows()).zip(first.rows()) {
            let values = [&a.to_vec()[..], &b.to_vec()];
            compare::same_bits(
                text,
                "sentence_embedding",
                runs.each_ref().map(String::as_str),
                values,
            )?;
        }
        Ok(row)
    }
}

/// 1 − cosine of all texts, within its bounds.
pub(super) fn row(
    level: Level,
    precision: Precision,
    set: &Set,
    ours: &Array2<f32>,
) -> Result<String, Error> {
    let (bounds, texts) = (Bounds::of(precision), set.len());
    let (mut sum, mut greatest) = (0.0, 0.0_f64);
    for ((text, ours), theirs) in set.texts.iter().zip(ours.rows()).zip(&set.float32) {
        let loss = 1.0 - cosine(ours.iter().map(|&x| f64::from(x)), &theirs.values);
        if loss.is_nan() || loss > bounds.greatest {
            return Err(Error::Mismatch(format!(
                "{level}, {}: in {precision} its cosine to PyTorch's is 1 − {loss:.2e}, and 1 − \
                 {:.2e} is the bound",
                text.title(),
                bounds.greatest
            )));
        }
        sum += loss;
        greatest = loss.max(greatest);
    }
    let (mean, bound) = (sum / texts as f64, bounds.mean_of(texts));
    if mean > bound {
        return Err(Error::Mismatch(format!(
            "{level}: in {precision} the mean cosine to PyTorch's of {texts} texts is 1 − \
             {mean:.2e}, and 1 − {bound:.2e} is the bound"
        )));
    }
    let (level, precision) = (level.name(), precision.name());
    Ok(format!(
        "{level:<9} {precision:<9} {texts:>6} {mean:>8.2e} {bound:>8.2e} {greatest:>9.2e} {:>8.1e}",
        bounds.greatest
    ))
}

fn cosine(a: impl Iterator<Item = f64>, b: &[f64]) -> f64 {
    let (mut dot, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, &b) in a.zip(b) {
        dot += a * b;
        aa += a * a;
        bb += b * b;
    }
    dot / (aa * bb).sqrt()
}
