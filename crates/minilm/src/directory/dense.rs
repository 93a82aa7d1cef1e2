//! The files of a `Dense` module: `config.json` and `model.safetensors` in its folder.

use super::{field, read_json};
use crate::{
    Error,
    files::{Source, missing},
};
use minilm_kernels::{Level, Linear};
use minilm_model::Checkpoint;
use minilm_pooling::{Activation, Dense};
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct DenseConfig {
    in_features: usize,
    out_features: usize,
    #[serde(default = "yes")]
    bias: bool,
    activation_function: Option<String>,
    module_input_name: Option<String>,
    module_output_name: Option<String>,
    #[serde(default)]
    use_residual: bool,
}

fn yes() -> bool {
    true
}

/// Reads the layer in `folder` for vectors of `width` values, and the file of its weights.
pub(crate) fn read_dense(
    source: &mut Source,
    folder: &Path,
    width: usize,
    level: Level,
) -> Result<(Dense, Checkpoint), Error> {
    let path = folder.join("config.json");
    let Some(config) = read_json::<DenseConfig>(source, &path)? else {
        return Err(missing(path));
    };
    let activation = config.activation(&path)?;
    config.check(&path, width)?;
    let checkpoint = source.take_weights(folder)?;
    let (inputs, outputs) = (config.in_features, config.out_features);
    let linear = |name: &str| {
        let weight = checkpoint.tensor(name, &[outputs, inputs])?;
        Ok::<_, Error>(Linear::pack(level, &weight, outputs))
    };
    let mut layer = linear("linear.weight")?;
    if config.bias {
        layer = layer.with_bias(&checkpoint.tensor("linear.bias", &[outputs])?);
    }
    let mut dense = Dense::new(layer, activation);
    if config.use_residual {
        let projection = (inputs != outputs).then(|| linear("residual.weight")).transpose()?;
        dense = dense.with_residual(projection);
    }
    Ok((dense, checkpoint))
}

impl DenseConfig {
    /// As sentence-transformers, tanh where none is named. A class outside of torch is code of the
    /// model's own.
    fn activation(&self, path: &Path) -> Result<Activation, Error> {
        let Some(class) = &self.activation_function else { return Ok(Activation::Tanh) };
        let name = class.rsplit('.').next().filter(|_| class.starts_with("torch.nn."));
        let known = Activation::ALL.iter().find(|known| Some(known.name()) == name);
        known.copied().map_or_else(
            || {
                let known: Vec<_> = Activation::ALL.iter().map(|known| known.name()).collect();
                let reason = format!("{class:?} is none of torch.nn's {}", known.join(", "));
                field(path, "activation_function", reason)
            },
            Ok,
        )
    }

    fn check(&self, path: &Path, width: usize) -> Result<(), Error> {
        for (name, key) in [
            ("module_input_name", &self.module_input_name),
            ("module_output_name", &self.module_output_name),
        ] {
            if let Some(other) = key.as_deref().filter(|key| *key != "sentence_embedding") {
                let reason = format!("{other:?} is not supported, only \"sentence_embedding\"");
                return field(path, name, reason);
            }
        }
        if self.in_features != width {
            let reason = format!("{} is not the width {width} before it", self.in_features);
            return field(path, "in_features", reason);
        }
        if self.out_features == 0 || self.out_features > 1 << 24 {
            let reason = format!("{} is not from 1 to 2^24", self.out_features);
            return field(path, "out_features", reason);
        }
        Ok(())
    }
}

/// A step that follows the pooling.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A linear layer, and the folder with its files.
    Dense(PathBuf),
    Normalize,
}
