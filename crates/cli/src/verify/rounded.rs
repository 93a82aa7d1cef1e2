//! The precisions of rounded weights: their distance from PyTorch's `f32`, and the same bits on
//! every level.

use super::{compare, golden::Set};
use crate::error::Error;
use minilm::{Level, Precision, ndarray::Array2};

/// Texts whose mean means something: a few are as odd as their oddest.
const MANY: usize = 100;

/// The least mean of many texts, and the least cosine of any text, to PyTorch's `f32`.
fn bounds(precision: Precision) -> (f64, f64) {
    match precision {
        Precision::Int8 => (0.9995, 0.997),
        Precision::Int16 => (0.999_998, 0.999_98),
        _ => (0.999_999_9, 0.999_999_9),
    }
}

pub(super) const HEAD: &str =
    "level     precision  texts  mean cosine     bound      least   bound";

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

/// The cosines of all texts, within their bounds.
pub(super) fn row(
    level: Level,
    precision: Precision,
    set: &Set,
    ours: &Array2<f32>,
) -> Result<String, Error> {
    let (bound, bound_of_least) = bounds(precision);
    let (mut sum, mut least) = (0.0, f64::INFINITY);
    for ((text, ours), theirs) in set.texts.iter().zip(ours.rows()).zip(&set.float32) {
        let cosine = cosine(ours.iter().map(|&x| f64::from(x)), &theirs.values);
        if cosine.is_nan() || cosine < bound_of_least {
            return Err(Error::Mismatch(format!(
                "{level}, {}: in {precision} its cosine to PyTorch's is {cosine:.6}, less than \
                 {bound_of_least}",
                text.title()
            )));
        }
        sum += cosine;
        least = cosine.min(least);
    }
    let mean = sum / set.len() as f64;
    if mean < bound && set.len() >= MANY {
        return Err(Error::Mismatch(format!(
            "{level}: in {precision} the mean cosine to PyTorch's is {mean:.7}, less than {bound}"
        )));
    }
    let (level, precision, texts) = (level.name(), precision.name(), set.len());
    let bound = if texts < MANY { "-".to_owned() } else { bound.to_string() };
    Ok(format!(
        "{level:<9} {precision:<9} {texts:>6} {mean:>12.7} {bound:>9} {least:>10.6} \
         {bound_of_least:>7}"
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
