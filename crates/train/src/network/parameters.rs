//! The parameters in the order of the checkpoint, each with its gradient and its moments.

use minilm_kernels::{Level, Linear, memory::Pages};
use minilm_model::{Checkpoint, Config, Error};

/// Parameters that are trained together: a tensor, or several on top of each other.
#[derive(Debug)]
pub(super) struct Parameter {
    pub value: Pages<f32>,
    pub gradient: Pages<f32>,
    pub first: Pages<f32>,  // m: the mean of the gradient
    pub second: Pages<f32>, // v: the mean of its square
    /// The tensors' names in the checkpoint, without `bert.`.
    names: Vec<String>,
    /// The shape of one of them.
    shape: Vec<usize>,
}

/// A linear layer.
#[derive(Debug)]
pub(super) struct Dense {
    pub weight: Parameter, // [N, K]
    pub bias: Parameter,   // [N]
    pub packed: Linear,    // both, for the forward pass
}

/// A LayerNorm.
#[derive(Debug)]
pub(super) struct Norm {
    pub gamma: Parameter, // [H]
    pub beta: Parameter,  // [H]
}

/// `embeddings`
#[derive(Debug)]
pub(super) struct Embeddings {
    pub word: Parameter,       // [vocabulary, H]
    pub position: Parameter,   // [positions, H]
    pub token_type: Parameter, // [types, H]
    pub norm: Norm,
}

/// `encoder.layer.n`
#[derive(Debug)]
pub(super) struct Layer {
    pub qkv: Dense, // attention.self.{query, key, value}, on top of each other
    pub attention_output: Dense, // attention.output.dense
    pub attention_norm: Norm, // attention.output.LayerNorm
    pub intermediate: Dense, // intermediate.dense
    pub output: Dense, // output.dense
    pub output_norm: Norm, // output.LayerNorm
}

/// A tensor of the checkpoint with values of one kind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Tensor<'a> {
    /// The name, without the prefix `bert.`.
    pub name: &'a str,
    /// The shape, as PyTorch has it.
    pub shape: &'a [usize],
    /// The values, row-major.
    pub data: &'a [f32],
}

impl Parameter {
    pub(super) fn load(
        checkpoint: &Checkpoint,
        names: Vec<String>,
        shape: &[usize],
    ) -> Result<Parameter, Error> {
        // Of the word embeddings, few rows ever have a gradient: the others take no memory.
        let size = shape.iter().product::<usize>();
        let zeros = || Pages::unadvised(names.len() * size);
        let (mut value, gradient, first, second) = (zeros()?, zeros()?, zeros()?, zeros()?);
        for (name, value) in names.iter().zip(value.chunks_exact_mut(size)) {
            value.copy_from_slice(&checkpoint.tensor(name, shape)?);
        }
        Ok(Parameter { value, gradient, first, second, names, shape: shape.to_vec() })
    }

    /// The names of its tensors.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether weight decay applies: to all but biases and LayerNorms, as in the original.
    pub(super) fn decays(&self) -> bool {
        !self.names[0].ends_with("bias") && !self.names[0].contains("LayerNorm")
    }

    /// Its tensors with the values that `pick` chooses.
    pub(super) fn tensors<'a>(
        &'a self,
        pick: impl Fn(&'a Parameter) -> &'a [f32],
    ) -> impl Iterator<Item = Tensor<'a>> {
        let size = self.value.len() / self.names.len();
        let parts = pick(self).chunks_exact(size);
        let shape = &self.shape[..];
        self.names.iter().zip(parts).map(move |(name, data)| Tensor { name, shape, data })
    }
}

impl Dense {
    fn load(
        checkpoint: &Checkpoint,
        names: &[String],
        [outputs, inputs]: [usize; 2],
        level: Level,
    ) -> Result<Dense, Error> {
        let with = |end: &str| names.iter().map(|name| format!("{name}.{end}")).collect();
        let weight = Parameter::load(checkpoint, with("weight"), &[outputs, inputs])?;
        let bias = Parameter::load(checkpoint, with("bias"), &[outputs])?;
        let packed =
            Linear::pack(level, &weight.value, names.len() * outputs).with_bias(&bias.value);
        Ok(Dense { weight, bias, packed })
    }

    /// N and K.
    pub(super) fn shape(&self) -> [usize; 2] {
        [self.packed.outputs(), self.packed.inputs()]
    }
}

impl Norm {
    fn load(checkpoint: &Checkpoint, name: &str, h: usize) -> Result<Norm, Error> {
        let parameter = |end| Parameter::load(checkpoint, vec![format!("{name}.{end}")], &[h]);
        Ok(Norm { gamma: parameter("weight")?, beta: parameter("bias")? })
    }
}

impl Embeddings {
    pub(super) fn load(checkpoint: &Checkpoint, config: &Config) -> Result<Embeddings, Error> {
        let h = config.hidden_size;
        let table = |part: &str, rows: usize| {
            let name = format!("embeddings.{part}_embeddings.weight");
            Parameter::load(checkpoint, vec![name], &[rows, h])
        };
        Ok(Embeddings {
            word: table("word", config.vocab_size)?,
            position: table("position", config.max_position_embeddings)?,
            token_type: table("token_type", config.type_vocab_size)?,
            norm: Norm::load(checkpoint, "embeddings.LayerNorm", h)?,
        })
    }
}

impl Layer {
    pub(super) fn load(
        checkpoint: &Checkpoint,
        config: &Config,
        level: Level,
        n: usize,
    ) -> Result<Layer, Error> {
        let (h, f) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{n}.{part}");
        let dense = |names: &[String], outputs, inputs| {
            Dense::load(checkpoint, names, [outputs, inputs], level)
        };
        let norm = |part: &str| Norm::load(checkpoint, &name(part), h);
        let qkv = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        Ok(Layer {
            qkv: dense(&qkv, h, h)?,
            attention_output: dense(&[name("attention.output.dense")], h, h)?,
            attention_norm: norm("attention.output.LayerNorm")?,
            intermediate: dense(&[name("intermediate.dense")], f, h)?,
            output: dense(&[name("output.dense")], h, f)?,
            output_norm: norm("output.LayerNorm")?,
        })
    }

    /// The linear layers in order.
    pub(super) fn dense_mut(&mut self) -> [&mut Dense; 4] {
        [&mut self.qkv, &mut self.attention_output, &mut self.intermediate, &mut self.output]
    }
}

/// All parameters but the word embeddings, in the order of the checkpoint; `$get` borrows.
macro_rules! in_order {
    ($embeddings:expr, $layers:expr, $($mut:tt)?) => {{
        let e = $embeddings;
        let mut all = vec![
            &$($mut)? e.position,
            &$($mut)? e.token_type,
            &$($mut)? e.norm.gamma,
            &$($mut)? e.norm.beta,
        ];
        for l in $layers {
            all.extend([
                &$($mut)? l.qkv.weight,
                &$($mut)? l.qkv.bias,
                &$($mut)? l.attention_output.weight,
                &$($mut)? l.attention_output.bias,
                &$($mut)? l.attention_norm.gamma,
                &$($mut)? l.attention_norm.beta,
                &$($mut)? l.intermediate.weight,
                &$($mut)? l.intermediate.bias,
                &$($mut)? l.output.weight,
                &$($mut)? l.output.bias,
                &$($mut)? l.output_norm.gamma,
                &$($mut)? l.output_norm.beta,
            ]);
        }
        all
    }};
}
pub(super) use in_order;
