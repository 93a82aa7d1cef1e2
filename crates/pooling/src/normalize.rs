//! Scaling to length 1.
//!
//! In the book: `docs/01-model.md`.

/// Divides `v` by its Euclidean length, or by 1e-12 if it is shorter
/// (`torch.nn.functional.normalize`).
///
/// ```
/// let mut v = [3.0, 4.0];
/// minilm_pooling::normalize(&mut v);
/// assert_eq!(v, [0.6, 0.8]);
/// ```
pub fn normalize(v: &mut [f32]) {
    let squares: f64 = v.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let length = squares.sqrt().max(1e-12);
    for x in v {
        *x = (f64::from(*x) / length) as f32;
    }
}
