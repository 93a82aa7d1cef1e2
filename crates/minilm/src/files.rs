//! The sources of a model's files: a directory, or bytes that the program holds already.
//!
//! In the book: `docs/00-map.md`.

mod place;
mod weights;

pub(crate) use weights::{missing, no_such_file, shards};

use crate::Error;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt, fs, io,
    path::{Component, Path, PathBuf},
};

/// A model's files as bytes, under the names that they have in its directory.
///
/// It needs `config.json`, `model.safetensors` and `tokenizer.json` (or `vocab.txt`); what else the
/// directory has of `modules.json`, `1_Pooling/config.json`, `sentence_bert_config.json`,
/// `config_sentence_transformers.json`, `tokenizer_config.json`, `special_tokens_map.json` and
/// `added_tokens.json` belongs to the model too: without it the same weights give other vectors.
///
/// Weights that are `'static`, as those of [`include_bytes!`], are not copied as a whole: the word
/// embeddings are read where they are, if the bytes begin at a multiple of four, and the rest is
/// packed once. Anywhere else works, with a copy of the word embeddings. A constant begins at a
/// multiple of four if its type says so:
///
/// ```
/// use minilm::{ModelFiles, SentenceEncoder};
///
/// #[repr(C, align(64))]
/// struct Aligned<T: ?Sized>(T);
///
/// /// A file of the model, as part of the program.
/// macro_rules! model_file {
///     ($name:literal) => {
///         include_bytes!(concat!(
///             env!("CARGO_MANIFEST_DIR"),
///             "/weights/all-MiniLM-L6-v2/",
///             $name
///         ))
///     };
/// }
///
/// static WEIGHTS: &Aligned<[u8]> = &Aligned(*model_file!("model.safetensors"));
///
/// # fn main() -> Result<(), minilm::Error> {
/// let files = ModelFiles::new()
///     .with("model.safetensors", &WEIGHTS.0)
///     .with("config.json", model_file!("config.json").as_slice())
///     .with("tokenizer.json", model_file!("tokenizer.json").as_slice())
///     .with("tokenizer_config.json", model_file!("tokenizer_config.json").as_slice())
///     .with("modules.json", model_file!("modules.json").as_slice())
///     .with("1_Pooling/config.json", model_file!("1_Pooling/config.json").as_slice())
///     .with("sentence_bert_config.json", model_file!("sentence_bert_config.json").as_slice());
/// let encoder = SentenceEncoder::from_bytes(files)?;
/// assert_eq!(encoder.encode_one("This is an example sentence")?.len(), 384);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct ModelFiles {
    name: Option<String>,
    files: BTreeMap<String, Cow<'static, [u8]>>,
}

impl ModelFiles {
    /// No files yet.
    pub fn new() -> ModelFiles {
        ModelFiles::default()
    }

    /// Gives the model a name, by which [spaces](crate::SentenceEncoder::space) call it.
    ///
    /// ```
    /// let files = minilm::ModelFiles::new().named("all-MiniLM-L6-v2");
    /// assert_eq!(files.name(), Some("all-MiniLM-L6-v2"));
    /// ```
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> ModelFiles {
        self.name = Some(name.into());
        self
    }

    /// The name, if one was given.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Adds a file, or replaces the one of that name. Folders in the name are separated by `/`.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        bytes: impl Into<Cow<'static, [u8]>>,
    ) -> ModelFiles {
        self.files.insert(name.into(), bytes.into());
        self
    }

    /// The file of a path in whichever way it is written; `None` if there is none.
    fn get(&self, path: &Path) -> Option<&Cow<'static, [u8]>> {
        self.files.get(&key(path))
    }

    fn take(&mut self, path: &Path) -> Option<Cow<'static, [u8]>> {
        self.files.remove(&key(path))
    }
}

fn key(path: &Path) -> String {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    let parts: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

impl fmt::Debug for ModelFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.files.iter().map(|(name, bytes)| (name, bytes.len()))).finish()
    }
}

/// The place from which a model is read.
#[derive(Debug)]
pub(crate) enum Source {
    Directory(PathBuf),
    Bytes(ModelFiles),
}

impl Source {
    /// A directory that exists.
    pub(crate) fn directory(path: &Path) -> Result<Source, Error> {
        if let Some((what, model)) = place::meant(path) {
            return Err(Error::Place { path: path.to_owned(), what, model });
        }
        fs::read_dir(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Ok(Source::Directory(path.to_owned()))
    }

    /// The beginning of the files' paths.
    pub(crate) fn root(&self) -> &Path {
        match self {
            Source::Directory(path) => path,
            Source::Bytes(_) => Path::new(""),
        }
    }

    /// The file's content; `None` if there is no such file.
    pub(crate) fn read(&self, path: &Path) -> Result<Option<Cow<'_, [u8]>>, Error> {
        match self {
            Source::Bytes(files) => Ok(files.get(path).map(|bytes| Cow::Borrowed(bytes.as_ref()))),
            Source::Directory(_) => match fs::read(path) {
                Ok(bytes) => Ok(Some(Cow::Owned(bytes))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(Error::Read { path: path.to_owned(), source }),
            },
        }
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, path: &Path) -> bool {
        match self {
            Source::Directory(_) => path.is_file(),
            Source::Bytes(files) => files.get(path).is_some(),
        }
    }
}
