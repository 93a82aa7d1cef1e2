//! One text on its way through the model: tokens, tensors, attention, and the times of the kernels.

use super::SentenceEncoder;
use crate::{Error, TokenizedText};
use minilm_kernels::{Rows, naive};
use minilm_model::{Batch, Lap, Scratch};
use ndarray::{Array2, Array3, ArrayD, ArrayView2, Axis, Ix2};
use std::time::{Duration, Instant};

/// Passes that bring weights and activations into the caches before the clock runs.
const WARM_UP: usize = 2;

/// The most passes that are timed, and the longest time for them.
const PASSES: usize = 15;
const PATIENCE: Duration = Duration::from_millis(400);

/// A tensor of the forward pass.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Tensor {
    /// The PyTorch module whose output it is: `encoder.layer.0.attention.self.query`. After the
    /// encoder come `pooled`, the modules behind it by their class, and `sentence_embedding`.
    pub name: String,
    /// `[T, H]`, `[T, F]`, or `[dimension]`.
    pub values: ArrayD<f32>,
}

/// One text on its way through the model.
///
/// ```
/// # fn main() -> Result<(), minilm::Error> {
/// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
/// let trace = encoder.trace("Hello world")?;
/// assert_eq!(trace.tokens, ["[CLS]", "hello", "world", "[SEP]"]);
/// assert_eq!(trace.tensors[0].name, "embeddings");
/// assert_eq!(
///     trace.tensor("encoder.layer.5.intermediate").map(|x| x.shape()),
///     Some([4, 1536].as_slice())
/// );
///
/// let attention = trace.attention(0, 3); // layer 0, head 3
/// assert_eq!(attention.dim(), (4, 4));
/// assert!((attention.row(1).sum() - 1.0).abs() < 1e-12); // how "hello" divides its attention
///
/// let time: std::time::Duration = trace.laps.iter().map(|lap| lap.time).sum();
/// println!("{time:?} in {} kernels", trace.laps.len());
/// # assert_eq!(trace.laps.len(), 1 + 6 * 7);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Trace {
    /// The word pieces, `[CLS]` first and `[SEP]` last.
    pub tokens: Vec<String>,
    /// Their ids.
    pub ids: Vec<u32>,
    /// Tokens beyond the model's limit.
    pub dropped: usize,
    /// A: heads of each layer.
    pub heads: usize,
    /// Number of layers.
    pub layers: usize,
    /// Every tensor, in the order in which they are computed.
    pub tensors: Vec<Tensor>,
    /// The time of each kernel, on one thread: its median among [`Trace::passes`] passes.
    pub laps: Vec<Lap>,
    /// The number of passes that were timed.
    pub passes: usize,
}

impl Trace {
    /// The tensor of that name.
    pub fn tensor(&self, name: &str) -> Option<&ArrayD<f32>> {
        self.tensors.iter().find(|tensor| tensor.name == name).map(|tensor| &tensor.values)
    }

    /// The attention that each token (row) gives to each token: `[T, T]`, rows that add up to 1.
    ///
    /// The engine never materialises this matrix. It is computed again from queries and keys, in
    /// `f64`, by the oracle
    /// [`attention_probabilities`](minilm_kernels::naive::attention_probabilities).
    ///
    /// # Panics
    /// If there is no such layer or head.
    pub fn attention(&self, layer: usize, head: usize) -> Array2<f64> {
        assert!(
            layer < self.layers && head < self.heads,
            "layer {layer} of {}, head {head} of {}",
            self.layers,
            self.heads
        );
        let [query, key] = ["query", "key"]
            .map(|part| self.matrix(&format!("encoder.layer.{layer}.attention.self.{part}")));
        let d = query.ncols() / self.heads;
        let head = |x: ArrayView2<'_, f32>| {
            x.rows()
                .into_iter()
                .flat_map(|row| row.to_vec()[head * d..(head + 1) * d].to_vec())
                .collect::<Vec<f32>>()
        };
        let (query, key) = (head(query), head(key));
        let shares = naive::attention_probabilities(Rows::new(&query, d), Rows::new(&key, d));
        Array2::from_shape_vec((self.tokens.len(), self.tokens.len()), shares)
            .expect("L × L shares")
    }

    /// The attention of all heads of a layer, `[A, T, T]`: `outputs.attentions[layer]` of
    /// transformers.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn attentions(&self, layer: usize) -> Array3<f64> {
        let t = self.tokens.len();
        let mut all = Array3::zeros((self.heads, t, t));
        for (head, mut to) in all.outer_iter_mut().enumerate() {
            to.assign(&self.attention(layer, head));
        }
        all
    }

    /// The residual stream, `[T, H]` each: the embeddings, then the result of attention and of the
    /// feed-forward in each layer.
    pub fn residual_stream(&self) -> impl Iterator<Item = (&str, ArrayView2<'_, f32>)> {
        let stream = self
            .tensors
            .iter()
            .filter(|tensor| tensor.name == "embeddings" || tensor.name.ends_with("output"));
        stream.map(|tensor| (tensor.name.as_str(), two_dimensions(&tensor.values)))
    }

    /// The time of all kernels together.
    pub fn time(&self) -> Duration {
        self.laps.iter().map(|lap| lap.time).sum()
    }

    fn matrix(&self, name: &str) -> ArrayView2<'_, f32> {
        two_dimensions(self.tensor(name).expect("every layer has it"))
    }
}

