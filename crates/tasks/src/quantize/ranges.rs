//! One byte for each dimension: where the value lies in the dimension's range.
//!
//! ```text
//! step = (max − min) / 255        byte = ⌊(x − min) / step⌋, kept within 0 … 255
//! ```
//!
//! All in `f32`, as NumPy does it. A dimension that never varies has step 1.

use crate::{Error, matrix::Matrix};
use minilm_kernels::dot::Steps;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

/// The range of each dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranges {
    min: Vec<f32>,
    max: Vec<f32>,
    steps: Vec<f32>,
}

impl Ranges {
    /// The ranges of a sample of embeddings `[n, d]`, or of those that are to be quantised. Values
    /// outside will be cut.
    ///
    /// # Errors
    /// [`Error::NoColumns`], [`Error::NotFinite`], or [`Error::TooFew`] for fewer than two rows,
    /// which have no range.
    ///
    /// ```
    /// use minilm_tasks::quantize::Ranges;
    /// use ndarray::array;
    /// let ranges = Ranges::of(array![[0.0, -1.0], [255.0, 1.0]].view())?;
    /// assert_eq!(
    ///     ranges.to_u8(array![[7.5, 2.0], [-3.0, 0.0]].view())?,
    ///     array![[7, 255], [0, 127]]
    /// );
    /// # Ok::<(), minilm_tasks::Error>(())
    /// ```
    pub fn of(embeddings: ArrayView2<f32>) -> Result<Ranges, Error> {
        let rows = Matrix::new("embeddings", embeddings)?;
        rows.check_finite()?;
        if rows.rows() < 2 {
            return Err(Error::TooFew { what: "embeddings", found: rows.rows(), least: 2 });
        }
        let (mut min, mut max) = (rows.row(0).to_vec(), rows.row(0).to_vec());
        for i in 1..rows.rows() {
            for ((min, max), &x) in min.iter_mut().zip(&mut max).zip(rows.row(i)) {
                (*min, *max) = (min.min(x), max.max(x));
            }
        }
        Ranges::new(Array1::from(min).view(), Array1::from(max).view())
    }

    /// Given ranges, for example those of another day's embeddings.
    ///
    /// # Errors
    /// [`Error::Count`] if the two differ in length, or [`Error::Option`] if a range is not finite,
    /// or ends before it starts.
    ///
    /// ```
    /// use minilm_tasks::quantize::Ranges;
    /// use ndarray::array;
    /// let ranges = Ranges::new(array![-0.25, -0.5].view(), array![0.25, 0.5].view())?;
    /// assert_eq!(ranges.to_i8(array![[-0.25, 0.6]].view())?, array![[-128, 127]]);
    /// # Ok::<(), minilm_tasks::Error>(())
    /// ```
    pub fn new(min: ArrayView1<f32>, max: ArrayView1<f32>) -> Result<Ranges, Error> {
        if min.len() != max.len() {
            return Err(Error::Count {
                what: "upper ends of ranges",
                found: max.len(),
                expected: min.len(),
            });
        }
        let steps: Vec<f32> = min.iter().zip(&max).map(|(min, max)| (max - min) / 255.0).collect();
        if let Some(i) = steps.iter().position(|step| !(step.is_finite() && *step >= 0.0)) {
            let reason = format!("that of dimension {i} is from {} to {}", min[i], max[i]);
            return Err(Error::Option { option: "ranges", reason });
        }
        let steps = steps.into_iter().map(|step| if step == 0.0 { 1.0 } else { step }).collect();
        Ok(Ranges { min: min.to_vec(), max: max.to_vec(), steps })
    }

    /// The lower ends `[d]`.
    pub fn min(&self) -> &[f32] {
        &self.min
    }

    /// The upper ends `[d]`.
    pub fn max(&self) -> &[f32] {
        &self.max
    }

    /// Precision `uint8`: 0 … 255.
    ///
    /// # Errors
    /// [`Error::NoColumns`], [`Error::Columns`] if the ranges are of other embeddings, or
    /// [`Error::NotFinite`].
    pub fn to_u8(&self, embeddings: ArrayView2<f32>) -> Result<Array2<u8>, Error> {
        self.quantize(embeddings, |byte| byte)
    }

    /// Precision `int8`: the same less 128.
    ///
    /// # Errors
    /// As [`Ranges::to_u8`].
    pub fn to_i8(&self, embeddings: ArrayView2<f32>) -> Result<Array2<i8>, Error> {
        self.quantize(embeddings, |byte| (byte ^ 0x80).cast_signed())
    }

