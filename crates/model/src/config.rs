//! `config.json`: the shape of the model.
//!
//! In the book: `docs/01-model.md`.

use crate::{Error, kind::kind};
use serde::Deserialize;
use serde_json::Value;
use std::{fs, path::Path};

/// The fields of `config.json` that shape a BERT encoder; the names are those of
/// `transformers.BertConfig`.
///
/// ```
/// let json = r#"{ "model_type": "bert", "vocab_size": 30522, "hidden_size": 384,
///     "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
///     "max_position_embeddings": 512 }"#;
/// let config: minilm_model::Config = serde_json::from_str(json)?;
/// assert_eq!(config.head_size(), 32);
/// assert_eq!(config.layer_norm_eps, 1e-12); // as in BertConfig, where it is not given
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Config {
    /// `"bert"`.
    pub model_type: String,
    /// Number of token ids.
    pub vocab_size: usize,
    /// H: width of a token's vector.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// A: number of attention heads, a divisor of H.
    pub num_attention_heads: usize,
    /// F: width of the feed-forward's inner layer.
    pub intermediate_size: usize,
    /// Longest sentence in tokens.
    pub max_position_embeddings: usize,
    /// Number of token types; this crate uses type 0 alone.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// ε of LayerNorm.
    #[serde(default = "bert_epsilon")]
    pub layer_norm_eps: f64,
    /// Activation of the feed-forward: `"gelu"`, the exact form, or its other name `"gelu_python"`.
    #[serde(default = "gelu")]
    pub hidden_act: String,
    /// The id of `[PAD]`, whose word embedding is not trained.
    #[serde(default = "bert_padding")]
    pub pad_token_id: Option<u32>,
    /// `"absolute"`.
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
}

fn bert_padding() -> Option<u32> {
    Some(0)
}
fn two() -> usize {
    2
}
fn bert_epsilon() -> f64 {
    1e-12
}
fn gelu() -> String {
    "gelu".to_owned()
}
fn absolute() -> String {
    "absolute".to_owned()
}

/// Fields that say that a model is of another kind or runs in another way, whatever its shape.
#[derive(Deserialize)]
struct Architecture {
    model_type: Option<String>,
    is_decoder: Option<Value>,
    add_cross_attention: Option<Value>,
    pruned_heads: Option<Value>,
    quantization_config: Option<Value>,
}

impl Architecture {
    fn validate(&self, path: &Path) -> Result<(), Error> {
        let refuse = |field, value: String, wanted: &str| {
            Err(Error::Config { path: path.to_owned(), field, value, wanted: wanted.to_owned() })
        };
        if let Some(other) = self.model_type.as_deref().filter(|kind| *kind != "bert") {
            return refuse("model_type", format!("{other:?}"), "only \"bert\" is supported");
        }
        for (field, value, wanted) in [
            ("is_decoder", &self.is_decoder, "only encoders are supported"),
            ("add_cross_attention", &self.add_cross_attention, "only encoders are supported"),
            ("pruned_heads", &self.pruned_heads, "all layers must have the same heads"),
            (
                "quantization_config",
                &self.quantization_config,
                "weights must be F64, F32, F16 or BF16",
            ),
        ] {
            let is_set = |value: &&Value| match value {
                Value::Null | Value::Bool(false) => false,
                Value::Object(fields) => !fields.is_empty(),
                _ => true,
            };
            if let Some(value) = value.as_ref().filter(is_set) {
                return refuse(field, value.to_string(), wanted);
            }
        }
        Ok(())
    }
}

impl Config {
    /// Reads and validates the file.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Json`], or [`Error::Config`] for a model that is not a BERT
    /// encoder of this kind.
    pub fn read(path: &Path) -> Result<Config, Error> {
        let bytes =
            fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Config::from_bytes(&bytes, path)
    }

    /// Parses and validates the file's content; errors name it `path`.
    ///
    /// ```
    /// let error = minilm_model::Config::from_bytes(b"{}", "config.json".as_ref()).unwrap_err();
    /// assert_eq!(error.to_string(), "config.json is not a valid model configuration");
    /// ```
    ///
    /// # Errors
    /// [`Error::Json`], or [`Error::Config`] for a model that is not a BERT encoder of this kind.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Config, Error> {
        let json = |source| match kind(bytes) {
            Some(kind) => Error::Kind { path: path.to_owned(), kind },
            None => Error::Json { path: path.to_owned(), source },
        };
        // The shape of another architecture has fields of other names.
        let architecture: Architecture = serde_json::from_slice(bytes).map_err(json)?;
        architecture.validate(path)?;
        let config: Config = serde_json::from_slice(bytes).map_err(json)?;
        config.validate(path)?;
        Ok(config)
    }

    /// D: columns of one head, `hidden_size / num_attention_heads`.
    ///
    /// # Panics
    /// If there are no heads, which a configuration that was read or loaded always has.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    /// Whether this crate can run it.
    pub(crate) fn validate(&self, path: &Path) -> Result<(), Error> {
        let refuse = |field, value: &dyn ToString, wanted: &str| {
            Err(Error::Config {
                path: path.to_owned(),
                field,
                value: value.to_string(),
                wanted: wanted.to_owned(),
            })
        };
        for (field, value, known) in [
            ("model_type", &self.model_type, ["bert"].as_slice()),
            ("hidden_act", &self.hidden_act, &["gelu", "gelu_python"]),
            ("position_embedding_type", &self.position_embedding_type, &["absolute"]),
        ] {
            if !known.contains(&value.as_str()) {
                let wanted = format!("only {:?} is supported", known[0]);
                return refuse(field, &format!("{value:?}"), &wanted);
            }
        }
        // The upper bound keeps every product of two sizes far from overflow.
        for (field, value) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("type_vocab_size", self.type_vocab_size),
        ] {
            if value == 0 || value > 1 << 24 {
                return refuse(field, &value, "it must be from 1 to 2^24");
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let wanted = format!("hidden_size {} must be a multiple of it", self.hidden_size);
            return refuse("num_attention_heads", &self.num_attention_heads, &wanted);
        }
        if !(0.0..1.0).contains(&self.layer_norm_eps) {
            return refuse(
                "layer_norm_eps",
                &self.layer_norm_eps,
                "it must be at least 0 and below 1",
            );
        }
        Ok(())
    }
}
