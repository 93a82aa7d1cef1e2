//! The metrics of a search, and the bounds of their approximate products.

use minilm_kernels::{dot, quantise::CHUNK};

/// The score by which a search ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metric {
    /// q·c / (|q|·|c|), from −1 to 1 (`util.cos_sim`).
    #[default]
    Cosine,
    /// q·c (`util.dot_score`). For unit vectors it is the cosine, and costs the same.
    Dot,
}

impl Metric {
    /// The score of two vectors with this dot product and these lengths.
    pub(crate) fn score(self, dot: f32, query: f64, row: f64) -> f32 {
        let score = match self {
            Metric::Cosine => (f64::from(dot) / (query * row)).clamp(-1.0, 1.0) as f32,
            Metric::Dot => dot,
        };
        score + 0.0 // −0 and 0 are one score
    }

    /// α and β: where the score of a row of length |c| reaches `limit`, a product by GEMM or dot
    /// product is at least α + β·|c|.
    ///
    /// With δ the relative error of [`slack`], q·c ≥ limit·|q|·|c| gives at least (limit −
    /// δ)·|q|·|c| for a cosine, and q·c ≥ limit at least limit − δ·|q|·|c| for a dot product.
    pub(super) fn bar(self, limit: f32, query: f64, slack: f64) -> (f32, f32) {
        match self {
            Metric::Cosine => (0.0, ((f64::from(limit) - slack) * query) as f32),
            Metric::Dot => (limit, (-slack * query) as f32),
        }
    }
}

/// The largest distance of [`dot::dot`] of `k` terms from the exact product, as a part of |q|·|c|,
/// and that of a product of rounded rows from the product of what they are rounded to.
///
/// A sum is within γₙ·Σ|qₖ·cₖ| ≤ γₙ·|q|·|c| of the truth, γₙ = n·u / (1 − n·u), for n roundings.
/// The product of rounded rows has four for each chunk. Sixteen more are for the lengths, the
/// division, and the bar itself, which are rounded a few times each, and as many for the values
/// that are rounded to integers by way of a division.
pub(super) fn slack(k: usize) -> f64 {
    let u = f64::from(f32::EPSILON) / 2.0;
    let gamma = |n: usize| n as f64 * u / (1.0 - n as f64 * u);
    let rounded = 4 * k.div_ceil(CHUNK);
    gamma(rounded + dot::roundings(k) + 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_of_equal_vectors_is_one() {
        for dot in [1e-20_f32, 0.3, 1.0, 7.7, 1e30] {
            let length = f64::from(dot).sqrt();
            assert_eq!(Metric::Cosine.score(dot, length, length), 1.0);
            assert_eq!(Metric::Cosine.score(-dot, length, length), -1.0);
        }
    }

    #[test]
    fn zeros_have_one_sign() {
        assert_eq!(Metric::Dot.score(-0.0, 1.0, 1.0).to_bits(), 0);
        assert_eq!(Metric::Cosine.score(-0.0, 1.0, 1.0).to_bits(), 0);
    }

    #[test]
    fn without_a_limit_every_product_passes() {
        for metric in [Metric::Cosine, Metric::Dot] {
            let (alpha, beta) = metric.bar(f32::NEG_INFINITY, 1e-12, slack(384));
            assert_eq!(alpha + beta * 1e-12, f32::NEG_INFINITY);
        }
    }

    #[test]
    fn slack_is_small_and_grows_slowly() {
        assert!(slack(384) < 5e-6 && slack(384) > 2e-6, "{}", slack(384));
        assert!(slack(4096) < 3e-5);
    }
}
