//! Mean pooling and normalisation, and their backward pass, in `f64` as in `minilm-pooling`.
//!
//! ```text
//! m = Σ x_t / L,  e = m/|m|                            for each sentence
//! dm = (de − e·(e·de))/|m|,  dx_t = dm/L               e·(e·de): the part that |e| = 1 forbids
//! ```
//!
//! In the book: `docs/14-training.md`.

use super::{Network, batch::Chunk};
use minilm_kernels::Rows;
use minilm_pooling::{Mode, Pooling, normalize};
use ndarray::{Array2, ArrayView2};

/// The least length that a vector is divided by, as in `minilm_pooling::normalize`.
const SHORTEST: f64 = 1e-12;

impl Network {
    /// The pooled vectors `[sentences, H]` of hidden states `[T, H]`.
    pub(super) fn pool(&self, pack: &Chunk, hidden: &[f32]) -> Vec<f32> {
        let h = self.dimension();
        let pooling = Pooling::new(&[Mode::Mean]);
        let hidden = Rows::new(hidden, h);
        let mut pooled = vec![0.0; (pack.starts.len() - 1) * h];
        for (rows, v) in pack.starts.windows(2).zip(pooled.chunks_exact_mut(h)) {
            pooling.pool(hidden.slice(rows[0]..rows[1]), v);
        }
        pooled
    }

    /// The embeddings `[B, H]` of pooled vectors, which come in pieces.
    pub(super) fn normalized(&self, pooled: &[Vec<f32>]) -> Array2<f32> {
        let h = self.dimension();
        let mut all = pooled.concat();
        if self.normalize {
            all.chunks_exact_mut(h).for_each(normalize);
        }
        Array2::from_shape_vec((all.len() / h, h), all).expect("whole rows")
    }

    /// The gradient of the hidden states `[T, H]`, given that of the embeddings `[sentences, H]`.
    pub(super) fn pooling_backward(
        &self,
        chunk: &Chunk,
        pooled: &[f32],
        d_embeddings: ArrayView2<f64>,
    ) -> Vec<f32> {
        let h = self.dimension();
        let mut d_hidden = vec![0.0; chunk.tokens() * h];
        let sentences = chunk.starts.windows(2).zip(pooled.chunks_exact(h));
        for ((rows, m), d) in sentences.zip(d_embeddings.rows()) {
            let d: Vec<f64> = match self.normalize {
                true => normalize_backward(m, &d.to_vec()),
                false => d.to_vec(),
            };
            let l = (rows[1] - rows[0]) as f64;
            for row in d_hidden[rows[0] * h..rows[1] * h].chunks_exact_mut(h) {
                row.iter_mut().zip(&d).for_each(|(to, d)| *to = (d / l) as f32);
            }
        }
        d_hidden
    }
}

/// dm for e = m/|m|. The loss has seen e as rounded to `f32`, so the part along that e is taken
/// out: it is by far the largest where a batch is nearly solved.
fn normalize_backward(m: &[f32], d: &[f64]) -> Vec<f64> {
    let mut e = m.to_vec();
    normalize(&mut e);
    let dot = |a: &[f32], b: &mut dyn Iterator<Item = f64>| {
        a.iter().zip(b).map(|(&a, b)| f64::from(a) * b).sum::<f64>()
    };
    let length = dot(m, &mut m.iter().map(|&m| f64::from(m))).sqrt();
    if length <= SHORTEST {
        return d.iter().map(|d| d / SHORTEST).collect();
    }
    let square = dot(&e, &mut e.iter().map(|&e| f64::from(e))); // 1 but for the rounding
    let along = dot(&e, &mut d.iter().copied()) / square;
    e.iter().zip(d).map(|(&e, d)| (d - f64::from(e) * along) / length).collect()
}
