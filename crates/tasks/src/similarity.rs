//! The similarity of the two vectors of a pair, in `f64`.

use crate::{Error, matrix::Matrix};
use minilm_pooling::similarity;
use ndarray::ArrayView2;

/// A similarity of sentence-transformers, the higher the more alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Similarity {
    /// a·b / (|a|·|b|); lengths below 1e-12 count as 1e-12.
    #[default]
    Cosine,
    /// a·b
    Dot,
    /// −|a − b|
    Euclidean,
    /// −Σ|aᵢ − bᵢ|
    Manhattan,
}

impl Similarity {
    /// All four.
    pub const ALL: &'static [Similarity] =
        &[Similarity::Cosine, Similarity::Dot, Similarity::Euclidean, Similarity::Manhattan];

    /// The name in sentence-transformers.
    ///
    /// ```
    /// assert_eq!(minilm_tasks::Similarity::Cosine.name(), "cosine");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Similarity::Cosine => "cosine",
            Similarity::Dot => "dot",
            Similarity::Euclidean => "euclidean",
            Similarity::Manhattan => "manhattan",
        }
    }

    /// Whether it is the negative of a distance.
    pub fn is_distance(self) -> bool {
        matches!(self, Similarity::Euclidean | Similarity::Manhattan)
    }

    /// The similarity of two vectors. It is computed in `f64`, in order, from the `f32` values.
    ///
    /// # Panics
    /// If the two differ in length.
    ///
    /// ```
    /// use minilm_tasks::Similarity;
    /// assert_eq!(Similarity::Cosine.of(&[3.0, 4.0], &[6.0, 8.0]), 1.0);
    /// assert_eq!(Similarity::Euclidean.of(&[0.0, 0.0], &[3.0, 4.0]), -5.0);
    /// assert_eq!(Similarity::Manhattan.of(&[0.0, 0.0], &[3.0, 4.0]), -7.0);
    /// ```
    pub fn of(self, a: &[f32], b: &[f32]) -> f64 {
        assert_eq!(a.len(), b.len(), "the vectors have {} and {} values", a.len(), b.len());
        match self {
            Similarity::Cosine => similarity::cosine_f64(a, b),
            Similarity::Dot => similarity::dot_f64(a, b),
            Similarity::Euclidean => similarity::euclidean_f64(a, b),
            Similarity::Manhattan => similarity::manhattan_f64(a, b),
        }
    }

    /// The similarity of each row of `a` `[n, d]` with the same row of `b` `[n, d]`
    /// (`util.pairwise_cos_sim` and its like).
    ///
    /// # Errors
    /// [`Error::NoColumns`], [`Error::Columns`], [`Error::Count`] or [`Error::NotFinite`].
    ///
    /// ```
    /// use minilm_tasks::Similarity;
    /// use ndarray::array;
    /// let (a, b) = (array![[1.0, 2.0], [0.0, 1.0]], array![[3.0, 4.0], [1.0, 1.0]]);
    /// assert_eq!(Similarity::Dot.pairs(a.view(), b.view())?, [11.0, 1.0]);
    /// # Ok::<(), minilm_tasks::Error>(())
    /// ```
    pub fn pairs(self, a: ArrayView2<f32>, b: ArrayView2<f32>) -> Result<Vec<f64>, Error> {
        let a = Matrix::new("first vectors", a)?;
        let b = Matrix::new("second vectors", b)?.with_columns_of(&a)?.with_rows(a.rows())?;
        a.check_finite()?;
        b.check_finite()?;
        Ok((0..a.rows()).map(|i| self.of(a.row(i), b.row(i))).collect())
    }
}