    fn quantize<T>(
        &self,
        embeddings: ArrayView2<f32>,
        value: impl Fn(u8) -> T,
    ) -> Result<Array2<T>, Error> {
        let rows = Matrix::new("embeddings", embeddings)?;
        self.check_columns("embeddings", rows.columns())?;
        rows.check_finite()?;
        let mut bytes = Vec::with_capacity(rows.rows() * rows.columns());
        for i in 0..rows.rows() {
            let dimensions = rows.row(i).iter().zip(&self.min).zip(&self.steps);
            // A cast keeps within 0 … 255.
            bytes
                .extend(dimensions.map(|((x, min), step)| value(((x - min) / step).floor() as u8)));
        }
        Ok(Array2::from_shape_vec((rows.rows(), rows.columns()), bytes)
            .expect("a byte for each value"))
    }

    /// The steps as the kernels take them.
    pub(super) fn steps(&self) -> Steps<'_> {
        Steps { lowest: &self.min, step: &self.steps, highest: &self.max }
    }

    pub(super) fn check_columns(&self, what: &'static str, found: usize) -> Result<(), Error> {
        if found == self.min.len() {
            return Ok(());
        }
        Err(Error::Columns { what, found, expected: self.min.len() })
    }

    /// The middle of the step that each byte of a row `[d]` stands for, into `to` `[d]`.
    ///
    /// The middle, because the start of the step (which the original takes) is off by half a step
    /// in every dimension, and always to one side. The bytes are those of [`Ranges::to_u8`].
    ///
    /// ```
    /// use minilm_tasks::quantize::Ranges;
    /// use ndarray::array;
    /// let ranges = Ranges::new(array![0.0, -1.0].view(), array![255.0, 1.0].view())?;
    /// let mut row = [0.0; 2];
    /// ranges.restore([7, 255].into_iter(), &mut row);
    /// assert_eq!(row, [7.5, 1.0]);
    /// # Ok::<(), minilm_tasks::Error>(())
    /// ```
    pub fn restore(&self, bytes: impl Iterator<Item = u8>, to: &mut [f32]) {
        let ranges = self.min.iter().zip(&self.max).zip(&self.steps);
        for ((to, byte), ((min, max), step)) in to.iter_mut().zip(bytes).zip(ranges) {
            *to = (min + (f32::from(byte) + 0.5) * step).min(*max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_restored_value_is_within_half_a_step() {
        let ranges =
            Ranges::new(array![-0.3, 0.5, 7.0].view(), array![0.7, 0.5, 7.5].view()).unwrap();
        for i in 0..=1000_u16 {
            let at = f32::from(i) / 1000.0;
            let row = array![[-0.3 + at, 0.5, 7.0 + at / 2.0]];
            let bytes = ranges.to_u8(row.view()).unwrap();
            let mut restored = [0.0; 3];
            ranges.restore(bytes.iter().copied(), &mut restored);
            for ((got, want), step) in
                restored.iter().zip(&row).zip([1.0 / 255.0, 0.0, 0.5 / 255.0])
            {
                assert!((got - want).abs() <= step * 0.501, "{got} {want}");
            }
        }
    }

    #[test]
    fn bad_ranges_are_refused() {
        let new = |min: f32, max: f32| {
            Ranges::new(array![0.0, min].view(), array![1.0, max].view()).map_err(|e| e.to_string())
        };
        assert_eq!(
            new(1.0, 0.5).unwrap_err(),
            "option ranges: that of dimension 1 is from 1 to 0.5"
        );
        assert!(
            new(f32::NAN, 1.0).is_err()
                && new(0.0, f32::INFINITY).is_err()
                && new(-3e38, 3e38).is_err()
        );
        assert_eq!(
            Ranges::of(array![[1.0]].view()),
            Err(Error::TooFew { what: "embeddings", found: 1, least: 2 })
        );
        let ranges = new(0.0, 1.0).unwrap();
        assert_eq!(
            ranges.to_u8(array![[1.0]].view()),
            Err(Error::Columns { what: "embeddings", found: 1, expected: 2 })
        );
        assert!(matches!(
            ranges.to_i8(array![[1.0, f32::NAN]].view()),
            Err(Error::NotFinite { row: 0, column: 1, .. })
        ));
    }
}
