//! Matrices as the kernels see them: a slice and the distance between rows.
//!
//! In the book: `docs/02-memory.md`.

use crate::simd::LANES;
use std::ops::Range;

/// A row-major matrix `[rows, cols]` in a slice, its rows `stride ≥ cols` apart.
///
/// ```
/// use minilm_kernels::Rows;
/// let m = Rows::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3);
/// assert_eq!(m.rows(), 2);
/// assert_eq!(m.columns(1..3).row(1), [5.0, 6.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    data: &'a [f32],
    stride: usize,
    columns: (usize, usize), // start, end
    rows: usize,
}

impl<'a> Rows<'a> {
    /// A dense matrix: `data` holds whole rows of `cols` values.
    ///
    /// # Panics
    /// If `data.len()` is no multiple of `cols`.
    #[inline]
    pub fn new(data: &'a [f32], cols: usize) -> Rows<'a> {
        Rows { data, stride: cols, columns: (0, cols), rows: whole_rows(data.len(), cols) }
    }

    /// A matrix whose rows of `cols` values are `stride` apart.
    ///
    /// ```
    /// use minilm_kernels::Rows;
    /// assert_eq!(Rows::strided(&[1.0, 2.0, 0.0, 3.0, 4.0, 0.0], 3, 2).row(1), [3.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If `data.len()` is no multiple of `stride`, or `cols` exceeds it.
    #[inline]
    pub fn strided(data: &'a [f32], stride: usize, cols: usize) -> Rows<'a> {
        Rows::new(data, stride).columns(0..cols)
    }

    /// Number of rows.
    #[inline]
    pub fn rows(self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[inline]
    pub fn cols(self) -> usize {
        self.columns.1 - self.columns.0
    }

    /// Row `i`: `[cols]`.
    #[inline]
    pub fn row(self, i: usize) -> &'a [f32] {
        let start = i * self.stride;
        &self.data[start + self.columns.0..start + self.columns.1]
    }

    /// The same rows, fewer columns.
    ///
    /// # Panics
    /// If the range ends past the last column.
    #[inline]
    pub fn columns(self, range: Range<usize>) -> Rows<'a> {
        Rows { columns: narrow(self.columns, range), ..self }
    }

    /// The same columns, fewer rows.
    ///
    /// # Panics
    /// If the range ends past the last row.
    #[inline]
    pub fn slice(self, range: Range<usize>) -> Rows<'a> {
        assert!(
            range.start <= range.end && range.end <= self.rows,
            "rows {range:?} of {}",
            self.rows
        );
        Rows {
            data: &self.data[range.start * self.stride..range.end * self.stride],
            rows: range.len(),
            ..self
        }
    }
}

/// A row-major matrix `[rows, cols]` in a slice that can be written, its rows `stride ≥ cols`
/// apart.
#[derive(Debug)]
pub struct RowsMut<'a> {
    data: &'a mut [f32],
    stride: usize,
    columns: (usize, usize), // start, end
    rows: usize,
}

impl<'a> RowsMut<'a> {
    /// A dense matrix: `data` holds whole rows of `cols` values.
    ///
    /// # Panics
    /// If `data.len()` is no multiple of `cols`.
    #[inline]
    pub fn new(data: &'a mut [f32], cols: usize) -> RowsMut<'a> {
        let rows = whole_rows(data.len(), cols);
        RowsMut { data, stride: cols, columns: (0, cols), rows }
    }

    /// A matrix whose rows of `cols` values are `stride` apart.
    ///
    /// # Panics
    /// As [`Rows::strided`].
    #[inline]
    pub fn strided(data: &'a mut [f32], stride: usize, cols: usize) -> RowsMut<'a> {
        let rows = whole_rows(data.len(), stride);
        RowsMut { data, stride, columns: narrow((0, stride), 0..cols), rows }
    }

    /// The same matrix, to be read.
    #[inline]
    pub fn as_rows(&self) -> Rows<'_> {
        Rows { data: self.data, stride: self.stride, columns: self.columns, rows: self.rows }
    }

    /// Number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[inline]
    pub fn cols(&self) -> usize {
        self.columns.1 - self.columns.0
    }

    /// Row `i`: `[cols]`.
    #[inline]
    pub fn row(&mut self, i: usize) -> &mut [f32] {
        let start = i * self.stride;
        &mut self.data[start + self.columns.0..start + self.columns.1]
    }

    /// A copy of the rows from `first` on as `MR × NV` vectors, if the rows are narrower than that;
    /// zeros stand behind them.
    #[inline(always)]
    pub(crate) fn copy_of_narrow<const MR: usize, const NV: usize>(
        &mut self,
        first: usize,
    ) -> Option<Tile<MR, NV>> {
        if self.cols() == NV * LANES {
            return None;
        }
        let mut copy = [[[0.0; LANES]; NV]; MR];
        for (i, copy) in copy.iter_mut().enumerate() {
            *copy = padded(self.row(first + i));
        }
        Some(copy)
    }

    /// The rows from `first` on, or their copy.
    #[inline(always)]
    pub(crate) fn tile<'s, const MR: usize, const NV: usize>(
        &'s mut self,
        first: usize,
        copy: &'s mut Option<Tile<MR, NV>>,
    ) -> RowsMut<'s> {
        match copy {
            Some(copy) => RowsMut::new(copy.as_flattened_mut().as_flattened_mut(), NV * LANES),
            None => RowsMut {
                data: &mut self.data[first * self.stride..],
                rows: self.rows - first,
                ..*self
            },
        }
    }

    /// Writes the copy of the rows from `first` on back, if there is one.
    #[inline(always)]
    pub(crate) fn put_back<const MR: usize, const NV: usize>(
        &mut self,
        first: usize,
        copy: &Option<Tile<MR, NV>>,
    ) {
        for (i, copy) in copy.iter().flatten().enumerate() {
            let row = self.row(first + i);
            row.copy_from_slice(&copy.as_flattened()[..row.len()]);
        }
    }

    /// Row `i` as vectors.
    #[inline(always)]
    pub(crate) fn vectors<const NV: usize>(&mut self, i: usize) -> &mut [[f32; LANES]; NV] {
        self.row(i).as_chunks_mut().0.first_chunk_mut().expect("rows of NV vectors")
    }

    /// The same rows, fewer columns, borrowed from this view.
    ///
    /// # Panics
    /// If the range ends past the last column.
    #[inline]
    pub fn columns(&mut self, range: Range<usize>) -> RowsMut<'_> {
        let columns = narrow(self.columns, range);
        RowsMut { data: self.data, stride: self.stride, columns, rows: self.rows }
    }
}

/// MR rows of NV vectors.
pub(crate) type Tile<const MR: usize, const NV: usize> = [[[f32; LANES]; NV]; MR];

/// A row as vectors, with zeros where it ends before them.
pub(crate) fn padded<const NV: usize>(row: &[f32]) -> [[f32; LANES]; NV] {
    let mut whole = [[0.0; LANES]; NV];
    whole.as_flattened_mut()[..row.len()].copy_from_slice(row);
    whole
}

fn whole_rows(len: usize, cols: usize) -> usize {
    assert!(cols > 0 && len.is_multiple_of(cols), "{len} values are no whole rows of {cols}");
    len / cols
}

fn narrow((start, end): (usize, usize), range: Range<usize>) -> (usize, usize) {
    assert!(
        range.start <= range.end && range.end <= end - start,
        "columns {range:?} of {}",
        end - start
    );
    (start + range.start, start + range.end)
}
