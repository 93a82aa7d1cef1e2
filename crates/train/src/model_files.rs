//! A model's directory: the base of a training run, and the same with other weights.
//!
//! ```text
//! model.safetensors            trained tensors under the names that they have in the base; others,
//!                              such as the pooler, as they are there
//! tokenizer and settings       the base's files, byte for byte
//! modules.json, 1_Pooling      added for a plain BERT: mean pooling and normalisation
//! ```
//!
//! Every file appears when it is complete, and `config.json` is the last: a directory without it is
//! no model.

use crate::{
    Error,
    dataset::hex,
    network::Tensor,
    tensors::{self, Entry},
};
use minilm_model::Mapped;
use minilm_tasks::replace::Replacement;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Endings of files that belong to a model's settings or its tokenizer.
const SETTINGS: [&str; 4] = ["json", "txt", "model", "jinja"];

/// Files of the base that are written anew, or belong to its own training.
const NOT_COPIED: [&str; 3] =
    ["model.safetensors.index.json", "training.json", "trainer_state.json"];

/// A model's directory.
#[derive(Clone, Debug)]
pub struct Base {
    root: PathBuf,
    /// The transformer's folder, from the root.
    folder: PathBuf,
    /// Whether there is no `modules.json`.
    is_plain: bool,
}

impl Base {
    /// Finds the transformer in a directory.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Untrainable`] for a `modules.json` that is none.
    pub fn open(root: &Path) -> Result<Base, Error> {
        let path = root.join("modules.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Base { root: root.to_owned(), folder: PathBuf::new(), is_plain: true });
            }
            Err(source) => return Err(Error::Read { path, source }),
        };
        let modules: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match modules[0]["path"].as_str() {
            Some(folder) => {
                Ok(Base { root: root.to_owned(), folder: folder.into(), is_plain: false })
            }
            None => Err(Error::Untrainable { path, reason: "it lists no modules".to_owned() }),
        }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory's name; that of the model if it is in the cache of Hugging Face,
    /// `models--ORGANISATION--MODEL/snapshots/REVISION`.
    pub fn name(&self) -> String {
        let root = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        let names = || root.iter().rev().map(|name| name.to_string_lossy());
        let cached = names()
            .nth(2)
            .and_then(|name| name.strip_prefix("models--").map(|name| name.replace("--", "/")));
        cached.or_else(|| names().next().map(|name| name.into_owned())).unwrap_or_default()
    }

    /// The file of the weights.
    pub fn weights(&self) -> PathBuf {
        self.weights_in(&self.root)
    }

