//! The encoder's weights, from a checkpoint to panels in the order of their use.
//!
//! In the book: `docs/02-memory.md`.

use super::{Attention, Encoder, FFN_CHUNK, Intermediate, Layer, Output};
use crate::{Config, Error, embeddings::LayerNorm, weights::Checkpoint};
use minilm_kernels::{Level, gemm::Linear};
use std::borrow::Cow;

impl Encoder {
    /// All layers.
    pub(crate) fn load(
        checkpoint: &Checkpoint,
        config: &Config,
        level: Level,
    ) -> Result<Encoder, Error> {
        let layers = 0..config.num_hidden_layers;
        let layer =
            layers.map(|n| Layer::load(checkpoint, config, level, n)).collect::<Result<_, _>>()?;
        Ok(Encoder { layer })
    }
}

impl Layer {
    /// `encoder.layer.n`
    fn load(
        checkpoint: &Checkpoint,
        config: &Config,
        level: Level,
        n: usize,
    ) -> Result<Layer, Error> {
        let (h, f) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{n}.{part}");
        let dense = |part: &str, outputs: usize, inputs: usize| {
            Dense::load(checkpoint, &name(part), outputs, inputs)
        };
        let layer_norm = |part: &str| LayerNorm::load(checkpoint, &name(part), config);

        let parts = ["attention.self.query", "attention.self.key", "attention.self.value"];
        let [q, k, v] = parts.map(|part| dense(part, h, h));
        let groups = head_groups(config.num_attention_heads);
        let qkv = Dense::stack(&[q?, k?, v?], groups);
        let attended = dense("attention.output.dense", h, h)?;
        let inner = dense("intermediate.dense", f, h)?;
        let output = dense("output.dense", h, f)?;

        let chunks = inner.weight.chunks(FFN_CHUNK * h).zip(inner.bias.chunks(FFN_CHUNK));
        let layers: Vec<_> = qkv
            .iter()
            .chain([&attended])
            .map(Dense::parts)
            .chain(chunks)
            .chain([output.parts()])
            .collect();
        let mut packed = Linear::pack_together(level, &layers).into_iter(); // in the order of their use
        let mut next = || packed.next().expect("as many as went in");
        Ok(Layer {
            attention: Attention {
                qkv: (0..groups).map(|_| next()).collect(),
                heads: config.num_attention_heads / groups,
                output: Output {
                    dense: next(),
                    layer_norm: layer_norm("attention.output.LayerNorm")?,
                },
            },
            intermediate: Intermediate {
                dense: (0..f.div_ceil(FFN_CHUNK)).map(|_| next()).collect(),
            },
            output: Output { dense: next(), layer_norm: layer_norm("output.LayerNorm")? },
        })
    }
}

/// Into how many groups the heads are cut: few enough to be worth a product each, and a number that
/// teams can share.
fn head_groups(heads: usize) -> usize {
    [6, 4, 3, 2].into_iter().find(|&groups| heads.is_multiple_of(groups)).unwrap_or(1)
}

/// A linear layer as it is stored.
struct Dense<'a> {
    weight: Cow<'a, [f32]>, // [outputs, inputs]
    bias: Cow<'a, [f32]>,   // [outputs]
}

impl<'a> Dense<'a> {
    fn load(
        checkpoint: &'a Checkpoint,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Dense<'a>, Error> {
        Ok(Dense {
            weight: checkpoint.tensor(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: checkpoint.tensor(&format!("{name}.bias"), &[outputs])?,
        })
    }

    /// Cuts the outputs of each of several layers with the same inputs into `groups`, and puts the
    /// parts of a group side by side.
    fn stack(layers: &[Dense], groups: usize) -> Vec<Dense<'static>> {
        let part = |whole: &[f32], group: usize| {
            whole.len() / groups * group..whole.len() / groups * (group + 1)
        };
        let stacked = |group| Dense {
            weight: layers
                .iter()
                .map(|l| &l.weight[part(&l.weight, group)])
                .collect::<Vec<_>>()
                .concat()
                .into(),
            bias: layers
                .iter()
                .map(|l| &l.bias[part(&l.bias, group)])
                .collect::<Vec<_>>()
                .concat()
                .into(),
        };
        (0..groups).map(stacked).collect()
    }

    fn parts(&self) -> (&[f32], &[f32]) {
        (&self.weight, &self.bias)
    }
}
