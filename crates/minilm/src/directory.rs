//! A model's directory as sentence-transformers lays it out.
//!
//! ```text
//! config_sentence_transformers.json   prompts, and how many values of an embedding are kept
//! modules.json                  which modules, and where each keeps its files
//!   ├─ Transformer  ""          config.json, model.safetensors, tokenizer.json,
//!   │                           sentence_bert_config.json
//!   ├─ Pooling      1_Pooling   config.json
//!   └─ Normalize    2_Normalize (no files; the folder may be missing)
//! ```
//!
//! Without `modules.json` the directory is a plain transformer: mean pooling, no normalisation.

use crate::{Error, files::Source, prompts::Prompts};
use minilm_pooling::{Mode, Pooling, PoolingConfig};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    io,
    path::{Component, Path, PathBuf},
};

/// The settings in the directory, besides the weights.
#[derive(Debug)]
pub(crate) struct Directory {
    /// The folder of the transformer's files.
    pub transformer: PathBuf,
    pub pooling: Pooling,
    /// The folder of the pooling's configuration, and the width of token vectors it expects.
    pub pooling_width: Option<(PathBuf, usize)>,
    pub normalize: bool,
    pub prompts: Prompts,
    /// Values of an embedding that are kept; there may be fewer.
    pub truncate_dim: Option<usize>,
    /// Texts are lower-cased before tokenising.
    pub lowercase: bool,
    /// Longest text in tokens by the configuration files; the model's positions may allow less.
    pub max_tokens: Option<usize>,
}

#[derive(Deserialize)]
struct Module {
    path: String,
    r#type: String,
}

#[derive(Deserialize, Default)]
struct ModelConfig {
    prompts: Option<BTreeMap<String, Option<String>>>,
    default_prompt_name: Option<String>,
    truncate_dim: Option<usize>,
}

#[derive(Deserialize, Default)]
struct SentenceBertConfig {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

#[derive(Deserialize, Default)]
struct TokenizerConfig {
    model_max_length: Option<f64>, // written as 1e30 where there is no limit
}

impl Directory {
    pub(crate) fn read(source: &Source) -> Result<Directory, Error> {
        let root = source.root();
        let path = root.join("modules.json");
        let modules: Option<Vec<Module>> = read_json(source, &path)?;

        let (transformer, pooling, normalize) = match &modules {
            None => (root.to_owned(), None, false),
            Some(modules) => pipeline(root, path, modules)?,
        };

        let (pooling, pooling_width) = match pooling {
            None => (Pooling::new(&[Mode::Mean]), None),
            Some(path) => read_pooling(source, path)?,
        };
        let path = transformer.join("sentence_bert_config.json");
        let sentence: SentenceBertConfig = read_json(source, &path)?.unwrap_or_default();
        if let Some(tokens @ 0..3) = sentence.max_seq_length {
            let reason = format!("{tokens} leaves no room for a word between [CLS] and [SEP]");
            return Err(Error::Field { path, field: "max_seq_length", reason });
        }
        let (prompts, truncate_dim) = read_config(source, root)?;
        let tokenizer: TokenizerConfig =
            read_json(source, &transformer.join("tokenizer_config.json"))?.unwrap_or_default();
        let no_limit = 1e9;
        let by_tokenizer =
            tokenizer.model_max_length.filter(|n| (3.0..no_limit).contains(n)).map(|n| n as usize);
        Ok(Directory {
            transformer,
            pooling,
            pooling_width,
            normalize,
            prompts,
            truncate_dim,
            lowercase: sentence.do_lower_case,
            max_tokens: sentence.max_seq_length.or(by_tokenizer),
        })
    }
}

/// The prompts and `truncate_dim` of `config_sentence_transformers.json`.
fn read_config(source: &Source, root: &Path) -> Result<(Prompts, Option<usize>), Error> {
    let path = root.join("config_sentence_transformers.json");
    let config: ModelConfig = read_json(source, &path)?.unwrap_or_default();
    if config.truncate_dim == Some(0) {
        let reason = "an embedding has at least one value".to_owned();
        return Err(Error::Field { path, field: "truncate_dim", reason });
    }
    let prompts = Prompts::new(config.prompts.unwrap_or_default(), config.default_prompt_name);
    let prompts = prompts.map_err(|unknown| Error::Field {
        path,
        field: "default_prompt_name",
        reason: unknown.to_string(),
    })?;
    Ok((prompts, config.truncate_dim))
}

/// The places of the modules: the transformer, the pooling's configuration, and whether embeddings
/// are normalised.
fn pipeline(
    root: &Path,
    path: PathBuf,
    modules: &[Module],
) -> Result<(PathBuf, Option<PathBuf>, bool), Error> {
    let types: Vec<_> =
        modules.iter().map(|m| m.r#type.rsplit('.').next().unwrap_or_default()).collect();
    let normalize = match types.as_slice() {
        ["Transformer", "Pooling"] => false,
        ["Transformer", "Pooling", "Normalize"] => true,
        _ => return Err(Error::Modules { path, found: types.join(", ") }),
    };
    if let Some(module) =
        modules.iter().find(|module| !(module.path.is_empty() || is_inside(&module.path)))
    {
        let reason = format!("{:?} is not in the model's directory", module.path);
        return Err(Error::Field { path, field: "path", reason });
    }
    Ok((
        root.join(&modules[0].path),
        Some(root.join(&modules[1].path).join("config.json")),
        normalize,
    ))
}

fn read_pooling(
    source: &Source,
    path: PathBuf,
) -> Result<(Pooling, Option<(PathBuf, usize)>), Error> {
    let Some(config) = read_json::<PoolingConfig>(source, &path)? else {
        let source = io::ErrorKind::NotFound.into();
        return Err(Error::Read { path, source });
    };
    let pooling = config.pooling().map_err(|unknown| Error::Field {
        path: path.clone(),
        field: "pooling_mode",
        reason: unknown.to_string(),
    })?;
    Ok((pooling, config.embedding_dimension.map(|width| (path, width))))
}

/// The folders of the modules that a `modules.json` lists, in order; `None` if it is not one.
pub(crate) fn module_folders(json: &[u8]) -> Option<Vec<String>> {
    let modules: Vec<Module> = serde_json::from_slice(json).ok()?;
    Some(modules.into_iter().take(2).map(|module| module.path).collect())
}

/// Whether a relative path stays inside the directory that it is relative to, and is written in the
/// one way that all systems read alike.
pub(crate) fn is_inside(path: &str) -> bool {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    plain
        && path
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']))
}

/// The file's content, or `None` if there is no such file.
fn read_json<T: DeserializeOwned>(source: &Source, path: &Path) -> Result<Option<T>, Error> {
    let Some(bytes) = source.read(path)? else { return Ok(None) };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|source| Error::Json { path: path.to_owned(), source })
}
