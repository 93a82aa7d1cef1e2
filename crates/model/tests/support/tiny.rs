//! A small BERT with random weights, as `config.json` and `model.safetensors`.

use half::{bf16, f16};
use minilm_testing::Random;
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The word pieces of the small vocabulary.
pub const VOCABULARY: [&str; 16] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "a", "dog",
    "ran", "##s", "##ing", ".",
];

/// A checkpoint before it is written; tests change what they want to be different.
pub struct TinyBert {
    pub config: Value,
    pub tensors: BTreeMap<String, Tensor>,
}

#[derive(Clone)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
    pub dtype: Dtype,
}

impl TinyBert {
    /// Sizes that are no multiples of a vector: 2 layers, H = 52 in 2 heads of 26, F = 420.
    pub fn new() -> TinyBert {
        let (h, f, layers, positions) = (52, 420, 2, 40);
        let config = json!({
            "model_type": "bert", "vocab_size": VOCABULARY.len(), "hidden_size": h,
            "num_hidden_layers": layers, "num_attention_heads": 2, "intermediate_size": f,
            "max_position_embeddings": positions, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
            "hidden_act": "gelu"
        });
        let mut tiny = TinyBert { config, tensors: BTreeMap::new() };
        for (name, rows) in [("word", VOCABULARY.len()), ("position", positions), ("token_type", 2)]
        {
            tiny.add(&format!("embeddings.{name}_embeddings.weight"), &[rows, h]);
        }
        tiny.add_layer_norm("embeddings.LayerNorm", h);
        for n in 0..layers {
            let dense = [
                ("attention.self.query", h, h),
                ("attention.self.key", h, h),
                ("attention.self.value", h, h),
                ("attention.output.dense", h, h),
                ("intermediate.dense", f, h),
                ("output.dense", h, f),
            ];
            for (part, outputs, inputs) in dense {
                tiny.add(&format!("encoder.layer.{n}.{part}.weight"), &[outputs, inputs]);
                tiny.add(&format!("encoder.layer.{n}.{part}.bias"), &[outputs]);
            }
            for part in ["attention.output", "output"] {
                tiny.add_layer_norm(&format!("encoder.layer.{n}.{part}.LayerNorm"), h);
            }
        }
        tiny
    }

    fn add(&mut self, name: &str, shape: &[usize]) {
        // A sequence of its own for each name: the seed is a hash of it (FNV-1a).
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
        });
        let values = Random(seed).spread(shape.iter().product(), 0.5);
        self.tensors
            .insert(name.to_owned(), Tensor { shape: shape.to_vec(), values, dtype: Dtype::F32 });
    }

    fn add_layer_norm(&mut self, name: &str, h: usize) {
        self.add(&format!("{name}.weight"), &[h]);
        self.add(&format!("{name}.bias"), &[h]);
    }

    /// The tensor of that name, to be changed.
    pub fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.get_mut(name).unwrap_or_else(|| panic!("no tensor {name}"))
    }

    /// Gives the model another number of word embeddings.
    pub fn set_vocabulary(&mut self, rows: usize) {
        self.config["vocab_size"] = json!(rows);
        let table = self.tensor("embeddings.word_embeddings.weight");
        table.shape[0] = rows;
        table.values.resize(rows * table.shape[1], 0.25);
    }

    /// Stores every tensor as `dtype`, its values rounded to it.
    pub fn store_as(&mut self, dtype: Dtype) {
        for tensor in self.tensors.values_mut() {
            tensor.dtype = dtype;
            for x in &mut tensor.values {
                *x = match dtype {
                    Dtype::F16 => f16::from_f32(*x).to_f32(),
                    Dtype::BF16 => bf16::from_f32(*x).to_f32(),
                    _ => *x,
                };
            }
        }
    }

    /// Renames every tensor.
    pub fn rename(&mut self, name: impl Fn(&str) -> String) {
        self.tensors =
            std::mem::take(&mut self.tensors).into_iter().map(|(old, t)| (name(&old), t)).collect();
    }

    /// The content of `model.safetensors`.
    pub fn safetensors(&self) -> Vec<u8> {
        let bytes: Vec<(&String, &Tensor, Vec<u8>)> =
            self.tensors.iter().map(|(name, tensor)| (name, tensor, tensor.bytes())).collect();
        let views = bytes.iter().map(|(name, tensor, bytes)| {
            (name.as_str(), TensorView::new(tensor.dtype, tensor.shape.clone(), bytes).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }
}

impl Tensor {
    fn bytes(&self) -> Vec<u8> {
        let values = self.values.iter();
        match self.dtype {
            Dtype::F16 => values.flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect(),
            Dtype::BF16 => values.flat_map(|x| bf16::from_f32(*x).to_le_bytes()).collect(),
            Dtype::F64 => values.flat_map(|x| f64::from(*x).to_le_bytes()).collect(),
            _ => values.flat_map(|x| x.to_le_bytes()).collect(),
        }
    }
}
