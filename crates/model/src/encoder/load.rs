//! The encoder's weights, from a checkpoint to panels in the order of their use.
//!
//! In the book: `docs/02-memory.md`.

use super::{Attention, Encoder, FFN_CHUNK, Intermediate, Layer, Output};
use crate::{
    Config, Error, Precision, dense::Dense, embeddings::LayerNorm, projection::Packing,
    weights::Checkpoint,
};
use minilm_kernels::{Level, quantise::Rotation};

impl Encoder {
    /// All layers.
    pub(crate) fn load(
        checkpoint: &Checkpoint,
        config: &Config,
        level: Level,
        precision: Precision,
    ) -> Result<Encoder, Error> {
        Encoder::load_each(config, |n| Layer::load(checkpoint, config, level, precision, n))
    }

    /// All layers; the files of a layer are let go when it is packed.
    pub(crate) fn take(
        checkpoint: &mut Checkpoint,
        config: &Config,
        level: Level,
        precision: Precision,
    ) -> Result<Encoder, Error> {
        Encoder::load_each(config, |n| {
            let layer = Layer::load(checkpoint, config, level, precision, n)?;
            checkpoint.release(&format!("encoder.layer.{n}."));
            Ok(layer)
        })
    }

    fn load_each(
        config: &Config,
        layer: impl FnMut(usize) -> Result<Layer, Error>,
    ) -> Result<Encoder, Error> {
        let layer = (0..config.num_hidden_layers).map(layer).collect::<Result<_, _>>()?;
        Ok(Encoder { layer })
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
        let layer = Packing::together(precision, level, |mut packer| {
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
        });
        Ok(layer?)
    }
}

/// The number of groups into which the heads are cut: so small that each group is worth a product,
/// and a number that thread groups can share.
fn head_groups(heads: usize) -> usize {
    [6, 4, 3, 2].into_iter().find(|&groups| heads.is_multiple_of(groups)).unwrap_or(1)
}
