//! A model's directory as sentence-transformers lays it out.
//!
//! ```text
//! config_sentence_transformers.json   prompts, and how many values of an embedding are kept
//! modules.json                  which modules, and where each keeps its files
//!   ├─ Transformer  ""          config.json, model.safetensors, tokenizer.json,
//!   │                           sentence_bert_config.json
//!   ├─ Pooling      1_Pooling   config.json
//!   ├─ Dense        2_Dense     config.json, model.safetensors (few models have it)
//!   └─ Normalize    2_Normalize (no files; the folder may be missing)
//! ```
//!
//! Without `modules.json` the directory is a plain transformer: mean pooling, no normalisation.
//!
//! In the book: `docs/13-directories.md`.

mod dense;
mod modules;
mod sentence;

pub(crate) use dense::{Step, read_dense};
pub(crate) use modules::{Folders, is_inside};

use crate::{
    Error,
    files::{Source, missing, no_such_file},
    prompts::Prompts,
    tokenize::TokenizerConfig,
};
use minilm_model::{Config, Error as ModelError};
use minilm_pooling::{Mode, Pooling, PoolingConfig};
use modules::Modules;
use sentence::Sentence;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The settings in the directory, besides the weights.
#[derive(Debug)]
pub(crate) struct Directory {
    /// The folder of the transformer's files.
    pub transformer: PathBuf,
    pub config: Config,
    pub pooling: Pooling,
    /// The folder of the pooling's configuration, and the width of token vectors it expects.
    pub pooling_width: Option<(PathBuf, usize)>,
    /// Between the pooling and the last normalisation.
    pub steps: Vec<Step>,
    pub normalize: bool,
    pub prompts: Prompts,
    /// Values of an embedding that are kept; there may be fewer.
    pub truncate_dim: Option<usize>,
    pub tokenizer: TokenizerConfig,
    /// Longest text in tokens by the configuration files; the model's positions may allow less.
    pub max_tokens: Option<usize>,
}

#[derive(Deserialize, Default)]
struct ModelConfig {
    model_type: Option<String>,
    prompts: Option<BTreeMap<String, Option<String>>>,
    default_prompt_name: Option<String>,
    truncate_dim: Option<usize>,
}

/// The fields of `config.json` that are not of the encoder.
#[derive(Deserialize, Default)]
struct TransformerConfig {
    tokenizer_class: Option<String>,
}

impl Directory {
    pub(crate) fn read(source: &Source) -> Result<Directory, Error> {
        let root = source.root();
        let (prompts, truncate_dim) = read_config(source, root)?;
        let Modules { transformer, pooling, mut steps } = Modules::read(source)?;
        let normalize = steps.pop_if(|step| *step == Step::Normalize).is_some();
        let (config, tokenizer_class) = read_architecture(source, &transformer)?;
        no_adapter(source, &transformer)?;
        let (pooling, pooling_width) = match pooling {
            None => (Pooling::new(&[Mode::Mean]), None),
            Some(path) => read_pooling(source, path)?,
        };
        let mut sentence = Sentence::read(source, &transformer)?;
        sentence.tokenizer.class = tokenizer_class;
        let by_arguments = sentence.tokenizer.processor_kwargs.contains_key("model_max_length");
        let tokenizer = TokenizerConfig::read(source, &transformer, sentence.tokenizer)?;
        let max_seq_length = sentence.max_seq_length.filter(|_| !by_arguments);
        Ok(Directory {
            transformer,
            config,
            pooling,
            pooling_width,
            steps,
            normalize,
            prompts,
            truncate_dim,
            max_tokens: sentence.limit.or(max_seq_length).or(tokenizer.max_length),
            tokenizer,
        })
    }
}

/// The prompts and `truncate_dim` of `config_sentence_transformers.json`.
fn read_config(source: &Source, root: &Path) -> Result<(Prompts, Option<usize>), Error> {
    let path = root.join("config_sentence_transformers.json");
    let config: ModelConfig = read_json(source, &path)?.unwrap_or_default();
    if let Some(other) = config.model_type.filter(|kind| kind != "SentenceTransformer") {
        let reason = format!("{other:?} gives no sentence embeddings, only a SentenceTransformer");
        return field(&path, "model_type", reason);
    }
    if config.truncate_dim == Some(0) {
        return field(&path, "truncate_dim", "an embedding has at least one value".to_owned());
    }
    let prompts = Prompts::new(config.prompts.unwrap_or_default(), config.default_prompt_name);
    match prompts {
        Ok(prompts) => Ok((prompts, config.truncate_dim)),
        Err(unknown) => field(&path, "default_prompt_name", unknown.to_string()),
    }
}

/// The shape of the transformer, and the class of its tokenizer if it is named there.
fn read_architecture(
    source: &Source,
    transformer: &Path,
) -> Result<(Config, Option<String>), Error> {
    let path = transformer.join("config.json");
    let Some(bytes) = source.read(&path)? else { return Err(missing(path)) };
    let config = Config::from_bytes(&bytes, &path)?;
    let TransformerConfig { tokenizer_class } = read_json(source, &path)?.unwrap_or_default();
    Ok((config, tokenizer_class))
}

/// An adapter changes the weights beside it.
fn no_adapter(source: &Source, transformer: &Path) -> Result<(), Error> {
    let path = transformer.join("adapter_config.json");
    if source.read(&path)?.is_none() {
        return Ok(());
    }
    let reason = "adapters are not read; write their sum with the weights into \
                  model.safetensors (`merge_and_unload` of peft), and remove the file";
    field(&path, "peft_type", reason.to_owned())
}

fn read_pooling(
    source: &Source,
    path: PathBuf,
) -> Result<(Pooling, Option<(PathBuf, usize)>), Error> {
    let Some(config) = read_json::<PoolingConfig>(source, &path)? else {
        return Err(Error::Read { path, source: no_such_file() });
    };
    let pooling = config.pooling().map_err(|unknown| Error::Field {
        path: path.clone(),
        field: "pooling_mode",
        reason: unknown.to_string(),
    })?;
    Ok((pooling, config.embedding_dimension.map(|width| (path, width))))
}

/// The file's content, or `None` if there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(
    source: &Source,
    path: &Path,
) -> Result<Option<T>, Error> {
    let Some(bytes) = source.read(path)? else { return Ok(None) };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|source| match minilm_model::kind(&bytes) {
        Some(kind) => ModelError::Kind { path: path.to_owned(), kind }.into(),
        None => Error::Json { path: path.to_owned(), source },
    })
}

/// The error of a field that cannot be used.
pub(crate) fn field<T>(path: &Path, field: &'static str, reason: String) -> Result<T, Error> {
    Err(Error::Field { path: path.to_owned(), field, reason })
}
