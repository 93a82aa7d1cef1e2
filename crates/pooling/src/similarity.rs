//! How alike two vectors are: the scores of `sentence_transformers.util`, the higher the more
//! alike.
//!
//! A vector is anything that gives `&f32`: a slice, a `&Vec<f32>`, a row of an `ndarray` matrix.
//! Each function panics if the two differ in length. Each is computed in `f64`, in order; those
//! whose name ends in `_f64` return that number, the others round it to `f32`.
//!
//! In the book: `docs/01-model.md`.

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
    dot / (aa.sqrt().max(1e-12) * bb.sqrt().max(1e-12))
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
