//! Losses: from the embeddings of a batch to one number and its gradient, in `f64`.
//!
//! A batch of B rows with n columns gives n·B embeddings: those of the first column, then those of
//! the second, and so on. All losses but two depend on cosines alone, so each normalises the
//! embeddings itself, and its gradient is the one before that normalisation:
//!
//! ```text
//! e ──unit──► u = e/|e| ──loss──► ℓ        ∂ℓ/∂e = (g − u·(u·g)) / |e|,   g = ∂ℓ/∂u
//! ```
//!
//! | loss | rows | formula | of sentence-transformers |
//! |---|---|---|---|
//! | multiple negatives ranking | anchor, positive, negatives | −log of the share of the positive in Σ exp(scale·cos) | `MultipleNegativesRankingLoss` |
//! | CoSENT | two texts, score | log(1 + Σ exp(scale·(cosⱼ − cosᵢ))) over yᵢ > yⱼ | `CoSENTLoss` |
//! | cosine similarity | two texts, score | mean (cos − y)² | `CosineSimilarityLoss` |
//! | contrastive | two texts, 0 or 1 | mean ½(y·d² + (1 − y)·max(0, m − d)²), d = 1 − cos | `ContrastiveLoss` |
//! | triplet | anchor, positive, negatives | mean max(0, d(a, p) − d(a, n) + m) | `TripletLoss` |
//! | distillation | texts, vectors | mean (e − t)², or mean 1 − cos(e, t) | `MSELoss`, `EmbedDistillLoss` |
//! | Matryoshka | as the loss inside | Σ w·loss of the first k values | `MatryoshkaLoss` |
//!
//! Everything is `f64` because the loss of a nearly solved batch is a small difference of numbers
//! near 1, which `f32` does not have the digits for. Exponentials and logarithms are those of the
//! crate `libm`, which are the same on every machine.
//!
//! In the book: `docs/14-training.md`.

mod cosent;
mod distillation;
mod pairs;
mod ranking;
mod same;
mod triplet;
mod unit;

pub use same::Same;

use ndarray::{Array2, ArrayView2, Axis, CowArray, Ix2};
use serde::{Deserialize, Serialize};
use unit::Unit;

/// The margin of [`Loss::Triplet`] for cosines.
///
/// The original's default is the Euclidean distance with a margin of 5. Vectors of length 1 are at
/// most 2 apart, so that this margin never lets go of a triplet, however well it is separated. For
/// unit vectors a margin has to be a part of the range of the distance: 0.2 of the 2 that
/// 1 − cos has.
pub const TRIPLET_MARGIN: f64 = 0.2;

/// How a batch is judged.
///
/// ```
/// use minilm_train::{Examples, Loss};
/// use ndarray::array;
/// let embeddings = array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0]]; // a, a, p, p
/// let found = Loss::default().value(embeddings.view(), &Examples::of(2));
/// assert!(found.loss < 1e-6);
/// assert_eq!(found.gradient.dim(), (4, 2));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Loss {
    /// Cross entropy of each anchor's positive among all positives and negatives of the batch.
    MultipleNegativesRanking {
        /// The factor of the cosines: 20, as a temperature of 0.05.
        scale: f64,
        /// Whether each positive has to find its anchor too (`directions=("query_to_doc",
        /// "doc_to_query")`, `partition_mode="per_direction"`), as all-MiniLM-L6-v2 was trained.
        symmetric: bool,
    },
    /// A pair with a higher score should have the higher cosine. A sum over pairs of pairs, not a
    /// mean.
    CoSent {
        /// The factor of the cosines: 20.
        scale: f64,
    },
    /// The cosine should be the score.
    CosineSimilarity,
    /// Pairs with score 1 are pulled together, those with 0 pushed apart up to the margin.
    Contrastive {
        /// The distance 1 − cos beyond which a negative pair is left alone: 0.5.
        margin: f64,
    },
    /// The anchor should be nearer to its positive than to its negative by the margin.
    Triplet {
        /// See [`TRIPLET_MARGIN`].
        margin: f64,
        /// The distance of two embeddings.
        distance: Distance,
    },
    /// The embeddings should be the given vectors.
    Distillation {
        /// The measure of the difference.
        distance: Target,
    },
    /// A loss of the first values of the embeddings, for several numbers of values.
    Matryoshka {
        /// The loss of each.
        loss: Box<Loss>,
        /// The numbers of values, and their weights.
        dimensions: Vec<(usize, f64)>,
    },
}

/// The distance of [`Loss::Triplet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distance {
    /// 1 − cos.
    Cosine,
    /// |a − b|, of the embeddings as they are.
    Euclidean,
}

/// The measure of [`Loss::Distillation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The mean of the squared differences of the values.
    Mse,
    /// The mean of 1 − cos.
    Cosine,
}

