//! The whole model as plain whole tensors, from token ids to hidden states.
//!
//! ```text
//! x       = LayerNorm(word[id] + position[t] + type[0])       [T, H]
//! for each layer:
//!   q,k,v = x·W_qᵀ + b, x·W_kᵀ + b, x·W_vᵀ + b                [T, H]
//!   c     = softmax(q·kᵀ/√D)·v    per sentence and head       [T, H]
//!   a     = LayerNorm(c·W_oᵀ + b + x)                         [T, H]
//!   f     = gelu(a·W_1ᵀ + b)                                  [T, F]
//!   x     = LayerNorm(f·W_2ᵀ + b + a)                         [T, H]
//! ```
//!
//! This is the file to read first. It computes every tensor of the model by its PyTorch name,
//! whole, in the order of the paper, and keeps them all. `encoder.rs` computes the same hidden
//! states, bit for bit, in a tenth of the memory: it cuts the wide tensors into parts, fuses the
//! small operations into the products, and lets threads share a product.
//!
//! Reference: A. Vaswani et al., *Attention Is All You Need*, arXiv:1706.03762; J. Devlin et al.,
//! *BERT*, arXiv:1810.04805 (the encoder with post-norm, learned positions and GELU).
//!
//! In the book: `docs/01-model.md`.

mod backward;

pub use backward::Gradients;

use crate::{
    Batch, Config, Error, Precision, Stage,
    dense::Dense,
    embeddings::{Embeddings, LayerNorm},
    projection::{Packing, Projection},
    weights::Checkpoint,
};
use minilm_kernels::{
    Level, Rows, RowsMut,
    attention::{self, attention},
    gelu::gelu_slice,
    quantise::Rotation,
};
use std::iter;

/// `transformers.BertModel` without its pooler, every matrix whole.
///
/// ```no_run
/// use minilm_kernels::Level;
/// use minilm_model::{Bert, Batch};
///
/// let bert = Bert::load("weights/all-MiniLM-L6-v2".as_ref(), Level::detect())?;
/// let mut batch = Batch::default();
/// batch.push(&[101, 7592, 102]); // [CLS] hello [SEP]
/// for (stage, tensor) in bert.plain()?.forward(&batch)?.stages() {
///     println!("{stage} [{}, {}]", tensor.rows(), tensor.cols());
/// }
/// # Ok::<(), minilm_model::Error>(())
/// ```
#[derive(Debug)]
pub struct Plain {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    level: Level,
}

/// `encoder.layer.n`
#[derive(Debug)]
struct Layer {
    query: Linear,             // attention.self.query          [H, H]
    key: Linear,               // attention.self.key            [H, H]
    value: Linear,             // attention.self.value          [H, H]
    heads: usize,              // A, of D = H / A columns
    attention_output: Linear,  // attention.output.dense        [H, H]
    attention_norm: LayerNorm, // attention.output.LayerNorm   [H]
    intermediate: Linear,      // intermediate.dense            [F, H]
    output: Linear,            // output.dense                  [H, F]
    output_norm: LayerNorm,    // output.LayerNorm              [H]
}

/// A linear layer: packed for the forward pass, and as it is stored for the backward pass.
#[derive(Debug)]
struct Linear {
    packed: Projection,
    weight: Vec<f32>, // [N, K]; empty if the products are of integers
}

/// All tensors that the model computes for a batch of T tokens.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Activations {
    /// T: tokens of all sentences.
    pub tokens: usize,
    /// `embeddings` `[T, H]`.
    pub embeddings: Vec<f32>,
    /// `encoder.layer.n`
    pub layers: Vec<LayerActivations>,
}

/// The tensors that one layer computes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LayerActivations {
    /// `attention.self.query` `[T, H]`, the heads side by side.
    pub query: Vec<f32>,
    /// `attention.self.key` `[T, H]`.
    pub key: Vec<f32>,
    /// `attention.self.value` `[T, H]`.
    pub value: Vec<f32>,
    /// `attention.self` `[T, H]`: the context.
    pub context: Vec<f32>,
    /// `attention.output` `[T, H]`.
    pub attention_output: Vec<f32>,
    /// `intermediate` `[T, F]`.
    pub intermediate: Vec<f32>,
    /// `output` `[T, H]`: the next layer's x.
    pub output: Vec<f32>,
}

impl Plain {
    pub(crate) fn load(
        checkpoint: &Checkpoint,
        config: &Config,
        level: Level,
        precision: Precision,
    ) -> Result<Plain, Error> {
        let embeddings = Embeddings::load(checkpoint, config)?;
        let layers = 0..config.num_hidden_layers;
        let layers = layers.map(|n| Layer::load(checkpoint, config, level, precision, n));
        Ok(Plain { embeddings, layers: layers.collect::<Result<_, _>>()?, level })
    }

