//! CoSENT: pairs in the order of their scores.
//!
//! ```text
//! ℓ = log(1 + Σ exp(scale·(cosⱼ − cosᵢ)))    over all i, j with yᵢ > yⱼ
//! ```
//!
//! Only the order of the scores counts, and equal scores make no demand. With the largest exponent
//! t taken out, no term overflows; the 1 is then exp(−t).

use super::pairs::OfCosines;

pub(super) fn value(cosines: &[f64], scores: &[f64], scale: f64) -> OfCosines {
    let n = cosines.len();
    let ordered = |i: usize| (0..n).filter(move |&j| scores[i] > scores[j]);
    let exponent = |i: usize, j: usize| scale * (cosines[j] - cosines[i]);
    let top = (0..n).flat_map(|i| ordered(i).map(move |j| exponent(i, j))).fold(0.0, f64::max);
    let mut derivatives = vec![0.0; n];
    let mut sum = 0.0;
    for i in 0..n {
        for j in ordered(i) {
            let term = libm::exp(exponent(i, j) - top);
            sum += term;
            derivatives[j] += term;
            derivatives[i] -= term;
        }
    }
    let one = libm::exp(-top);
    let loss = if top == 0.0 { libm::log1p(sum) } else { top + libm::log(one + sum) };
    derivatives.iter_mut().for_each(|g| *g *= scale / (one + sum));
    (loss, derivatives)
}
