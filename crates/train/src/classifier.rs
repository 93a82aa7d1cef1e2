//! A classifier on embeddings: multinomial logistic regression.
//!
//! With embeddings x of K classes, weights W `[K, H]` and biases b, as in scikit-learn's
//! `LogisticRegression`:
//!
//! ```text
//! p(k | x) = exp(W_k·x + b_k) / Σ exp(W_j·x + b_j)
//! minimise  C·Σ −log p(yᵢ | xᵢ) + ½‖W‖²
//! ```
//!
//! Of two classes the first has the weights 0, as there. The problem is strictly convex in W, so
//! there is one answer; L-BFGS finds it in `f64`, from zero, in one order of sums: no seed and no
//! thread changes it.
//!
//! In the book: `docs/14-training.md`.

mod files;
mod lbfgs;

pub use files::Labelled;

use crate::Error;
use lbfgs::minimise;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// The strength of the data against the regularisation, as in scikit-learn and SetFit.
pub const C: f64 = 1.0;

/// The gradient's largest component at which the search ends, per text.
const TOLERANCE: f64 = 1e-9;

/// Steps of the search, at most.
const STEPS: usize = 2000;

/// Weights for each class.
///
/// ```
/// use minilm_train::classifier::Classifier;
/// use ndarray::array;
/// let x = array![[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]];
/// let fitted = Classifier::fit(x.view(), &[0, 0, 1, 1], 2, 10.0)?;
/// let probabilities = fitted.probabilities(x.view());
/// assert!(probabilities[[0, 0]] > 0.8 && probabilities[[3, 1]] > 0.8);
/// # Ok::<(), minilm_train::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Classifier {
    /// `[K, H]`
    pub weights: Array2<f64>,
    /// `[K]`
    pub biases: Vec<f64>,
}

impl Classifier {
    /// Fits `embeddings` `[n, H]` to the numbers of their classes.
    ///
    /// # Errors
    /// [`Error::Data`] if there are fewer than two classes, or one without examples;
    /// [`Error::Option`] for a `c` that is not positive.
    ///
    /// # Panics
    /// If there is not one class for each embedding.
    pub fn fit(
        embeddings: ArrayView2<f32>,
        classes: &[u32],
        count: usize,
        c: f64,
    ) -> Result<Classifier, Error> {
        assert_eq!(embeddings.nrows(), classes.len(), "a class for each embedding");
        if !(c > 0.0 && c.is_finite()) {
            return Error::option("regularization", format!("{c} is not positive"));
        }
        let has_all = (0..count as u32).all(|class| classes.contains(&class));
        if count < 2 || !has_all {
            let reason = "a classifier needs two classes or more, and an example of each";
            return Err(Error::Data(reason.to_owned()));
        }
        let free = if count == 2 { 1 } else { count };
        let width = embeddings.ncols() + 1;
        let x: Vec<Vec<f64>> = embeddings
            .rows()
            .into_iter()
            .map(|row| row.iter().map(|&x| f64::from(x)).chain([1.0]).collect())
            .collect();
        let problem = Problem { x, classes, first: count - free, free, width, c };
        let start = vec![0.0; free * width];
        let found =
            minimise(|w| problem.value(w), start, TOLERANCE * c * classes.len() as f64, STEPS);
        let mut weights = Array2::zeros((count, width - 1));
        let mut biases = vec![0.0; count];
        for (k, row) in found.chunks(width).enumerate() {
            let class = problem.first + k;
            weights.row_mut(class).iter_mut().zip(row).for_each(|(to, &from)| *to = from);
            biases[class] = row[width - 1];
        }
        Ok(Classifier { weights, biases })
    }

    /// The probability of each class: `[n, K]`.
    ///
    /// # Panics
    /// If the embeddings have another width than the weights.
    pub fn probabilities(&self, embeddings: ArrayView2<f32>) -> Array2<f64> {
        assert_eq!(embeddings.ncols(), self.weights.ncols(), "as many values as weights");
        let mut found = Array2::zeros((embeddings.nrows(), self.biases.len()));
        for (row, mut to) in embeddings.rows().into_iter().zip(found.rows_mut()) {
            let logits =
                self.weights.rows().into_iter().zip(&self.biases).map(|(w, b)| {
                    w.iter().zip(row).map(|(w, &x)| w * f64::from(x)).sum::<f64>() + b
                });
            let logits: Vec<f64> = logits.collect();
            to.iter_mut().zip(softmax(&logits).0).for_each(|(to, p)| *to = p);
        }
        found
    }
}

/// Probabilities, and log Σ exp.
fn softmax(logits: &[f64]) -> (Vec<f64>, f64) {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut shares: Vec<f64> = logits.iter().map(|s| libm::exp(s - top)).collect();
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    (shares, top + libm::log(sum))
}

struct Problem<'a> {
    x: Vec<Vec<f64>>, // with a 1 behind each
    classes: &'a [u32],
    first: usize, // classes before it have no weights
    free: usize,
    width: usize,
    c: f64,
}

impl Problem<'_> {
    /// The value and its gradient.
    fn value(&self, w: &[f64]) -> (f64, Vec<f64>) {
        let rows: Vec<&[f64]> = w.chunks(self.width).collect();
        let of_text = |(x, &class): (&Vec<f64>, &u32)| {
            let mut logits = vec![0.0; self.first];
            logits.extend(rows.iter().map(|w| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()));
            let (mut residuals, normaliser) = softmax(&logits);
            residuals[class as usize] -= 1.0;
            (normaliser - logits[class as usize], residuals)
        };
        let texts: Vec<(f64, Vec<f64>)> =
            self.x.par_iter().zip(self.classes.par_iter()).map(of_text).collect();
        let loss: f64 = texts.iter().map(|(loss, _)| loss).sum();
        let squares: f64 = rows.iter().flat_map(|row| &row[..self.width - 1]).map(|w| w * w).sum();
        let of_class = |k: usize| {
            let mut gradient = vec![0.0; self.width];
            for (x, (_, residuals)) in self.x.iter().zip(&texts) {
                let factor = self.c * residuals[self.first + k];
                gradient.iter_mut().zip(x).for_each(|(g, x)| *g += factor * x);
            }
            gradient.iter_mut().zip(&rows[k][..self.width - 1]).for_each(|(g, w)| *g += w);
            gradient
        };
        let gradient: Vec<Vec<f64>> = (0..self.free).into_par_iter().map(of_class).collect();
        (self.c * loss + 0.5 * squares, gradient.concat())
    }
}
