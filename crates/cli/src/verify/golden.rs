//! PyTorch's tensors: the files that `tests/golden/README.md` describes.

use crate::error::Error;
use minilm::SentenceEncoder;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fs, path::Path};

/// All golden files that are checked.
pub(super) struct Golden {
    pub stages: Set,
    pub texts: Set,
    /// The steps of `stages` by name.
    tensors: Tensors,
    /// The versions that wrote the tensors.
    pub made_with: String,
}

/// Texts and their embeddings.
pub(super) struct Set {
    pub texts: Vec<Text>,
    /// PyTorch's, one tensor for all texts or one for each.
    pub float32: Vec<Tensor>,
    pub float64: Vec<Tensor>,
}

/// A text, its token ids, and which of its token rows are stored.
#[derive(Deserialize)]
pub(super) struct Text {
    pub text: String,
    pub ids: Vec<u32>,
    #[serde(default)]
    pub rows: Vec<usize>,
    #[serde(skip)]
    pub index: usize,
}

/// A tensor whose values are exact in `f64`.
#[derive(Clone)]
pub(super) struct Tensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

/// One step as this build computes it: the counterpart of a [`Tensor`], in its rows.
pub(super) struct Step {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// The tensors of a file by name.
struct Tensors {
    file: String,
    by_name: BTreeMap<String, Tensor>,
}

impl Golden {
    pub(super) fn read(directory: &Path) -> Result<Golden, Error> {
        let stages = texts(&directory.join("stages.json"))?;
        let texts = texts(&directory.join("texts.json"))?;
        let (tensors, made_with) = Tensors::read(&directory.join("stages.safetensors"))?;
        let (embeddings, _) = Tensors::read(&directory.join("embeddings.safetensors"))?;

        let of_stages = |kind: &str| -> Result<Vec<Tensor>, Error> {
            stages
                .iter()
                .map(|text| tensors.get(&name(kind, text, "sentence_embedding")).cloned())
                .collect()
        };
        let of_texts = |kind: &str| -> Result<Vec<Tensor>, Error> {
            let tensor = embeddings.get(&format!("{kind}.sentence_embedding"))?;
            let [rows, width] = tensor.shape[..] else {
                return Err(embeddings.shape(tensor, "[texts, H]"));
            };
            if rows != texts.len() {
                return Err(embeddings.shape(tensor, &format!("[{}, H]", texts.len())));
            }
            let rows = tensor.values.chunks(width).enumerate();
            Ok(rows
                .map(|(i, row)| {
                    Tensor::new(format!("{}[{i}]", tensor.name), vec![width], row.to_vec())
                })
                .collect())
        };
        let (stage32, stage64) = (of_stages("f32")?, of_stages("f64")?);
        let (text32, text64) = (of_texts("f32")?, of_texts("f64")?);
        Ok(Golden {
            stages: Set { texts: stages, float32: stage32, float64: stage64 },
            texts: Set { texts, float32: text32, float64: text64 },
            tensors,
            made_with,
        })
    }

    /// The tensor of `step` in `kind`, `f32` or `f64`, which has the step's shape.
    pub(super) fn tensor(&self, kind: &str, text: &Text, step: &Step) -> Result<&Tensor, Error> {
        let tensor = self.tensors.get(&name(kind, text, &step.name))?;
        if tensor.shape != step.shape {
            return Err(self.tensors.shape(tensor, &format!("{:?}", step.shape)));
        }
        Ok(tensor)
    }

    /// Checks that the model has every step of `text` that PyTorch has.
    pub(super) fn check_none_is_left(&self, text: &Text, steps: &[Step]) -> Result<(), Error> {
        let prefix = name("f32", text, "");
        let stored = self.tensors.by_name.keys().filter_map(|name| name.strip_prefix(&prefix));
        match stored.into_iter().find(|stored| steps.iter().all(|step| step.name != *stored)) {
            Some(left) => {
                Err(Error::Mismatch(format!("{}: the model has no step {left}", text.title())))
            }
            None => Ok(()),
        }
    }
}

impl Set {
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn strings(&self) -> Vec<&str> {
        self.texts.iter().map(|text| text.text.as_str()).collect()
    }
}

impl Text {
    /// The text for a message: its place and how it begins.
    pub(super) fn title(&self) -> String {
        let begin: String = self.text.chars().take(24).collect();
        let more = if begin.len() < self.text.len() { "…" } else { "" };
        format!("text {:02} {begin:?}{more}", self.index)
    }