/// What a loss is told of the rows of a batch, besides their embeddings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Examples<'a> {
    /// Texts of a row.
    pub columns: usize,
    /// A score or label for each row, for the losses of pairs.
    pub scores: &'a [f64],
    /// Which rows mean the same, so that they are no negatives of each other.
    pub same: Option<&'a Same>,
    /// A vector for each embedding, for [`Loss::Distillation`].
    pub vectors: Option<ArrayView2<'a, f64>>,
}

impl Examples<'_> {
    /// Rows of `columns` texts, and nothing else.
    ///
    /// ```
    /// assert_eq!(minilm_train::Examples::of(3).columns, 3);
    /// ```
    pub fn of(columns: usize) -> Examples<'static> {
        Examples { columns, scores: &[], same: None, vectors: None }
    }
}

/// A loss and its gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// The loss.
    pub loss: f64,
    /// Its derivative by each value of the embeddings: `[columns·rows, dimension]`.
    pub gradient: Array2<f64>,
}

impl Default for Loss {
    /// In-batch negatives in one direction, with a scale of 20.
    fn default() -> Loss {
        Loss::MultipleNegativesRanking { scale: 20.0, symmetric: false }
    }
}

impl Loss {
    /// The original's name, as it stands in model cards.
    ///
    /// ```
    /// assert_eq!(minilm_train::Loss::CoSent { scale: 20.0 }.name(), "CoSENTLoss");
    /// ```
    pub fn name(&self) -> &'static str {
        match self {
            Loss::MultipleNegativesRanking { .. } => "MultipleNegativesRankingLoss",
            Loss::CoSent { .. } => "CoSENTLoss",
            Loss::CosineSimilarity => "CosineSimilarityLoss",
            Loss::Contrastive { .. } => "ContrastiveLoss",
            Loss::Triplet { .. } => "TripletLoss",
            Loss::Distillation { .. } => "EmbedDistillLoss",
            Loss::Matryoshka { .. } => "MatryoshkaLoss",
        }
    }

    /// The loss itself, or the one inside of [`Loss::Matryoshka`].
    pub fn inner(&self) -> &Loss {
        match self {
            Loss::Matryoshka { loss, .. } => loss.inner(),
            loss => loss,
        }
    }

    /// The loss of a batch and its gradient; `embeddings` are `[columns·rows, dimension]`, column
    /// by column. A loss of many texts takes less memory if they are given away.
    ///
    /// # Panics
    /// If the number of embeddings is no multiple of the columns, if a loss of pairs has another
    /// number of scores than rows, or if vectors to learn are missing.
    pub fn value<'a>(
        &self,
        embeddings: impl Into<CowArray<'a, f64, Ix2>>,
        examples: &Examples,
    ) -> Value {
        let embeddings = embeddings.into();
        let count = embeddings.nrows();
        assert!(
            examples.columns > 0 && count.is_multiple_of(examples.columns),
            "{count} embeddings are no rows of {} columns",
            examples.columns
        );
        match self {
            Loss::MultipleNegativesRanking { scale, symmetric } => {
                ranking::value(embeddings, examples, *scale, *symmetric)
            }
            Loss::CoSent { scale } => {
                pairs::value(embeddings, examples, |cos, y| cosent::value(cos, y, *scale))
            }
            Loss::CosineSimilarity => pairs::value(embeddings, examples, pairs::squared),
            Loss::Contrastive { margin } => {
                pairs::value(embeddings, examples, |cos, y| pairs::contrastive(cos, y, *margin))
            }
            Loss::Triplet { margin, distance } => {
                triplet::value(embeddings.view(), examples, *margin, *distance)
            }
            Loss::Distillation { distance } => {
                let vectors = examples.vectors.expect("a vector to learn for each embedding");
                distillation::value(embeddings.view(), vectors, *distance)
            }
            Loss::Matryoshka { loss, dimensions } => {
                matryoshka(embeddings.view(), examples, loss, dimensions)
            }
        }
    }
}

/// Σ w·loss(unit(e[..k])).
fn matryoshka(
    embeddings: ArrayView2<f64>,
    examples: &Examples,
    loss: &Loss,
    dimensions: &[(usize, f64)],
) -> Value {
    let mut sum = Value { loss: 0.0, gradient: Array2::zeros(embeddings.dim()) };
    for &(k, weight) in dimensions {
        let unit = Unit::of(embeddings.split_at(Axis(1), k).0);
        let vectors = examples.vectors.map(|vectors| vectors.split_at(Axis(1), k).0);
        let found = loss.value(unit.rows.view(), &Examples { vectors, ..*examples });
        sum.loss += weight * found.loss;
        let gradient = unit.pull_back(found.gradient);
        sum.gradient.view_mut().split_at(Axis(1), k).0.scaled_add(weight, &gradient);
    }
    sum
}
