//! `sentence_bert_config.json`: how texts enter the transformer.

use super::{field, read_json};
use crate::{Error, files::Source, tokenize::Overrides};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::Path;

/// The names that the file has had, by the kind of transformer; the first that is there is read.
const NAMES: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

/// Arguments of the model's class that change no value, or only the precision in which PyTorch
/// computes.
const HARMLESS: [&str; 8] = [
    "torch_dtype",
    "dtype",
    "add_pooling_layer",
    "attn_implementation",
    "trust_remote_code",
    "low_cpu_mem_usage",
    "device_map",
    "use_safetensors",
];

#[derive(Deserialize, Default)]
pub(super) struct SentenceConfig {
    max_seq_length: Option<usize>,
    do_lower_case: Option<bool>,
    transformer_task: Option<String>,
    modality_config: Option<Map<String, Value>>,
    module_output_name: Option<String>,
    processing_kwargs: Option<Map<String, Value>>,
    #[serde(alias = "model_args")]
    model_kwargs: Option<Map<String, Value>>,
    #[serde(alias = "tokenizer_args")]
    processor_kwargs: Option<Map<String, Value>>,
    #[serde(alias = "config_args")]
    config_kwargs: Option<Map<String, Value>>,
    tokenizer_name_or_path: Option<String>,
}

/// The settings in the file, checked.
pub(super) struct Sentence {
    /// Longest text in tokens, whatever the tokenizer's configuration says.
    pub limit: Option<usize>,
    /// Longest text in tokens, unless arguments of the tokenizer say otherwise.
    pub max_seq_length: Option<usize>,
    pub tokenizer: Overrides,
}

impl Sentence {
    pub(super) fn read(source: &Source, folder: &Path) -> Result<Sentence, Error> {
        for name in NAMES {
            let path = folder.join(name);
            if let Some(config) = read_json::<SentenceConfig>(source, &path)? {
                return config.checked(&path);
            }
        }
        SentenceConfig::default().checked(&folder.join(NAMES[0]))
    }
}

impl SentenceConfig {
    fn checked(self, path: &Path) -> Result<Sentence, Error> {
        if let Some(tokens) = self.max_seq_length {
            room(path, "max_seq_length", tokens)?;
        }
        self.refuse(path)?;
        let limit = match self.processing_kwargs {
            Some(kwargs) => text_length(path, &kwargs)?,
            None => None,
        };
        Ok(Sentence {
            limit,
            max_seq_length: self.max_seq_length,
            tokenizer: Overrides {
                class: None,
                processor_kwargs: self.processor_kwargs.unwrap_or_default(),
                lowercase_first: self.do_lower_case == Some(true),
            },
        })
    }

    /// An error for what changes vectors and is not done here.
    fn refuse(&self, path: &Path) -> Result<(), Error> {
        let only = |name, found: &Option<String>, wanted: &str| match found.as_deref() {
            Some(other) if other != wanted => {
                field(path, name, format!("{other:?} is not supported, only {wanted:?}"))
            }
            _ => Ok(()),
        };
        only("transformer_task", &self.transformer_task, "feature-extraction")?;
        only("module_output_name", &self.module_output_name, "token_embeddings")?;
        let text = self.modality_config.as_ref().map(|modalities| modalities.get("text"));
        let hidden = json!({"method": "forward", "method_output_name": "last_hidden_state"});
        if let Some(text) = text.filter(|text| *text != Some(&hidden)) {
            let text = text.unwrap_or(&Value::Null);
            return field(path, "modality_config", format!("text: {text} is not {hidden}"));
        }
        let model = self.model_kwargs.iter().flatten();
        if let Some((name, value)) = model.into_iter().find(|(name, _)| !is_harmless(name)) {
            let reason = format!("{name}: {value} is an argument of PyTorch's model class");
            return field(path, "model_kwargs", reason);
        }
        let config = self.config_kwargs.iter().flatten();
        if let Some((name, value)) = config.into_iter().find(|(name, _)| !is_harmless(name)) {
            let reason = format!("write {name:?}: {value} into config.json instead");
            return field(path, "config_kwargs", reason);
        }
        match &self.tokenizer_name_or_path {
            Some(other) => {
                let reason = format!("copy the tokenizer of {other:?} into this directory");
                field(path, "tokenizer_name_or_path", reason)
            }
            None => Ok(()),
        }
    }
}

fn is_harmless(name: &str) -> bool {
    HARMLESS.contains(&name)
}

/// `processing_kwargs.text.max_length`; arguments that do anything else to a text are an error.
fn text_length(path: &Path, kwargs: &Map<String, Value>) -> Result<Option<usize>, Error> {
    let mut limit = None;
    for modality in ["common", "text"] {
        let given = kwargs.get(modality).and_then(Value::as_object);
        for (name, value) in given.into_iter().flatten() {
            match (name.as_str(), value) {
                ("padding" | "pad_to_multiple_of" | "return_tensors" | "padding_side", _)
                | (_, Value::Null)
                | ("truncation", Value::Bool(true))
                | ("add_special_tokens", Value::Bool(true)) => {}
                ("max_length", value) => match value.as_u64() {
                    Some(tokens) => {
                        room(path, "processing_kwargs", tokens as usize)?;
                        limit = Some(tokens as usize);
                    }
                    None => {
                        return field(path, "processing_kwargs", format!("max_length: {value}"));
                    }
                },
                (name, value) => {
                    let reason = format!("{modality}: {name}: {value} is not supported");
                    return field(path, "processing_kwargs", reason);
                }
            }
        }
    }
    Ok(limit)
}

fn room(path: &Path, name: &'static str, tokens: usize) -> Result<(), Error> {
    if tokens < 3 {
        let reason = format!("{tokens} leaves no room for a word between [CLS] and [SEP]");
        return field(path, name, reason);
    }
    Ok(())
}
