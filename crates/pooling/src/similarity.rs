//! The similarity of two vectors: the scores of `sentence_transformers.util`, the higher the more
//! alike.
//!
//! A vector is anything that gives `&f32`: a slice, a `&Vec<f32>`, a row of an `ndarray` matrix.
//! Each function panics if the two differ in length. Each is computed in `f64`, in order; those
//! whose name ends in `_f64` return that number, the others round it to `f32`. [`matrix`] compares
//! all rows of two matrices.
//!
//! In the book: `docs/01-model.md`.

use minilm_kernels::{
    Level, Rows,
    dot::{Product, products},
};
use ndarray::{Array2, ArrayView2};

/// Lengths below this count as this (`torch.nn.functional.normalize`).
const SHORTEST: f64 = 1e-12;

/// The cosine of each row of `a` `[n, d]` with each row of `b` `[m, d]`: `[n, m]`
/// (`SentenceTransformer.similarity`).
///
/// Dot products and squared lengths are sums of fused multiply-adds in `f32`, in the order of
/// [`minilm_kernels::dot`], and have the same bits with any instruction set. Lengths and quotients
/// are taken in `f64` and rounded to `f32`. So a cosine may differ in its last bits from that of
/// [`cosine`], which sums in `f64`. The work stays on the calling thread.
///
/// ```
/// use minilm_pooling::similarity;
/// use ndarray::array;
/// let a = array![[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]];
/// let b = array![[0.0, 5.0], [6.0, 8.0]];
/// let scores = similarity::matrix(a.view(), b.view());
/// assert_eq!(scores, array![[0.0, 0.6], [1.0, 0.8], [0.8, 1.0]]);
/// ```
///
/// # Panics
/// If the rows differ in length.
pub fn matrix(a: ArrayView2<f32>, b: ArrayView2<f32>) -> Array2<f32> {
    check_columns(a, b);
    let mut scores = Array2::zeros((a.nrows(), b.nrows()));
    if scores.is_empty() || a.ncols() == 0 {
        return scores;
    }
    let (a, b) = (a.as_standard_layout(), b.as_standard_layout());
    let columns = b.ncols();
    let b = Rows::new(b.as_slice().expect("the standard layout"), columns);
    let mut found = vec![Product::default(); b.rows()];
    let level = Level::detect();
    let length = |square: f32| f64::from(square).sqrt().max(SHORTEST);
    for (row, mut scores) in a.rows().into_iter().zip(scores.rows_mut()) {
        let row = row.to_slice().expect("the standard layout");
        let mut own = [Product::default()];
        products(level, Rows::new(row, columns), row, &mut own);
        products(level, b, row, &mut found);
        for (score, found) in scores.iter_mut().zip(&found) {
            *score = (f64::from(found.dot) / (length(own[0].square) * length(found.square))) as f32;
        }
    }
    scores
}

/// `score` of each row of `a` `[n, d]` with each row of `b` `[m, d]`: `[n, m]`.
///
/// ```
/// use minilm_pooling::similarity;
/// use ndarray::array;
/// let a = array![[0.0, 0.0]];
/// let b = array![[3.0, 4.0], [0.0, 1.0]];
/// let scores = similarity::matrix_of(|a, b| similarity::euclidean(a, b), a.view(), b.view());
/// assert_eq!(scores, array![[-5.0, -1.0]]);
/// ```
///
/// # Panics
/// If the rows differ in length.
pub fn matrix_of(
    score: impl Fn(&[f32], &[f32]) -> f32,
    a: ArrayView2<f32>,
    b: ArrayView2<f32>,
) -> Array2<f32> {
    check_columns(a, b);
    let (a, b) = (a.as_standard_layout(), b.as_standard_layout());
    Array2::from_shape_fn((a.nrows(), b.nrows()), |(i, j)| {
        let [a, b] = [a.row(i), b.row(j)].map(|row| row.to_slice().expect("the standard layout"));
        score(a, b)
    })
}

fn check_columns(a: ArrayView2<f32>, b: ArrayView2<f32>) {
    assert_eq!(a.ncols(), b.ncols(), "rows of {} and {} values", a.ncols(), b.ncols());
}

/// a·b / (|a|·|b|), from −1 to 1; lengths below 1e-12 count as 1e-12 (`util.cos_sim`).
///
/// ```
/// use minilm_pooling::similarity::cosine;
/// assert_eq!(cosine(&[1.0, 0.0], &[5.0, 0.0]), 1.0);
/// assert_eq!(cosine(&[1.0, 0.0], &[0.0, 2.0]), 0.0);
/// ```
pub fn cosine<'a>(
    a: impl IntoIterator<Item = &'a f32>,
    b: impl IntoIterator<Item = &'a f32>,
) -> f32 {
    cosine_f64(a, b) as f32
}

