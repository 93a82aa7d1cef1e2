//! One bit for each dimension: whether the value is positive.
//!
//! Eight dimensions are a byte, the first in its highest bit; missing dimensions of the last byte
//! are 0 (`numpy.packbits`).

use crate::{Error, matrix::Matrix};
use ndarray::{Array2, ArrayView2};

/// Precision `ubinary`: `[n, d]` becomes `[n, ⌈d / 8⌉]`.
///
/// # Errors
/// [`Error::NoColumns`] or [`Error::NotFinite`].
///
/// ```
/// use ndarray::array;
/// let bits = minilm_tasks::quantize::to_ubinary(
///     array![[1.0, -1.0, 0.5, 0.0, 0.1, 2.0, -0.5, 3.0, 1.0]].view(),
/// )?;
/// assert_eq!(bits, array![[0b1010_1101, 0b1000_0000]]);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn to_ubinary(embeddings: ArrayView2<f32>) -> Result<Array2<u8>, Error> {
    pack(embeddings, |byte| byte)
}

/// Precision `binary`: the same bytes less 128.
///
/// # Errors
/// As [`to_ubinary`].
///
/// ```
/// use ndarray::array;
/// let bits = minilm_tasks::quantize::to_binary(
///     array![[1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 1.0]].view(),
/// )?;
/// assert_eq!(bits, array![[1]]); // 0b1000_0001 − 128
///
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn to_binary(embeddings: ArrayView2<f32>) -> Result<Array2<i8>, Error> {
    pack(embeddings, |byte| (byte ^ 0x80).cast_signed())
}

fn pack<T>(embeddings: ArrayView2<f32>, value: impl Fn(u8) -> T) -> Result<Array2<T>, Error> {
    let rows = Matrix::new("embeddings", embeddings)?;
    rows.check_finite()?;
    let bytes = (0..rows.rows()).flat_map(|i| packed(rows.row(i))).map(value).collect();
    Ok(Array2::from_shape_vec((rows.rows(), rows.columns().div_ceil(8)), bytes)
        .expect("a byte for eight values"))
}

/// The bits of one row.
pub(super) fn packed(row: &[f32]) -> impl Iterator<Item = u8> {
    row.chunks(8).map(|eight| {
        eight.iter().zip((0..8).rev()).fold(0, |byte, (x, bit)| byte | u8::from(*x > 0.0) << bit)
    })
}

/// 1 for each bit of a row that is set, −1 for each that is not, into `to` `[d]`. The bytes are
/// those of [`to_ubinary`].
///
/// ```
/// use minilm_tasks::quantize::signs;
/// let mut row = [0.0; 3];
/// signs([0b0110_0000].into_iter(), &mut row);
/// assert_eq!(row, [-1.0, 1.0, 1.0]);
/// ```
pub fn signs(bytes: impl Iterator<Item = u8>, to: &mut [f32]) {
    for (to, byte) in to.chunks_mut(8).zip(bytes) {
        to.iter_mut()
            .zip((0..8).rev())
            .for_each(|(to, bit)| *to = if byte >> bit & 1 == 1 { 1.0 } else { -1.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_those_that_were_packed() {
        let row: Vec<f32> = (0..21).map(|i| if i % 3 == 0 { 1.0 } else { -1.0 }).collect();
        let mut got = vec![0.0; 21];
        signs(packed(&row), &mut got);
        assert_eq!(got, row);
    }
}