    /// SHA-256 of the file of the weights.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn digest(&self) -> Result<String, Error> {
        digest(&self.weights())
    }

    /// The model's dropout: after linear layers, and of attention's shares.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn dropout(&self) -> Result<(f32, f32), Error> {
        let config = read_file(&self.root.join(&self.folder).join("config.json"))?;
        let config: Value = serde_json::from_slice(&config).unwrap_or_default();
        let of = |name: &str| config[name].as_f64().unwrap_or(0.1) as f32; // as in BertConfig
        Ok((of("hidden_dropout_prob"), of("attention_probs_dropout_prob")))
    }

    /// The file of the weights in another directory of the same layout.
    pub(crate) fn weights_in(&self, root: &Path) -> PathBuf {
        root.join(&self.folder).join("model.safetensors")
    }

    /// Writes the model as it is into another directory.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Write`].
    pub fn copy_to(&self, to: &Path) -> Result<(), Error> {
        self.write(std::iter::empty(), to)
    }

    /// Writes the model with the tensors of a network into `to`.
    pub(crate) fn write<'a>(
        &self,
        trained: impl Iterator<Item = Tensor<'a>>,
        to: &Path,
    ) -> Result<(), Error> {
        let folder = to.join(&self.folder);
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let mut trained = trained.peekable();
        let is_trained = trained.peek().is_some();
        self.write_weights(trained, &folder.join("model.safetensors"))?;
        let mut files = self.settings()?;
        let config = files.remove(&self.folder.join("config.json"));
        for (name, bytes) in files {
            write_file(&to.join(name), &bytes)?;
        }
        let config = config.unwrap_or_default();
        let config = if is_trained { as_f32(config) } else { config };
        write_file(&folder.join("config.json"), &config)
    }

    fn write_weights<'a>(
        &self,
        trained: impl Iterator<Item = Tensor<'a>>,
        path: &Path,
    ) -> Result<(), Error> {
        let base_path = self.weights();
        let base = Mapped::open(&base_path)
            .map_err(|source| Error::Read { path: base_path.clone(), source })?;
        let unreadable = |reason| Error::Untrainable { path: base_path.clone(), reason };
        let base = tensors::read(&base).map_err(unreadable)?;
        let mut trained: BTreeMap<&str, Tensor> =
            trained.map(|tensor| (tensor.name, tensor)).collect();
        let mut entries = Vec::new();
        for (name, stored) in base.tensors() {
            entries.push(match trained.remove(today(&name).as_str()) {
                Some(tensor) => Entry::floats(&name, tensor.shape, tensor.data),
                None => Entry {
                    dtype: stored.dtype(),
                    shape: stored.shape().to_vec(),
                    bytes: stored.data().to_vec().into(),
                    name,
                },
            });
        }
        assert!(trained.is_empty(), "every tensor has its place: {:?}", trained.keys());
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let write = || {
            let mut file = BufWriter::new(Replacement::of(path)?);
            tensors::write(&mut file, &entries)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
        };
        write().map_err(failed(path))
    }

    /// The files of settings, by their path from the root.
    fn settings(&self) -> Result<BTreeMap<PathBuf, Vec<u8>>, Error> {
        let mut files = BTreeMap::new();
        let mut folders = vec![PathBuf::new(), self.folder.clone()];
        folders.extend(self.module_folders()?);
        for folder in folders {
            let path = self.root.join(&folder);
            let unreadable = |source| Error::Read { path: path.clone(), source };
            let entries = match fs::read_dir(&path) {
                // As of Normalize.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(unreadable)?,
            };
            for entry in entries {
                let entry = entry.map_err(unreadable)?;
                let (name, path) = (PathBuf::from(entry.file_name()), entry.path());
                let extension = name.extension().and_then(|extension| extension.to_str());
                let is_setting = extension.is_some_and(|extension| SETTINGS.contains(&extension));
                let is_own = NOT_COPIED.iter().any(|other| name.as_os_str() == *other);
                if is_setting && !is_own && path.is_file() {
                    files.insert(folder.join(name), read_file(&path)?);
                }
            }
        }
        if self.is_plain {
            files.extend(self.modules(&files));
        }
        Ok(files)
    }

    fn module_folders(&self) -> Result<Vec<PathBuf>, Error> {
        if self.is_plain {
            return Ok(Vec::new());
        }
        let modules = read_file(&self.root.join("modules.json"))?;
        let modules: Vec<Value> = serde_json::from_slice(&modules).unwrap_or_default();
        let folders = modules.iter().filter_map(|module| module["path"].as_str());
        Ok(folders.filter(|folder| !folder.is_empty()).map(PathBuf::from).collect())
    }

    /// What makes a plain BERT a sentence-transformers model.
    fn modules(&self, files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<(PathBuf, Vec<u8>)> {
        let config = files.get(Path::new("config.json")).map_or(&b""[..], |bytes| bytes);
        let config: Value = serde_json::from_slice(config).unwrap_or_default();
        let module = |i: usize, path: &str, kind: &str| {
            let kind = format!("sentence_transformers.models.{kind}");
            json!({ "idx": i, "name": i.to_string(), "path": path, "type": kind })
        };
        let modules = json!([
            module(0, "", "Transformer"),
            module(1, "1_Pooling", "Pooling"),
            module(2, "2_Normalize", "Normalize"),
        ]);
        let pooling = json!({
            "word_embedding_dimension": config["hidden_size"],
            "pooling_mode_cls_token": false,
            "pooling_mode_mean_tokens": true,
            "pooling_mode_max_tokens": false,
            "pooling_mode_mean_sqrt_len_tokens": false,
        });
        let limit = json!({
            "max_seq_length": config["max_position_embeddings"],
            "do_lower_case": false,
        });
        let file = |name: &str, json: Value| (PathBuf::from(name), pretty(&json).into_bytes());
        vec![
            file("modules.json", modules),
            file("1_Pooling/config.json", pooling),
            file("sentence_bert_config.json", limit),
        ]
    }
}

/// A tensor's name as the network has it: without `bert.`, and with the names that LayerNorm's
/// parameters have had since TensorFlow.
fn today(name: &str) -> String {
    let name = name.strip_prefix("bert.").unwrap_or(name);
    let name = name.replace("LayerNorm.gamma", "LayerNorm.weight");
    name.replace("LayerNorm.beta", "LayerNorm.bias")
}

/// A configuration of weights in `f32`, whatever the base's were.
fn as_f32(config: Vec<u8>) -> Vec<u8> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&config) else { return config };
    let half = |name: &&str| fields.get(*name).is_some_and(|kind| kind != "float32");
    let names: Vec<&str> =
        ["torch_dtype", "dtype"].iter().filter(|name| half(name)).copied().collect();
    if names.is_empty() {
        return config;
    }
    for name in names {
        fields.insert(name.to_owned(), "float32".into());
    }
    pretty(&Value::Object(fields)).into_bytes()
}

pub(crate) fn pretty(json: &Value) -> String {
    format!("{json:#}\n")
}

/// Writes a file that appears when it is complete.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = Replacement::of(path)?;
        file.write_all(bytes)?;
        file.finish()
    };
    write().map_err(failed(path))
}

fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// SHA-256 of a file.
pub(crate) fn digest(path: &Path) -> Result<String, Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let mut hash = Sha256::new();
    io::copy(&mut fs::File::open(path).map_err(read)?, &mut hash).map_err(read)?;
    Ok(hex(&hash.finalize()))
}

/// As an error of writing `path` is told.
pub(crate) fn failed(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path: path.clone(), source }
}
