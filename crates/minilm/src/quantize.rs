//! Model directories with rounded weights, and back.

use crate::{Error, directory::Directory, files::Source};
use minilm_model::Checkpoint;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How the new directory stores the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Int8,
    Floats,
}

/// The sizes of two files of weights, and what rounding has cost.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct WeightSizes {
    /// Bytes of the weights that were read.
    pub before: u64,
    /// Bytes of the weights that were written.
    pub after: u64,
    /// What the word embeddings lose, if they are rounded.
    pub words: Option<WordCosines>,
}

/// Cosines of the rounded rows of the word embeddings with those of the original.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct WordCosines {
    /// Of all rows.
    pub mean: f64,
    /// Of the row that loses most.
    pub least: f64,
}

impl WordCosines {
    fn of(cosines: &[f64]) -> Option<WordCosines> {
        let least = cosines.iter().copied().reduce(f64::min)?;
        Some(WordCosines { mean: cosines.iter().sum::<f64>() / cosines.len() as f64, least })
    }
}

/// Writes a model's directory with weights of eight bits: about a quarter of the size.
///
/// [`SentenceEncoder::load`](crate::SentenceEncoder::load) loads it like any other, with
/// [`Precision::Int8`](crate::Precision::Int8). Its vectors are the same on every machine. They
/// differ from those of the original at the same precision, because the word embeddings are rounded
/// too. Other programs do not read it; [`dequantize_model`] writes what they do.
///
/// ```
/// # fn main() -> Result<(), minilm::Error> {
/// let target = std::env::temp_dir().join(format!("minilm-int8-{}", std::process::id()));
/// let sizes = minilm::quantize_model("weights/all-MiniLM-L6-v2", &target)?;
/// assert!(sizes.after < sizes.before * 27 / 100);
/// assert!(sizes.words.is_some_and(|cosine| cosine.least > 0.999));
/// let encoder = minilm::SentenceEncoder::load(&target)?;
/// assert_eq!(encoder.precision(), minilm::Precision::Int8);
/// # std::fs::remove_dir_all(target).expect("the directory was written");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of loading the model; [`Error::Write`] if `target` is there or cannot be written; and an
/// error that names the file if its weights are rounded already. After an error `target` is not
/// there; a program that is killed leaves the part of it that was written.
pub fn quantize_model(
    model: impl AsRef<Path>,
    target: impl AsRef<Path>,
) -> Result<WeightSizes, Error> {
    rewrite(model.as_ref(), target.as_ref(), Form::Int8)
}

/// Writes a directory that [`quantize_model`] has written with weights of 32 bits, which other
/// programs read: their vectors are near to those of the integers.
///
/// # Errors
/// As [`quantize_model`], but for weights that are not rounded.
pub fn dequantize_model(
    model: impl AsRef<Path>,
    target: impl AsRef<Path>,
) -> Result<WeightSizes, Error> {
    rewrite(model.as_ref(), target.as_ref(), Form::Floats)
}

fn rewrite(model: &Path, target: &Path, form: Form) -> Result<WeightSizes, Error> {
    let mut source = Source::directory(model)?;
    let root = source.root().to_owned();
    let directory = Directory::read(&source)?;
    let folder = directory.transformer;
    let checkpoint = source.take_weights(&folder)?;
    let weights = match form {
        Form::Int8 => checkpoint.rounded(&directory.config)?,
        Form::Floats => checkpoint.widened(&directory.config)?,
    };
    let before = checkpoint.files().map(|file| file.len() as u64).sum();

    fs::create_dir(target).map_err(|source| write_error(target, source))?;
    let inside = folder.strip_prefix(&root).unwrap_or(Path::new(""));
    let path = target.join(inside).join("model.safetensors");
    let written = copy(&root, target, &folder)
        .and_then(|()| fs::write(&path, &weights).map_err(|source| write_error(&path, source)));
    if let Err(error) = written {
        let _ = fs::remove_dir_all(target); // a part of a model, which was not there before
        return Err(error);
    }
    let (after, new) = (weights.len() as u64, Checkpoint::from_bytes(weights, &path)?);
    let words = match form {
        Form::Int8 => WordCosines::of(&checkpoint.word_cosines(&new, &directory.config)?),
        Form::Floats => None,
    };
    Ok(WeightSizes { before, after, words })
}

/// Copies a directory without the weights in the transformer's folder, whatever their form, and
/// without hidden files.
fn copy(from: &Path, to: &Path, transformer: &Path) -> Result<(), Error> {
    let read_error = |source| Error::Read { path: from.to_owned(), source };
    for entry in fs::read_dir(from).map_err(read_error)? {
        let path = entry.map_err(read_error)?.path();
        let name = path.file_name().unwrap_or_default();
        let text = name.to_string_lossy();
        let target = to.join(name);
        if text.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            // Folders of other programs' weights.
            if !["onnx", "openvino", "coreml"].contains(&&*text) {
                fs::create_dir(&target).map_err(|source| write_error(&target, source))?;
                copy(&path, &target, transformer)?;
            }
        } else if from != transformer || !is_weights(&path) {
            fs::copy(&path, &target).map_err(|source| write_error(&target, source))?;
        }
    }
    Ok(())
}

/// Whether a file beside `model.safetensors` has weights, or names those that do.
fn is_weights(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let kinds = ["safetensors", "bin", "h5", "msgpack", "ot", "onnx", "pt", "pth", "ckpt"];
    name.ends_with(".index.json") || kinds.iter().any(|kind| name.ends_with(&format!(".{kind}")))
}

fn write_error(path: &Path, source: io::Error) -> Error {
    Error::Write { path: PathBuf::from(path), source }
}
