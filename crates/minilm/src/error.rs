//! The errors of loading a model and of encoding texts.

use std::{io, path::PathBuf};

/// The error of loading a model or of encoding texts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration or the weights could not be loaded.
    #[error(transparent)]
    Model(#[from] minilm_model::Error),
    /// A model could not be found by its name.
    #[error(transparent)]
    Hub(#[from] crate::HubError),
    /// A file or directory could not be read.
    #[error("cannot read {}", path.display())]
    #[non_exhaustive]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A directory or a file of it could not be written.
    #[error("cannot write {}", path.display())]
    #[non_exhaustive]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A path is not a model's directory, but another one near it is.
    #[error("{} {what}: load {}", path.display(), model.display())]
    #[non_exhaustive]
    Place {
        /// The path.
        path: PathBuf,
        /// The kind of file that it is.
        what: &'static str,
        /// The directory of a model.
        model: PathBuf,
    },
    /// The weights are there, but in a form that is not read.
    #[error("{} has no model.safetensors, only {found}, {form}; `SentenceTransformer(DIRECTORY)\
             .save_pretrained(OTHER)` of sentence-transformers writes one", folder.display())]
    #[non_exhaustive]
    Weights {
        /// The transformer's folder.
        folder: PathBuf,
        /// The file in the other form.
        found: String,
        /// The kind of file that it is.
        form: &'static str,
    },
    /// A JSON file of the model's directory is not what it should be.
    #[error("{} is not what sentence-transformers writes", path.display())]
    #[non_exhaustive]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's reason, with line and column.
        source: serde_json::Error,
    },
    /// `modules.json` asks for modules that are not supported, or in another order.
    #[error("{}: the modules are {found}, but only Transformer, Pooling and then any of Dense, \
             Normalize and Dropout are supported", path.display())]
    #[non_exhaustive]
    Modules {
        /// The file.
        path: PathBuf,
        /// The module types found, in order.
        found: String,
    },
    /// A field of a configuration file has a value that cannot be used.
    #[error("{}: field {field}: {reason}", path.display())]
    #[non_exhaustive]
    Field {
        /// The file.
        path: PathBuf,
        /// The field's name.
        field: &'static str,
        /// The reason.
        reason: String,
    },
    /// `tokenizer.json` (or `vocab.txt`) could not be loaded.
    #[error("{} is not a usable tokenizer: {reason}", path.display())]
    #[non_exhaustive]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// The tokenizer's reason.
        reason: String,
    },
    /// The tokenizer's vocabulary belongs to another model.
    #[error(
        "{}: a vocabulary of {tokenizer} tokens does not fit the {model} word embeddings of the \
         model",
        path.display()
    )]
    #[non_exhaustive]
    Vocabulary {
        /// The tokenizer's file.
        path: PathBuf,
        /// One more than the largest id of the tokenizer.
        tokenizer: usize,
        /// `vocab_size` of the model.
        model: usize,
    },
    /// The model has no prompt of that name.
    #[error("the model has no prompt {name:?}; its prompts are: {}", known.join(", "))]
    #[non_exhaustive]
    Prompt {
        /// The name asked for.
        name: String,
        /// The names of the model's prompts.
        known: Vec<String>,
    },
    /// A text could not be tokenised.
    #[error("text {index} cannot be tokenised: {reason}")]
    #[non_exhaustive]
    Tokenize {
        /// The text's number, from 0.
        index: usize,
        /// The tokenizer's reason.
        reason: String,
    },
    /// A text is longer than the model reads, and the encoder was built with
    /// [`Truncation::Error`](crate::Truncation::Error).
    #[error("text {index} has {tokens} tokens, but the model reads {limit}")]
    #[non_exhaustive]
    TooLong {
        /// The text's number, from 0.
        index: usize,
        /// Its tokens, `[CLS]` and `[SEP]` among them.
        tokens: usize,
        /// The most tokens that the model reads.
        limit: usize,
    },
    /// An embedding came out NaN or infinite: the weights are too large for `f32`.
    #[error("the embedding of text {index} is not finite")]
    #[non_exhaustive]
    NotFinite {
        /// The text's number, from 0.
        index: usize,
    },
    /// The progress of
    /// [`encode_with_progress`](crate::SentenceEncoder::encode_with_progress) has broken off.
    #[error("the call was stopped")]
    Stopped,
    /// A similarity can be split among tokens only if the sentence vector is the mean of theirs.
    #[error("only mean pooling can be explained, but this model has {found}")]
    #[non_exhaustive]
    Pooling {
        /// The model's pooling modes, and the modules behind the pooling.
        found: String,
    },
    /// An option of the builder cannot be used with this model.
    #[error("option {option}: {reason}")]
    #[non_exhaustive]
    Option {
        /// The option's name.
        option: &'static str,
        /// The reason.
        reason: String,
    },
}

impl Error {
    /// A text has no token: it has no word, and the tokenizer adds no special token.
    pub(crate) fn no_tokens(index: usize) -> Error {
        Error::Tokenize { index, reason: "it has no token".to_owned() }
    }

    /// The same error with the text's index in another list.
    pub(crate) fn at(mut self, place: impl Fn(usize) -> usize) -> Error {
        match &mut self {
            Error::Tokenize { index, .. }
            | Error::TooLong { index, .. }
            | Error::NotFinite { index } => *index = place(*index),
            _ => {}
        }
        self
    }
}
