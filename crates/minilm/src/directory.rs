//! A model's directory as sentence-transformers lays it out.
//!
//! ```text
//! modules.json                  which modules, and where each keeps its files
//!   ├─ Transformer  ""          config.json, model.safetensors, tokenizer.json, sentence_bert_config.json
//!   ├─ Pooling      1_Pooling   config.json
//!   └─ Normalize    2_Normalize (no files; the folder may be missing)
//! ```
//!
//! Without `modules.json` the directory is a plain transformer: mean pooling, no normalisation.

use crate::Error;
use minilm_pooling::{Mode, Pooling, PoolingConfig};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What the directory says besides the weights.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Where the transformer's files are.
    pub transformer: PathBuf,
    pub pooling: Pooling,
    /// Where the pooling's configuration is, and the width of token vectors it expects.
    pub pooling_width: Option<(PathBuf, usize)>,
    pub normalize: bool,
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
    pub(crate) fn read(root: &Path) -> Result<Directory, Error> {
        fs::read_dir(root).map_err(|source| Error::Read { path: root.to_owned(), source })?;
        let path = root.join("modules.json");
        let modules: Option<Vec<Module>> = read_json(&path)?;

        let (transformer, pooling, normalize) = match &modules {
            None => (root.to_owned(), None, false),
            Some(modules) => {
                let types: Vec<_> = modules.iter().map(|m| m.r#type.rsplit('.').next().unwrap_or_default()).collect();
                let normalize = match types.as_slice() {
                    ["Transformer", "Pooling"] => false,
                    ["Transformer", "Pooling", "Normalize"] => true,
                    _ => return Err(Error::Modules { path, found: types.join(", ") }),
                };
                (root.join(&modules[0].path), Some(root.join(&modules[1].path).join("config.json")), normalize)
            }
        };

        let (pooling, pooling_width) = match pooling {
            None => (Pooling::new(&[Mode::Mean]), None),
            Some(path) => read_pooling(path)?,
        };
        let path = transformer.join("sentence_bert_config.json");
        let sentence: SentenceBertConfig = read_json(&path)?.unwrap_or_default();
        if let Some(tokens @ 0..3) = sentence.max_seq_length {
            let reason = format!("{tokens} leaves no room for a word between [CLS] and [SEP]");
            return Err(Error::Field { path, field: "max_seq_length", reason });
        }
        let tokenizer: TokenizerConfig = read_json(&transformer.join("tokenizer_config.json"))?.unwrap_or_default();
        let no_limit = 1e9;
        let by_tokenizer = tokenizer.model_max_length.filter(|n| (3.0..no_limit).contains(n)).map(|n| n as usize);
        Ok(Directory {
            transformer,
            pooling,
            pooling_width,
            normalize,
            lowercase: sentence.do_lower_case,
            max_tokens: sentence.max_seq_length.or(by_tokenizer),
        })
    }
}

fn read_pooling(path: PathBuf) -> Result<(Pooling, Option<(PathBuf, usize)>), Error> {
    let Some(config) = read_json::<PoolingConfig>(&path)? else {
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

/// The file's content, or `None` if there is no such file.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    match fs::read(path) {
        Ok(bytes) => {
            let value = serde_json::from_slice(&bytes);
            value.map(Some).map_err(|source| Error::Json { path: path.to_owned(), source })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}
