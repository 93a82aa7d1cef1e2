//! The errors of a model, each with the file and the field or tensor.
//!
//! In the book: `docs/01-model.md`.

use crate::Precision;
use minilm_kernels::memory::OutOfMemory;
use std::{io, path::PathBuf};

/// The error of loading a checkpoint or of running a batch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A JSON file is not a valid configuration.
    #[error("{} is not a valid model configuration", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's reason, with line and column.
        source: serde_json::Error,
    },
    /// A field of the configuration has a value that this crate cannot run.
    #[error("{}: field {field} is {value}, but {wanted}", path.display())]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// The field's name.
        field: &'static str,
        /// The value found.
        value: String,
        /// The values that would be accepted.
        wanted: String,
    },
    /// The safetensors header is truncated, not JSON, or contradicts the file's size.
    #[error("{} is not a valid safetensors file", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file is something else than its name says.
    #[error("{} is {kind}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The kind of file that it is, and what to do.
        kind: &'static str,
    },
    /// The checkpoint lacks a tensor.
    #[error("{}: there is no tensor {tensor}", path.display())]
    MissingTensor {
        /// The safetensors file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
    },
    /// A tensor's shape contradicts the configuration.
    #[error(
        "{}: tensor {tensor} has shape {found:?}, but by config.json it is {expected:?}",
        path.display()
    )]
    Shape {
        /// The safetensors file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// The shape that the configuration asks for.
        expected: Vec<usize>,
    },
    /// A tensor is stored in a type that is not supported.
    #[error("{}: tensor {tensor} is {found}, but only F64, F32, F16 and BF16 are \
        supported", path.display())]
    Dtype {
        /// The safetensors file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// The type in the file.
        found: String,
    },
    /// Another precision is asked for than that of the checkpoint.
    #[error(
        "{}: the weights are {found}, not {wanted}: ask for {found}, or write them as f32 with \
         `minilm quantize-model --dequantize`",
        path.display()
    )]
    Precision {
        /// The safetensors file.
        path: PathBuf,
        /// That of the file.
        found: Precision,
        /// That which is asked for.
        wanted: Precision,
    },
    /// Rounded weights, or their metadata, are not as this version writes them.
    #[error("{}: {found} is not what can be read here; the original weights can be rounded with \
        `minilm quantize-model`", path.display())]
    Form {
        /// The safetensors file.
        path: PathBuf,
        /// What it has.
        found: String,
    },
    /// A rounded weight, or a scale, has a value that rounding does not give.
    #[error(
        "{}: tensor {tensor} holds {value} at element {index}, which rounding never gives",
        path.display()
    )]
    Rounded {
        /// The safetensors file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// The element's number, row-major.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A weight is NaN or infinite.
    #[error("{}: tensor {tensor} holds {value} at element {index}", path.display())]
    NotFinite {
        /// The safetensors file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// The element's number, row-major.
        index: usize,
        /// The value.
        value: f32,
    },
    /// The system has no memory for the packed weights.
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
    /// A token id is not in the vocabulary.
    #[error("token id {id} is outside of the vocabulary of {vocabulary}")]
    TokenId {
        /// The id.
        id: u32,
        /// `vocab_size`.
        vocabulary: usize,
    },
    /// A sentence has more tokens than the model has positions.
    #[error("a sentence of {tokens} tokens is longer than the model's {positions} positions")]
    TooLong {
        /// Its length.
        tokens: usize,
        /// `max_position_embeddings`.
        positions: usize,
    },
}