    /// Every tensor of the model for `batch`.
    ///
    /// # Errors
    /// A token id outside of the vocabulary, or a sentence longer than the model has positions.
    pub fn forward(&self, batch: &Batch) -> Result<Activations, Error> {
        let mut embeddings = vec![0.0; batch.tokens() * self.embeddings.hidden()];
        self.embeddings.forward(self.level, batch, &mut embeddings)?;
        let mut layers = Vec::<LayerActivations>::with_capacity(self.layers.len());
        for layer in &self.layers {
            let x = layers.last().map_or(&embeddings, |before| &before.output); // [T, H]
            layers.push(layer.forward(self.level, batch.starts(), x));
        }
        Ok(Activations { tokens: batch.tokens(), embeddings, layers })
    }
}

impl Layer {
    fn load(
        checkpoint: &Checkpoint,
        config: &Config,
        level: Level,
        precision: Precision,
        n: usize,
    ) -> Result<Layer, Error> {
        let (h, f) = (config.hidden_size, config.intermediate_size);
        let linear = |part: &str, outputs: usize, inputs: usize, rotation: Rotation| {
            let name = format!("encoder.layer.{n}.{part}");
            let weight = match precision {
                Precision::F32 => {
                    let shape = [outputs, inputs];
                    checkpoint.tensor(&format!("{name}.weight"), &shape)?.into_owned()
                }
                Precision::Int16 | Precision::Int8 => Vec::new(),
            };
            let dense = Dense::load(checkpoint, &name, outputs, inputs)?;
            let packed =
                Packing::together(precision, level, |mut packer| dense.pack(&mut packer, rotation));
            Ok::<_, Error>(Linear { packed: packed?, weight })
        };
        let norm =
            |part: &str| LayerNorm::load(checkpoint, &format!("encoder.layer.{n}.{part}"), config);
        Ok(Layer {
            query: linear("attention.self.query", h, h, Rotation::Rotated)?,
            key: linear("attention.self.key", h, h, Rotation::Rotated)?,
            value: linear("attention.self.value", h, h, Rotation::Rotated)?,
            heads: config.num_attention_heads,
            attention_output: linear("attention.output.dense", h, h, Rotation::Plain)?,
            attention_norm: norm("attention.output.LayerNorm")?,
            intermediate: linear("intermediate.dense", f, h, Rotation::Rotated)?,
            output: linear("output.dense", h, f, Rotation::Rotated)?,
            output_norm: norm("output.LayerNorm")?,
        })
    }

    fn forward(&self, level: Level, starts: &[usize], x: &[f32]) -> LayerActivations {
        // Attention: each token looks at the tokens of its sentence.
        let query = linear(&self.query, level, x); // [T, H]
        let key = linear(&self.key, level, x); // [T, H]
        let value = linear(&self.value, level, x); // [T, H]
        let h = self.query.packed.outputs();
        let mut context = vec![0.0; x.len()]; // [T, H]
        attention(
            level,
            [&query, &key, &value].map(|tensor| Rows::new(tensor, h)),
            self.heads,
            starts,
            &mut attention::Scratch::default(),
            RowsMut::new(&mut context, h),
        );

        // Projection, residual, LayerNorm.
        let mut attention_output = linear(&self.attention_output, level, &context); // [T, H]
        add(&mut attention_output, x);
        self.attention_norm.forward(level, &mut attention_output);

        // Feed-forward: up, GELU, down, residual, LayerNorm.
        let mut intermediate = linear(&self.intermediate, level, &attention_output); // [T, F]
        gelu_slice(level, &mut intermediate);
        let mut output = linear(&self.output, level, &intermediate); // [T, H]
        add(&mut output, &attention_output);
        self.output_norm.forward(level, &mut output);

        LayerActivations { query, key, value, context, attention_output, intermediate, output }
    }
}

/// x·Wᵀ + b: x `[T, K]`, the result `[T, N]`.
fn linear(Linear { packed, .. }: &Linear, level: Level, x: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; x.len() / packed.inputs() * packed.outputs()];
    packed.forward(level, x, &mut y);
    y
}

/// y ← y + x
fn add(y: &mut [f32], x: &[f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
}

impl Activations {
    /// The last hidden state `[T, H]`.
    pub fn hidden(&self) -> Rows<'_> {
        self.rows(self.layers.last().map_or(&self.embeddings, |layer| &layer.output))
    }

    fn rows<'a>(&self, tensor: &'a [f32]) -> Rows<'a> {
        Rows::new(tensor, tensor.len().checked_div(self.tokens).unwrap_or(1))
    }

    /// All tensors with their PyTorch names, in the order in which they are computed.
    pub fn stages(&self) -> impl Iterator<Item = (Stage, Rows<'_>)> {
        let layers = self.layers.iter().enumerate().flat_map(|(n, layer)| {
            [
                (Stage::Query(n), &layer.query[..]),
                (Stage::Key(n), &layer.key),
                (Stage::Value(n), &layer.value),
                (Stage::Attention(n), &layer.context),
                (Stage::AttentionOutput(n), &layer.attention_output),
                (Stage::Intermediate(n), &layer.intermediate),
                (Stage::Output(n), &layer.output),
            ]
        });
        let stages = iter::once((Stage::Embeddings, &self.embeddings[..])).chain(layers);
        stages.map(|(stage, tensor)| (stage, self.rows(tensor)))
    }
}
