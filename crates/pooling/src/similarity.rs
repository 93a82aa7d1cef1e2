//! How alike two vectors are: the scores of `sentence_transformers.util`, the higher the more alike.
//!
//! Each function panics if the vectors differ in length.

/// a·b / (|a|·|b|), from −1 to 1; lengths below 1e-12 count as 1e-12 (`util.cos_sim`).
///
/// ```
/// use minilm_pooling::similarity::cosine;
/// assert_eq!(cosine(&[1.0, 0.0], &[5.0, 0.0]), 1.0);
/// assert_eq!(cosine(&[1.0, 0.0], &[0.0, 2.0]), 0.0);
/// ```
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let length = |v: &[f32]| sum(v, v, |x, y| x * y).sqrt().max(1e-12);
    (sum(a, b, |x, y| x * y) / (length(a) * length(b))) as f32
}

/// a·b (`util.dot_score`). For unit vectors it is the cosine.
///
/// ```
/// assert_eq!(minilm_pooling::similarity::dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
/// ```
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |x, y| x * y) as f32
}

/// −|a − b|, the negative Euclidean distance (`util.euclidean_sim`).
///
/// ```
/// assert_eq!(minilm_pooling::similarity::euclidean(&[0.0, 0.0], &[3.0, 4.0]), -5.0);
/// ```
pub fn euclidean(a: &[f32], b: &[f32]) -> f32 {
    -sum(a, b, |x, y| (x - y) * (x - y)).sqrt() as f32
}

/// −Σ|aᵢ − bᵢ|, the negative Manhattan distance (`util.manhattan_sim`).
///
/// ```
/// assert_eq!(minilm_pooling::similarity::manhattan(&[0.0, 0.0], &[3.0, -4.0]), -7.0);
/// ```
pub fn manhattan(a: &[f32], b: &[f32]) -> f32 {
    -sum(a, b, |x, y| (x - y).abs()) as f32
}

/// Σ term(aᵢ, bᵢ)
fn sum(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    assert_eq!(a.len(), b.len(), "the vectors differ in length");
    a.iter().zip(b).map(|(&x, &y)| term(f64::from(x), f64::from(y))).sum()
}
