//! `encoder`: the stack of layers.
//!
//! ```text
//! qkv     = x·W_qkvᵀ + b                                   [T, 3H]   query, key and value of some heads at a time
//! context = attention(qkv)                                 [T, H]
//! y       = LayerNorm(context·W_oᵀ + b + x)                [T, H]
//! x       = LayerNorm(gelu(y·W_1ᵀ + b)·W_2ᵀ + b + y)       [T, H]    in chunks of F
//! ```
//!
//! What is wider than H is never whole. Queries, keys and values are computed for a few heads and used up before the next; the
//! feed-forward's inner layer `[T, F]` is computed [`FFN_CHUNK`] columns at a time, and each chunk is multiplied into the result before the
//! next. So all products together work on 4·H floats a token, which for a pack fit in the second-level cache, instead of 3·H + F. The order
//! of additions is the same either way.

use crate::{Config, Error, Pack, Scratch, Stage, embeddings::LayerNorm, stage::Observation, weights::Checkpoint};
use minilm_kernels::{
    Level, Rows, RowsMut,
    attention::attention,
    gemm::{Epilogue, KC, Linear},
};
use std::{borrow::Cow, mem};

/// Columns of the feed-forward's inner layer at a time: whole chains of the second product.
const FFN_CHUNK: usize = 3 * KC;

/// `encoder`: the layers in order.
#[derive(Debug)]
pub struct Encoder {
    layer: Vec<Layer>,
}

/// `encoder.layer.n`
#[derive(Debug)]
pub struct Layer {
    attention: Attention,
    intermediate: Intermediate,
    output: Output,
}

/// `encoder.layer.n.attention`
#[derive(Debug)]
struct Attention {
    /// `self.query`, `self.key` and `self.value` of some heads as one layer `[3H / groups, H]`, for each group of heads.
    qkv: Vec<Linear>,
    /// Heads of a group.
    heads: usize,
    output: Output,
}

/// `encoder.layer.n.intermediate`
#[derive(Debug)]
struct Intermediate {
    /// `dense` `[F, H]`, cut into layers of `FFN_CHUNK` outputs.
    dense: Vec<Linear>,
}

/// `….output`: a projection, the residual, a LayerNorm.
#[derive(Debug)]
struct Output {
    dense: Linear,
    layer_norm: LayerNorm,
}

impl Encoder {
    pub(crate) fn load(checkpoint: &Checkpoint, config: &Config, level: Level) -> Result<Encoder, Error> {
        let layers = 0..config.num_hidden_layers;
        let layer = layers.map(|n| Layer::load(checkpoint, config, level, n)).collect::<Result<_, _>>()?;
        Ok(Encoder { layer })
    }

    pub(crate) fn forward(&self, level: Level, pack: &Pack, scratch: &mut Scratch, observation: &mut Observation) {
        for (n, layer) in self.layer.iter().enumerate() {
            layer.forward(level, pack, scratch, n, observation);
        }
    }
}

impl Layer {
    fn load(checkpoint: &Checkpoint, config: &Config, level: Level, n: usize) -> Result<Layer, Error> {
        let (h, f) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{n}.{part}");
        let dense = |part: &str, outputs: usize, inputs: usize| Dense::load(checkpoint, &name(part), outputs, inputs);
        let layer_norm = |part: &str| LayerNorm::load(checkpoint, &name(part), config);

        let parts = ["attention.self.query", "attention.self.key", "attention.self.value"];
        let [q, k, v] = parts.map(|part| dense(part, h, h));
        let groups = head_groups(config.num_attention_heads);
        let qkv = Dense::stack(&[q?, k?, v?], groups);
        let attended = dense("attention.output.dense", h, h)?;
        let inner = dense("intermediate.dense", f, h)?;
        let output = dense("output.dense", h, f)?;

        let chunks = inner.weight.chunks(FFN_CHUNK * h).zip(inner.bias.chunks(FFN_CHUNK));
        let layers: Vec<_> = qkv.iter().chain([&attended]).map(Dense::parts).chain(chunks).chain([output.parts()]).collect();
        let mut packed = Linear::pack_together(level, &layers).into_iter(); // in the order of their use
        let mut next = || packed.next().expect("as many as went in");
        Ok(Layer {
            attention: Attention {
                qkv: (0..groups).map(|_| next()).collect(),
                heads: config.num_attention_heads / groups,
                output: Output { dense: next(), layer_norm: layer_norm("attention.output.LayerNorm")? },
            },
            intermediate: Intermediate { dense: (0..f.div_ceil(FFN_CHUNK)).map(|_| next()).collect() },
            output: Output { dense: next(), layer_norm: layer_norm("output.LayerNorm")? },
        })
    }