fn two_dimensions(values: &ArrayD<f32>) -> ArrayView2<'_, f32> {
    values.view().into_dimensionality::<Ix2>().expect("a matrix")
}

impl SentenceEncoder {
    /// Runs one text and keeps every intermediate tensor, and the time of every kernel.
    ///
    /// The tensors are those of [`Plain`](minilm_model::Plain), which keeps all of them; the times
    /// are those of the fused pass that [`SentenceEncoder::encode`] runs, on the calling thread.
    /// Both have the same bits.
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode`].
    pub fn trace(&self, text: &str) -> Result<Trace, Error> {
        let TokenizedText { ids, dropped } = self.tokenize(text)?;
        let mut batch = Batch::default();
        batch.push(&ids);
        let tensors = self.tensors(&batch)?;
        if tensors.last().is_some_and(|embedding| embedding.values.iter().any(|x| !x.is_finite())) {
            return Err(Error::NotFinite { index: 0 });
        }
        let (laps, passes) = self.laps(&batch)?;
        let config = self.bert.config();
        Ok(Trace {
            tokens: ids.iter().map(|&id| self.tokenizer.token(id)).collect(),
            ids,
            dropped,
            heads: config.num_attention_heads,
            layers: config.num_hidden_layers,
            tensors,
            laps,
            passes,
        })
    }

    /// Every tensor of one pass.
    fn tensors(&self, batch: &Batch) -> Result<Vec<Tensor>, Error> {
        let activations = self.bert.plain()?.forward(batch)?;
        let mut tensors = Vec::new();
        for (stage, rows) in activations.stages() {
            let values = (0..rows.rows()).flat_map(|i| rows.row(i)).copied().collect();
            let values = ArrayD::from_shape_vec(vec![rows.rows(), rows.cols()], values)
                .expect("rows × cols values");
            tensors.push(Tensor { name: stage.to_string(), values });
        }
        let hidden = activations.hidden();
        let mut pooled = vec![0.0; self.pooling.width(hidden.cols())];
        self.pooling.pool_from(self.defaults.unpooled, hidden, &mut pooled);
        let mut vector = |name: &str, values: &[f32]| {
            let values = ArrayView2::from_shape((1, values.len()), values).expect("one row");
            tensors.push(Tensor {
                name: name.to_owned(),
                values: values.index_axis(Axis(0), 0).to_owned().into_dyn(),
            });
        };
        vector("pooled", &pooled);
        self.head.run(&mut pooled, &mut vector);
        vector("sentence_embedding", self.defaults.finish(&mut pooled));
        Ok(tensors)
    }

    /// Each lap's median, and the number of passes.
    fn laps(&self, batch: &Batch) -> Result<(Vec<Lap>, usize), Error> {
        let mut scratch = Scratch::default();
        for _ in 0..WARM_UP {
            self.bert.time(batch, &mut scratch)?;
        }
        let start = Instant::now();
        let mut passes = Vec::new();
        while passes.is_empty() || (passes.len() < PASSES && start.elapsed() < PATIENCE) {
            passes.push(self.bert.time(batch, &mut scratch)?);
        }
        let median = |i: usize| {
            let mut laps: Vec<Lap> = passes.iter().map(|laps| laps[i]).collect();
            laps.sort_by_key(|lap| lap.time);
            laps[laps.len() / 2]
        };
        Ok(((0..passes[0].len()).map(median).collect(), passes.len()))
    }
}