/// [`cosine`] before it is rounded.
///
/// ```
/// assert_eq!(minilm_pooling::similarity::cosine_f64(&[3.0, 4.0], &[6.0, 8.0]), 1.0);
/// ```
pub fn cosine_f64<'a>(
    a: impl IntoIterator<Item = &'a f32>,
    b: impl IntoIterator<Item = &'a f32>,
) -> f64 {
    let (mut dot, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in pairs(a, b) {
        dot += x * y;
        aa += x * x;
        bb += y * y;
    }
    dot / (aa.sqrt().max(SHORTEST) * bb.sqrt().max(SHORTEST))
}

/// a·b (`util.dot_score`). For unit vectors it is the cosine.
///
/// ```
/// assert_eq!(minilm_pooling::similarity::dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
/// ```
pub fn dot<'a>(a: impl IntoIterator<Item = &'a f32>, b: impl IntoIterator<Item = &'a f32>) -> f32 {
    dot_f64(a, b) as f32
}

/// [`dot`] before it is rounded.
///
/// ```
/// assert_eq!(minilm_pooling::similarity::dot_f64(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
/// ```
pub fn dot_f64<'a>(
    a: impl IntoIterator<Item = &'a f32>,
    b: impl IntoIterator<Item = &'a f32>,
) -> f64 {
    pairs(a, b).map(|(x, y)| x * y).sum()
}

/// −|a − b|, the negative Euclidean distance (`util.euclidean_sim`).
///
/// ```
/// assert_eq!(minilm_pooling::similarity::euclidean(&[0.0, 0.0], &[3.0, 4.0]), -5.0);
/// ```
pub fn euclidean<'a>(
    a: impl IntoIterator<Item = &'a f32>,
    b: impl IntoIterator<Item = &'a f32>,
) -> f32 {
    euclidean_f64(a, b) as f32
}

/// [`euclidean`] before it is rounded.
///
/// ```
/// assert_eq!(minilm_pooling::similarity::euclidean_f64(&[0.0, 0.0], &[3.0, 4.0]), -5.0);
/// ```
pub fn euclidean_f64<'a>(
    a: impl IntoIterator<Item = &'a f32>,
    b: impl IntoIterator<Item = &'a f32>,
) -> f64 {
    -pairs(a, b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

/// −Σ|aᵢ − bᵢ|, the negative Manhattan distance (`util.manhattan_sim`).
///
/// ```
/// assert_eq!(minilm_pooling::similarity::manhattan(&[0.0, 0.0], &[3.0, -4.0]), -7.0);
/// ```
pub fn manhattan<'a>(
    a: impl IntoIterator<Item = &'a f32>,
    b: impl IntoIterator<Item = &'a f32>,
) -> f32 {
    manhattan_f64(a, b) as f32
}

/// [`manhattan`] before it is rounded.
///
/// ```
/// assert_eq!(minilm_pooling::similarity::manhattan_f64(&[0.0, 0.0], &[3.0, -4.0]), -7.0);
/// ```
pub fn manhattan_f64<'a>(
    a: impl IntoIterator<Item = &'a f32>,
    b: impl IntoIterator<Item = &'a f32>,
) -> f64 {
    -pairs(a, b).map(|(x, y)| (x - y).abs()).sum::<f64>()
}

/// (aᵢ, bᵢ) in order.
fn pairs<'a>(
    a: impl IntoIterator<Item = &'a f32>,
    b: impl IntoIterator<Item = &'a f32>,
) -> impl Iterator<Item = (f64, f64)> {
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    std::iter::from_fn(move || match (a.next(), b.next()) {
        (Some(&x), Some(&y)) => Some((x.into(), y.into())),
        (None, None) => None,
        _ => panic!("the vectors differ in length"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_of_cosines_is_that_of_pairs() {
        let wave = |(i, j): (usize, usize)| ((i * 7 + j * 3) as f32).sin();
        let (a, b) = (Array2::from_shape_fn((5, 37), wave), Array2::from_shape_fn((37, 4), wave));
        let pairs = matrix_of(|a, b| cosine(a, b), a.view(), b.t());
        assert_eq!(pairs.dim(), (5, 4));
        for (one, other) in matrix(a.view(), b.t()).iter().zip(&pairs) {
            assert!((one - other).abs() < 4e-7, "{one} and {other}");
        }
        let none = Array2::zeros((0, 37));
        assert_eq!(matrix(none.view(), a.view()).dim(), (0, 5));
        let narrow = matrix(Array2::zeros((2, 0)).view(), Array2::zeros((1, 0)).view());
        assert_eq!(narrow, Array2::zeros((2, 1)));
        assert_eq!(matrix(Array2::zeros((1, 37)).view(), a.view()), Array2::zeros((1, 5)));
    }

    #[test]
    #[should_panic(expected = "rows of 2 and 3 values")]
    fn matrices_of_different_width_are_refused() {
        matrix(Array2::zeros((1, 2)).view(), Array2::zeros((1, 3)).view());
    }
}