    /// x ← layer(x), x `[T, H]` in `scratch`.
    fn forward(&self, level: Level, pack: &Pack, scratch: &mut Scratch, n: usize, observation: &mut Observation) {
        let h = self.output.dense.outputs();
        self.attention.forward(level, pack, scratch);
        observation.show(Stage::Attention(n), Rows::new(&scratch.context, h));

        let x = Rows::new(&scratch.x, h); // [T, H]
        let y = scratch.y.resize(pack.tokens() * h);
        let dense = &self.attention.output.dense;
        dense.forward_with(Rows::new(&scratch.context, h), RowsMut::new(y, h), Epilogue::Residual(x));
        self.attention.output.layer_norm.forward(level, y);
        mem::swap(&mut scratch.x, &mut scratch.y);
        observation.show(Stage::AttentionOutput(n), Rows::new(&scratch.x, h));

        if observation.is_wanted() {
            self.intermediate(scratch);
            let f = self.output.dense.inputs();
            observation.show(Stage::Intermediate(n), Rows::new(&scratch.intermediate, f));
        }
        self.feed_forward(pack, scratch);
        self.output.layer_norm.forward(level, &mut scratch.y);
        mem::swap(&mut scratch.x, &mut scratch.y);
        observation.show(Stage::Output(n), Rows::new(&scratch.x, h));
    }

    /// y ← gelu(x·W₁ᵀ + b)·W₂ᵀ + b + x, a chunk of the inner layer at a time.
    fn feed_forward(&self, pack: &Pack, scratch: &mut Scratch) {
        let h = self.output.dense.outputs();
        let x = Rows::new(&scratch.x, h); // [T, H]
        let y = scratch.y.resize(pack.tokens() * h);
        let mut start = 0;
        for dense in &self.intermediate.dense {
            let columns = start..start + dense.outputs(); // of F
            let inner = scratch.part.resize(pack.tokens() * columns.len());
            dense.forward_with(x, RowsMut::new(inner, columns.len()), Epilogue::Gelu);
            let inner = Rows::new(inner, columns.len()); // [T, a chunk of F]
            self.output.dense.accumulate(inner, columns.clone(), RowsMut::new(y, h), Epilogue::Residual(x));
            start = columns.end;
        }
    }

    /// The whole inner layer `[T, F]`, for an observer.
    fn intermediate(&self, scratch: &mut Scratch) {
        let f = self.output.dense.inputs();
        let x = Rows::new(&scratch.x, self.output.dense.outputs());
        let mut whole = RowsMut::new(scratch.intermediate.resize(x.rows() * f), f);
        let mut start = 0;
        for dense in &self.intermediate.dense {
            let end = start + dense.outputs();
            dense.forward_with(x, whole.columns(start..end), Epilogue::Gelu);
            start = end;
        }
    }
}

impl Attention {
    /// context ← attention of x, both `[T, H]` in `scratch`.
    fn forward(&self, level: Level, pack: &Pack, scratch: &mut Scratch) {
        let (h, t) = (self.output.dense.inputs(), pack.tokens());
        let mut context = RowsMut::new(scratch.context.resize(t * h), h);
        let width = h / self.qkv.len(); // of a group
        for (group, dense) in self.qkv.iter().enumerate() {
            let qkv = scratch.part.resize(t * 3 * width);
            dense.forward(&scratch.x, qkv);
            let context = context.columns(group * width..(group + 1) * width);
            attention(level, Rows::new(qkv, 3 * width), self.heads, pack.starts(), &mut scratch.attention, context);
        }
    }
}

/// Into how many groups the heads are cut: three make queries, keys and values of a group as wide as the residual stream.
fn head_groups(heads: usize) -> usize {
    [3, 4, 2].into_iter().find(|&groups| heads.is_multiple_of(groups)).unwrap_or(1)
}

/// A linear layer as it is stored.
struct Dense<'a> {
    weight: Cow<'a, [f32]>, // [outputs, inputs]
    bias: Cow<'a, [f32]>,   // [outputs]
}

impl<'a> Dense<'a> {
    fn load(checkpoint: &'a Checkpoint, name: &str, outputs: usize, inputs: usize) -> Result<Dense<'a>, Error> {
        Ok(Dense {
            weight: checkpoint.tensor(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: checkpoint.tensor(&format!("{name}.bias"), &[outputs])?,
        })
    }

    /// Cuts the outputs of each of several layers with the same inputs into `groups`, and puts the parts of a group side by side.
    fn stack(layers: &[Dense], groups: usize) -> Vec<Dense<'static>> {
        let part = |whole: &[f32], group: usize| whole[whole.len() / groups * group..whole.len() / groups * (group + 1)].to_vec();
        let stacked = |group| Dense {
            weight: layers.iter().flat_map(|layer| part(&layer.weight, group)).collect(),
            bias: layers.iter().flat_map(|layer| part(&layer.bias, group)).collect(),
        };
        (0..groups).map(stacked).collect()
    }

    fn parts(&self) -> (&[f32], &[f32]) {
        (&self.weight, &self.bias)
    }
}
