//! The weights of a module, in whichever form they are stored.
//!
//! ```text
//! model.safetensors                all of them
//! model.safetensors.index.json     which of several files has which tensor
//! pytorch_model.bin, …             forms that are not read: the error says what mends it
//! ```

use super::Source;
use crate::{
    Error,
    directory::{field, is_inside, read_json},
};
use minilm_model::{Checkpoint, Error as ModelError};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

/// Other forms in which transformers and its relatives have written weights.
const OTHERS: [(&str, &str); 10] = [
    ("pytorch_model.bin", "a pickle of PyTorch"),
    ("pytorch_model.bin.index.json", "pickles of PyTorch"),
    ("tf_model.h5", "a file of TensorFlow"),
    ("flax_model.msgpack", "a file of Flax"),
    ("rust_model.ot", "a file of libtorch"),
    ("onnx/model.onnx", "an ONNX graph"),
    ("model.onnx", "an ONNX graph"),
    ("openvino/openvino_model.xml", "an OpenVINO graph"),
    ("openvino_model.xml", "an OpenVINO graph"),
    ("adapter_model.safetensors", "an adapter, which needs its base model"),
];

/// `model.safetensors.index.json`.
#[derive(Deserialize)]
struct Shards {
    weight_map: BTreeMap<String, String>,
}

impl Source {
    /// The weights in `folder`: taken out, so that they need not be copied.
    pub(crate) fn take_weights(&mut self, folder: &Path) -> Result<Checkpoint, Error> {
        let path = folder.join("model.safetensors");
        if self.has(&path) {
            return self.take_checkpoint(&path);
        }
        let index = folder.join("model.safetensors.index.json");
        if let Some(Shards { weight_map }) = read_json(self, &index)? {
            return self.take_shards(folder, &index, weight_map);
        }
        let other = OTHERS.iter().find(|(name, _)| self.has(&folder.join(name)));
        Err(match other {
            Some(&(found, form)) => {
                Error::Weights { folder: folder.to_owned(), found: found.to_owned(), form }
            }
            None => missing(path),
        })
    }

    fn take_shards(
        &mut self,
        folder: &Path,
        index: &Path,
        weight_map: BTreeMap<String, String>,
    ) -> Result<Checkpoint, Error> {
        let names: BTreeSet<String> = weight_map.into_values().collect();
        let mut whole: Option<Checkpoint> = None;
        for name in names {
            if !is_inside(&name) {
                return field(index, "weight_map", format!("{name:?} is not in the directory"));
            }
            let shard = self.take_checkpoint(&folder.join(&name))?;
            whole = Some(match whole {
                Some(whole) => whole.join(shard),
                None => shard,
            });
        }
        match whole {
            Some(whole) => Ok(whole),
            None => field(index, "weight_map", "it names no file".to_owned()),
        }
    }

    fn take_checkpoint(&mut self, path: &Path) -> Result<Checkpoint, Error> {
        Ok(match self {
            Source::Directory(_) => Checkpoint::open(path)?,
            Source::Bytes(files) => match files.take(path) {
                Some(bytes) => Checkpoint::from_bytes(bytes, path)?,
                None => return Err(missing(path.to_owned())),
            },
        })
    }
}

/// The files that a `model.safetensors.index.json` names, in order; `None` if it is not one.
pub(crate) fn shards(json: &[u8]) -> Option<BTreeSet<String>> {
    let Shards { weight_map } = serde_json::from_slice(json).ok()?;
    Some(weight_map.into_values().filter(|name| is_inside(name)).collect())
}

/// Why a file is not read that is not there, in a directory or among bytes.
pub(crate) fn no_such_file() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "there is no such file")
}

/// The error of a file that the encoder cannot do without.
pub(crate) fn missing(path: PathBuf) -> Error {
    ModelError::Read { path, source: no_such_file() }.into()
}
