//! What a search reads: rows of `f32`, or of a byte for each dimension.

use crate::{Error, matrix::Matrix};
use minilm_kernels::{
    Level, Rows,
    dot::{ByteRows, Product, products},
};
use std::ops::Range;

/// The rows of a search.
pub(crate) trait Corpus: Sync {
    /// The number of rows.
    fn rows(&self) -> usize;

    /// The products of some rows with a query.
    fn products(&self, level: Level, rows: Range<usize>, query: &[f32], out: &mut [Product]);

    /// Some rows as `f32`: where they are, or in `buffer`.
    fn block<'b>(&'b self, level: Level, rows: Range<usize>, buffer: &'b mut Vec<f32>) -> Rows<'b>;

    /// The error of a row whose square is not usable; `before` rows came earlier.
    fn bad_row(&self, row: usize, before: usize) -> Error;
}

impl Corpus for Matrix<'_> {
    fn rows(&self) -> usize {
        Matrix::rows(self)
    }

    fn products(&self, level: Level, rows: Range<usize>, query: &[f32], out: &mut [Product]) {
        products(level, self.slice(rows), query, out);
    }

    fn block<'b>(&'b self, _: Level, rows: Range<usize>, _: &'b mut Vec<f32>) -> Rows<'b> {
        self.slice(rows)
    }

    fn bad_row(&self, row: usize, before: usize) -> Error {
        Matrix::bad_row(self, row, before)
    }
}

impl Corpus for ByteRows<'_> {
    fn rows(&self) -> usize {
        ByteRows::rows(self)
    }

    fn products(&self, level: Level, rows: Range<usize>, query: &[f32], out: &mut [Product]) {
        self.slice(rows).products(level, query, out);
    }

    fn block<'b>(&'b self, level: Level, rows: Range<usize>, buffer: &'b mut Vec<f32>) -> Rows<'b> {
        buffer.resize(rows.len() * self.cols(), 0.0);
        self.slice(rows).restore(level, buffer);
        Rows::new(buffer, self.cols())
    }

    fn bad_row(&self, row: usize, before: usize) -> Error {
        // Ranges are finite, so no value is infinite.
        Error::TooLong { what: "corpus", row: before + row }
    }
}
