//! A whole index in one call.

use super::{IndexError, Space, Writer};
use crate::matrix::Matrix;
use ndarray::ArrayView2;
use std::path::Path;

/// Writes an index of `vectors` `[n, d]`, made by `space`, and a text for each. A file of that name
/// is replaced.
///
/// # Errors
/// [`IndexError::Vectors`] if the vectors are not finite, have no columns, or are not as many as
/// the texts; [`IndexError::Write`].
pub fn write<T: AsRef<str>>(
    path: &Path,
    space: &Space,
    vectors: ArrayView2<f32>,
    texts: &[T],
) -> Result<(), IndexError> {
    let rows = checked(path, vectors, texts.len())?;
    push_all(Writer::create(path, space, rows.columns())?, &rows, texts).map(|_| ())
}

/// Adds `vectors` `[m, d]` and a text for each behind the rows of an index. Returns how many rows
/// it then has.
///
/// Several calls at the same time, of this process or others, all add their rows.
///
/// # Errors
/// Those of [`Writer::append`] and [`write()`].
pub fn append<T: AsRef<str>>(
    path: &Path,
    space: &Space,
    vectors: ArrayView2<f32>,
    texts: &[T],
) -> Result<usize, IndexError> {
    let rows = checked(path, vectors, texts.len())?;
    push_all(Writer::append(path, space, rows.columns())?, &rows, texts)
}

fn checked<'a>(
    path: &Path,
    vectors: ArrayView2<'a, f32>,
    texts: usize,
) -> Result<Matrix<'a>, IndexError> {
    let rows = Matrix::new("vectors", vectors).and_then(|vectors| {
        vectors.check_finite()?;
        vectors.with_rows(texts)
    });
    rows.map_err(|source| IndexError::Vectors { path: path.to_owned(), source })
}

fn push_all<T: AsRef<str>>(
    mut writer: Writer,
    rows: &Matrix,
    texts: &[T],
) -> Result<usize, IndexError> {
    for (row, text) in texts.iter().enumerate() {
        writer.push(rows.row(row), text.as_ref())?;
    }
    writer.finish()
}
