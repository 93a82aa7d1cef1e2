//! The encoder's weights, from a checkpoint to panels in the order of their use.
//!
//! In the book: `docs/02-memory.md`.

use super::{Attention, Encoder, FFN_CHUNK, Intermediate, Layer, Output};
use crate::{
    Config, Error, Precision,
    embeddings::LayerNorm,
    projection::{Packing, Projection},
    weights::Checkpoint,
};
use minilm_kernels::{Level, quantise::Rotation};
use std::{borrow::Cow, ops::Range};

impl Encoder {
    /// All layers.
    pub(crate) fn load(
        checkpoint: &Checkpoint,
        config: &Config,
        level: Level,
        precision: Precision,
    ) -> Result<Encoder, Error> {
        let layers = 0..config.num_hidden_layers;
        let layer = layers.map(|n| Layer::load(checkpoint, config, level, precision, n));
        Ok(Encoder { layer: layer.collect::<Result<_, _>>()? })
    }
}

impl Layer {
    /// `encoder.layer.n`
    fn load(
        checkpoint: &Checkpoint,
        config: &Config,
        level: Level,
        precision: Precision,
        n: usize,
    ) -> Result<Layer, Error> {
        let (h, f) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{n}.{part}");
        let dense = |part: &str, outputs: usize, inputs: usize| {
            Dense::load(checkpoint, &name(part), outputs, inputs)
        };
        let layer_norm = |part: &str| LayerNorm::load(checkpoint, &name(part), config);

        let heads =
            ["query", "key", "value"].map(|part| dense(&format!("attention.self.{part}"), h, h));
        let [q, k, v] = heads;
        let qkv = [q?, k?, v?];
        let attended = dense("attention.output.dense", h, h)?;
        let up = dense("intermediate.dense", f, h)?;
        let down = dense("output.dense", h, f)?;
        let attention_norm = layer_norm("attention.output.LayerNorm")?;
        let output_norm = layer_norm("output.LayerNorm")?;

        // In the order of their use: each chunk of the inner layer lies between its two products.
        let groups = head_groups(config.num_attention_heads);
        Ok(Packing::together(precision, level, |mut packer| {
            let stacked = Dense::stack(&qkv, groups);
            let qkv = stacked.into_iter().map(|group| group.pack(&mut packer, Rotation::Rotated));
            let qkv = qkv.collect();
            // What attention gives has no channel that stands out.
            let attended = attended.pack(&mut packer, Rotation::Plain);
            let chunks = (0..f).step_by(FFN_CHUNK).map(|start| start..f.min(start + FFN_CHUNK));
            let chunks = chunks.map(|chunk| {
                let up = up.rows(chunk.clone()).pack(&mut packer, Rotation::Rotated);
                (up, down.columns(chunk, precision).pack(&mut packer, Rotation::Rotated))
            });
            let (up, down) = chunks.unzip();
            Layer {
                attention: Attention {
                    qkv,
                    heads: config.num_attention_heads / groups,
                    output: Output { dense: vec![attended], layer_norm: attention_norm },
                },
                intermediate: Intermediate { dense: up },
                output: Output { dense: down, layer_norm: output_norm },
            }
        }))
    }
}

/// The number of groups into which the heads are cut: so small that each group is worth a product,
/// and a number that thread groups can share.
fn head_groups(heads: usize) -> usize {
    [6, 4, 3, 2].into_iter().find(|&groups| heads.is_multiple_of(groups)).unwrap_or(1)
}

/// A linear layer as it is stored, or a part of one.
struct Dense<'a> {
    weight: Cow<'a, [f32]>, // [outputs, inputs]
    bias: Cow<'a, [f32]>,   // [outputs], or empty
    outputs: usize,
    inputs: usize,
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
            outputs,
            inputs,
        })
    }

    /// Cuts the outputs of each of several layers with the same inputs into `groups`, and puts the
    /// parts of a group side by side.
    fn stack(layers: &[Dense; 3], groups: usize) -> Vec<Dense<'static>> {
        let size = layers[0].outputs / groups;
        let group = |start| {
            let parts = layers.each_ref().map(|layer| layer.rows(start..start + size));
            Dense {
                weight: parts.each_ref().map(|part| &*part.weight).concat().into(),
                bias: parts.each_ref().map(|part| &*part.bias).concat().into(),
                outputs: 3 * size,
                inputs: layers[0].inputs,
            }
        };
        (0..groups).map(|i| group(i * size)).collect()
    }

    /// Some of the outputs.
    fn rows(&self, rows: Range<usize>) -> Dense<'_> {
        Dense {
            weight: self.weight[rows.start * self.inputs..rows.end * self.inputs].into(),
            bias: self.bias[rows.clone()].into(),
            outputs: rows.len(),
            inputs: self.inputs,
        }
    }

    /// The products with some of the inputs. The bias stays with the last of them, or with the first
    /// in a precision of integers.
    fn columns(&self, columns: Range<usize>, precision: Precision) -> Dense<'static> {
        let has_bias = match precision {
            Precision::F32 => columns.end == self.inputs,
            Precision::Int16 | Precision::Int8 => columns.start == 0,
        };
        let rows = self.weight.chunks_exact(self.inputs).flat_map(|row| &row[columns.clone()]);
        Dense {
            weight: rows.copied().collect(),
            bias: if has_bias { self.bias.to_vec().into() } else { Cow::default() },
            outputs: self.outputs,
            inputs: columns.len(),
        }
    }

    fn pack<'w>(self, packer: &mut Packing<'_, 'w>, rotation: Rotation) -> Projection
    where
        'a: 'w,
    {
        packer.linear(self.weight, &self.bias, self.outputs, rotation)
    }
}
