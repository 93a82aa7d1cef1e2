//! The differences of two runs.

use super::golden::{Tensor, Text};
use crate::error::Error;
use minilm::Level;

/// The largest |ours − theirs|, if it is within `bound`; the tensor, the element and both values
/// otherwise.
pub(super) fn within(
    bound: f64,
    level: Level,
    text: &Text,
    ours: &[f32],
    theirs: &Tensor,
) -> Result<f64, Error> {
    if ours.len() != theirs.values.len() {
        let (here, there) = (ours.len(), theirs.values.len());
        return Err(Error::Mismatch(format!(
            "{} has {here} values here and {there} in PyTorch",
            theirs.name
        )));
    }
    let mut largest: f64 = 0.0;
    for (i, (&x, &y)) in ours.iter().zip(&theirs.values).enumerate() {
        let difference = (f64::from(x) - y).abs();
        if difference.is_nan() || difference > bound {
            let place = coordinates(text, &theirs.shape, i);
            return Err(Error::Mismatch(format!(
                "{level}, {}: {}{place} is {x} here and {y} in PyTorch; the difference \
                 {difference:.1e} is more than {bound:.0e}",
                text.title(),
                theirs.name,
            )));
        }
        largest = largest.max(difference);
    }
    Ok(largest)
}

/// Checks that two of our runs have the same bits.
pub(super) fn same_bits(
    text: &Text,
    name: &str,
    runs: [&str; 2],
    values: [&[f32]; 2],
) -> Result<(), Error> {
    let [a, b] = values;
    assert_eq!(a.len(), b.len(), "{name}");
    match a.iter().zip(b).position(|(x, y)| x.to_bits() != y.to_bits()) {
        None => Ok(()),
        Some(i) => Err(Error::Mismatch(format!(
            "{}: value {i} of {name} is {} {} but {} {}",
            text.title(),
            a[i],
            runs[0],
            b[i],
            runs[1],
        ))),
    }
}

/// `[2, 17] (token 12)`: row, column, and the token whose row it is.
fn coordinates(text: &Text, shape: &[usize], i: usize) -> String {
    match shape {
        [_, width] => format!("[{}, {}] (token {})", i / width, i % width, text.rows[i / width]),
        _ => format!("[{i}]"),
    }
}
