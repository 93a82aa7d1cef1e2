//! The similarity of two texts, split among the pairs of their tokens.
//!
//! ```text
//! ū = Σᵢ uᵢ / n,  v̄ = Σⱼ vⱼ / m      mean pooling of the last layer's token vectors uᵢ and vⱼ
//! cos(ū, v̄) = ū·v̄ / (|ū|·|v̄|) = Σᵢ Σⱼ uᵢ·vⱼ / (n·m·|ū|·|v̄|)
//! ```
//!
//! A dot product of two sums is the sum of all dot products, so this is no estimate: the terms add
//! up to the cosine. Each token vector depends on its sentence, so a term stands for the meaning of
//! two tokens *here*, not for the words by themselves.
//!
//! Limits: it holds for mean pooling, where the sentence vector is a sum, without a `Dense` module
//! behind it. Scaling to length 1 does
//! not change a cosine. Tokens of a prompt that is not pooled add nothing.

use super::SentenceEncoder;
use crate::{Error, TokenCount};
use minilm_pooling::Mode;
use ndarray::{Array1, Array2, Axis, Slice};

/// The cosine similarity of two texts as a table of token pairs.
///
/// ```
/// # fn main() -> Result<(), minilm::Error> {
/// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
/// let why = encoder.explain("A man is eating food.", "Someone has a meal.")?;
/// assert_eq!(why.a[5], "food");
/// assert_eq!(why.b[4], "meal");
/// assert_eq!(why.pairs.dim(), (8, 7));
/// assert!((why.cosine() - 0.6795).abs() < 1e-4); // all pairs
/// assert!(why.pairs[[5, 4]] > 0.02); // food and meal
/// assert!(why.of_a()[5] > why.of_a()[6]); // all pairs with food, all with the full stop
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The word pieces of the first text, `[CLS]` and `[SEP]` among them.
    pub a: Vec<String>,
    /// The word pieces of the second.
    pub b: Vec<String>,
    /// Tokens of both texts that were used and dropped.
    pub counts: [TokenCount; 2],
    /// The part of the cosine that each pair adds: `[a.len(), b.len()]`.
    pub pairs: Array2<f64>,
}

impl Explanation {
    /// The sum of all pairs.
    pub fn cosine(&self) -> f64 {
        self.pairs.sum()
    }

    /// The part that each token of the first text adds, with all of the second: `[a.len()]`.
    pub fn of_a(&self) -> Array1<f64> {
        self.pairs.sum_axis(Axis(1))
    }

    /// The part that each token of the second text adds, with all of the first: `[b.len()]`.
    pub fn of_b(&self) -> Array1<f64> {
        self.pairs.sum_axis(Axis(0))
    }
}

impl SentenceEncoder {
    /// The cosine similarity of two texts, split among the pairs of their tokens. The parts add up
    /// to it, see [`Explanation`].
    ///
    /// If the encoder truncates embeddings, it is the cosine of the shortened vectors.
    ///
    /// # Errors
    /// [`Error::Pooling`] if the model does not pool by the mean alone, or has a `Dense` module;
    /// otherwise as
    /// [`SentenceEncoder::encode`].
    pub fn explain(&self, a: &str, b: &str) -> Result<Explanation, Error> {
        let behind: Vec<_> = self.head.names().collect();
        if self.pooling.modes() != [Mode::Mean] || !behind.is_empty() {
            let modes = self.pooling.modes().iter().map(|mode| mode.name());
            let found: Vec<_> = modes.chain(behind).collect();
            return Err(Error::Pooling { found: found.join(" and ") });
        }
        let a = self.token_embeddings(a)?;
        let b = self.token_embeddings(b).map_err(|error| error.at(|i| i + 1))?;
        let columns = Slice::from(..self.dimension());
        let unpooled = self.defaults.unpooled;
        let [u, v] = [&a, &b].map(|text| {
            let mut x = text.embeddings.slice_axis(Axis(1), columns).mapv(f64::from);
            let last = unpooled.min(x.nrows());
            x.slice_axis_mut(Axis(0), Slice::from(..last)).fill(0.0); // they add nothing
            x
        }); // [n, H], [m, H]
        let [n, m] = [&u, &v].map(|x| x.nrows().saturating_sub(unpooled).max(1) as f64);
        let length = |x: &Array2<f64>, n: f64| {
            let mean = x.sum_axis(Axis(0)) / n;
            mean.dot(&mean).sqrt().max(1e-12)
        };
        let lengths = [length(&u, n), length(&v, m)];
        if let Some(index) = lengths.iter().position(|length| !length.is_finite()) {
            return Err(Error::NotFinite { index });
        }
        let divisor = lengths[0] * lengths[1] * (n * m);
        let counts =
            [&a, &b].map(|text| TokenCount { used: text.ids.len(), dropped: text.dropped });
        Ok(Explanation { a: a.tokens, b: b.tokens, counts, pairs: u.dot(&v.t()) / divisor })
    }
}
