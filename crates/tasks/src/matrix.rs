//! A caller's matrix as the kernels read it: whole rows end to end.

use crate::Error;
use minilm_kernels::{
    Rows,
    dot::{Product, products},
    simd::Level,
};
use ndarray::{Array2, ArrayView2, Axis};
use std::{borrow::Cow, ops::Range};

/// The squared length up to which any two rows have a finite product: 2¹²⁶.
const LONGEST: f32 = (1_u128 << 126) as f32;

/// Lengths below this count as this (`torch.nn.functional.normalize`).
const SHORTEST: f64 = 1e-12;

/// The length of a vector from the square of it.
pub(crate) fn length(square: f32) -> f64 {
    f64::from(square).sqrt().max(SHORTEST)
}

/// [`length`] rounded to `f32`, by `f32` alone: the root of an `f32` has the same bits if it is
/// taken in `f64` and then rounded.
#[inline]
pub(crate) fn short_length(square: f32) -> f32 {
    square.sqrt().max(SHORTEST as f32)
}

/// A dense matrix `[rows, columns]` with at least one column.
#[derive(Clone, Debug)]
pub(crate) struct Matrix<'a> {
    values: Cow<'a, [f32]>,
    columns: usize,
    what: &'static str, // for errors
}

impl<'a> Matrix<'a> {
    pub(crate) fn new(what: &'static str, view: ArrayView2<'a, f32>) -> Result<Matrix<'a>, Error> {
        let columns = view.ncols();
        if columns == 0 {
            return Err(Error::NoColumns { what });
        }
        let values = match view.to_slice() {
            Some(values) => Cow::Borrowed(values),
            None => Cow::Owned(view.iter().copied().collect()),
        };
        Ok(Matrix { values, columns, what })
    }

    /// The same, if it has as many columns as `other`.
    pub(crate) fn with_columns_of(self, other: &Matrix) -> Result<Matrix<'a>, Error> {
        if self.columns == other.columns {
            return Ok(self);
        }
        Err(Error::Columns { what: self.what, found: self.columns, expected: other.columns })
    }

    /// The same, if it has `expected` rows.
    pub(crate) fn with_rows(self, expected: usize) -> Result<Matrix<'a>, Error> {
        if self.rows() == expected {
            return Ok(self);
        }
        Err(Error::Count { what: self.what, found: self.rows(), expected })
    }

    pub(crate) fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.columns..(i + 1) * self.columns]
    }

    /// Some of the rows as an array.
    pub(crate) fn part(&self, rows: Range<usize>) -> ArrayView2<'_, f32> {
        ArrayView2::from_shape((rows.len(), self.columns), self.values(rows))
            .expect("a matrix holds whole rows")
    }

    /// A copy of these rows.
    pub(crate) fn rows_at(&self, rows: &[usize]) -> Array2<f32> {
        self.view().select(Axis(0), rows)
    }

    /// All of them.
    pub(crate) fn view(&self) -> ArrayView2<'_, f32> {
        self.part(0..self.rows())
    }

    /// Some of the rows, end to end.
    pub(crate) fn values(&self, rows: Range<usize>) -> &[f32] {
        &self.values[rows.start * self.columns..rows.end * self.columns]
    }

    /// Some of the rows as the kernels take them.
    pub(crate) fn slice(&self, rows: Range<usize>) -> Rows<'_> {
        Rows::new(self.values(rows), self.columns)
    }

    /// The length of each row; all values are finite and no row is too long.
    pub(crate) fn lengths(&self, level: Level) -> Result<Vec<f64>, Error> {
        let mut found = vec![Product::default(); self.rows()];
        if let Some(any) = self.values.get(..self.columns) {
            products(level, self.slice(0..self.rows()), any, &mut found);
        }
        let bad = found.iter().position(|product| !is_usable(product.square));
        bad.map_or(Ok(()), |row| Err(self.bad_row(row, 0)))?;
        Ok(found.iter().map(|product| length(product.square)).collect())
    }

    /// Every value is finite.
    pub(crate) fn check_finite(&self) -> Result<(), Error> {
        let bad = self.values.iter().position(|value| !value.is_finite());
        bad.map_or(Ok(()), |at| Err(self.bad_row(at / self.columns, 0)))
    }

    /// The error of a row whose square is not usable; `before` rows came earlier.
    pub(crate) fn bad_row(&self, row: usize, before: usize) -> Error {
        let (what, values) = (self.what, self.row(row));
        match values.iter().position(|value| !value.is_finite()) {
            Some(column) => {
                Error::NotFinite { what, row: before + row, column, value: values[column] }
            }
            None => Error::TooLong { what, row: before + row },
        }
    }
}

/// Whether a row of this squared length can be computed with. NaN and infinity in a row make its
/// square NaN or infinite.
pub(crate) fn is_usable(square: f32) -> bool {
    square <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Slice, array};

    #[test]
    fn views_of_any_layout_are_read_row_by_row() {
        let wide = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        fn read(view: ArrayView2<f32>) -> Result<Vec<f32>, Error> {
            Matrix::new("rows", view).map(|matrix| matrix.values.to_vec())
        }
        assert_eq!(read(wide.view()).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(read(wide.t()).unwrap(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(
            read(
                wide.slice_axis(Axis(0), Slice::new(0, None, -1))
                    .slice_axis(Axis(1), Slice::from(1..))
            )
            .unwrap(),
            [5.0, 6.0, 2.0, 3.0]
        );
        assert_eq!(read(Array2::zeros((0, 3)).view()), Ok(vec![]));
        assert_eq!(read(Array2::zeros((3, 0)).view()), Err(Error::NoColumns { what: "rows" }));
    }

    #[test]
    fn the_short_length_is_the_length_rounded() {
        for square in [0.0, 1e-40, 1e-24, 0.3, 1.0, 1.000_000_1, 7.7, 1e30, LONGEST] {
            assert_eq!(short_length(square), length(square) as f32, "{square}");
        }
    }

    #[test]
    fn bad_rows_are_named() {
        let lengths = |row: [f32; 2]| {
            Matrix::new("rows", array![[1.0, 0.0], row].view()).unwrap().lengths(Level::detect())
        };
        assert_eq!(lengths([3.0, 4.0]), Ok(vec![1.0, 5.0]));
        assert_eq!(lengths([0.0, 0.0]), Ok(vec![1.0, 1e-12]));
        assert_eq!(lengths([2e19, 0.0]), Err(Error::TooLong { what: "rows", row: 1 }));
        assert_eq!(lengths([2e38, 2e38]), Err(Error::TooLong { what: "rows", row: 1 }));
        let infinite = Error::NotFinite { what: "rows", row: 1, column: 1, value: f32::INFINITY };
        assert_eq!(lengths([0.0, f32::INFINITY]), Err(infinite));
        let error = lengths([f32::NAN, 0.0]).unwrap_err().to_string();
        assert_eq!(error, "row 1 of the rows holds NaN in column 0");
    }
}