    /// Checks that the tokenizer gives the ids of `transformers`.
    pub(super) fn check_ids(&self, encoder: &SentenceEncoder) -> Result<(), Error> {
        let ids = encoder.tokenize(&self.text)?.ids;
        if ids == self.ids {
            return Ok(());
        }
        let at = ids
            .iter()
            .zip(&self.ids)
            .position(|(a, b)| a != b)
            .unwrap_or(ids.len().min(self.ids.len()));
        let show = |ids: &[u32]| ids.get(at).map_or("absent".to_owned(), u32::to_string);
        let (here, there) = (show(&ids), show(&self.ids));
        Err(Error::Mismatch(format!(
            "{}: token id {at} is {here} here, but {there} in PyTorch",
            self.title()
        )))
    }
}

impl Tensor {
    fn new(name: String, shape: Vec<usize>, values: Vec<f64>) -> Tensor {
        Tensor { name, shape, values }
    }
}

impl Tensors {
    fn read(path: &Path) -> Result<(Tensors, String), Error> {
        let file = path.display().to_string();
        let bytes = fs::read(path).map_err(|source| Error::Read { name: file.clone(), source })?;
        let wrong =
            |reason: String| Error::Golden(format!("{file} is not a golden file: {reason}"));
        let (_, header) =
            SafeTensors::read_metadata(&bytes).map_err(|error| wrong(error.to_string()))?;
        let made_with = header.metadata().as_ref().and_then(|metadata| metadata.get("made_with"));
        let made_with = made_with.map(|json| versions(json)).unwrap_or_default();

        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
        let mut by_name = BTreeMap::new();
        for (name, view) in tensors.iter() {
            let values = match view.dtype() {
                Dtype::F32 => view
                    .data()
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&x| f64::from(f32::from_le_bytes(x)))
                    .collect(),
                Dtype::F64 => {
                    view.data().as_chunks().0.iter().map(|&x| f64::from_le_bytes(x)).collect()
                }
                other => return Err(wrong(format!("tensor {name} is {other:?}"))),
            };
            by_name.insert(
                name.to_owned(),
                Tensor::new(name.to_owned(), view.shape().to_vec(), values),
            );
        }
        Ok((Tensors { file, by_name }, made_with))
    }

    fn get(&self, name: &str) -> Result<&Tensor, Error> {
        self.by_name
            .get(name)
            .ok_or_else(|| Error::Golden(format!("{}: there is no tensor {name}", self.file)))
    }

    fn shape(&self, tensor: &Tensor, wanted: &str) -> Error {
        Error::Golden(format!(
            "{}: tensor {} has shape {:?}, but should have {wanted}",
            self.file, tensor.name, tensor.shape
        ))
    }
}

/// `f32.03.encoder.layer.5.output`
fn name(kind: &str, text: &Text, step: &str) -> String {
    format!("{kind}.{:02}.{step}", text.index)
}

fn texts(path: &Path) -> Result<Vec<Text>, Error> {
    let mut texts: Vec<Text> = json(path)?;
    for (index, text) in texts.iter_mut().enumerate() {
        text.index = index;
        if let Some(row) = text.rows.iter().find(|&&row| row >= text.ids.len()) {
            return Err(Error::Golden(format!(
                "{}: {} has no token {row}",
                path.display(),
                text.title()
            )));
        }
    }
    if texts.is_empty() {
        return Err(Error::Golden(format!("{}: there are no texts", path.display())));
    }
    Ok(texts)
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|source| Error::Read { name: name.clone(), source })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::Golden(format!("{name} is not a golden file: {error}")))
}

/// `torch 2.9.1, transformers 5.0.0` from the JSON of `made_with`.
fn versions(json: &str) -> String {
    let made: BTreeMap<String, serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    let version = |name: &str| {
        made.get(name).and_then(|value| value.as_str()).map(|version| format!("{name} {version}"))
    };
    ["torch", "transformers"].into_iter().filter_map(version).collect::<Vec<_>>().join(", ")
}
