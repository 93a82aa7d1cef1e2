//! Options of an encoder.

use crate::{
    Error, Hub, Prompt, SentenceEncoder,
    files::{ModelFiles, Source},
};
use minilm_kernels::Level;
use minilm_model::Precision;
use std::{fmt, path::Path, sync::Arc};

/// The treatment of a text that is longer than the model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Truncation {
    /// The rest is dropped, as sentence-transformers does, and the dropped tokens are counted.
    #[default]
    Silent,
    /// It is an [`Error::TooLong`].
    Error,
}

/// The progress of a call of [`SentenceEncoder::encode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Texts that have their embedding.
    pub done: usize,
    /// Texts in the call.
    pub total: usize,
}

/// Called now and then during a long call, on the thread that has just finished some texts.
pub(crate) type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// Builds a [`SentenceEncoder`] with options that differ from the defaults.
///
/// ```
/// # fn main() -> Result<(), minilm::Error> {
/// let encoder = minilm::SentenceEncoder::builder()
///     .threads(1)
///     .truncate_dim(128)
///     .normalize(true)
///     .load("weights/all-MiniLM-L6-v2")?;
/// assert_eq!(encoder.encode_one("short vectors")?.len(), 128);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct SentenceEncoderBuilder {
    pub(crate) level: Level,
    pub(crate) precision: Option<Precision>,
    pub(crate) threads: Option<usize>,
    pub(crate) normalize: Option<bool>,
    pub(crate) truncate_dim: Option<usize>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) truncation: Truncation,
    pub(crate) on_progress: Option<OnProgress>,
    hub: Option<Hub>,
    revision: Option<String>,
}

impl SentenceEncoderBuilder {
    /// The instruction set; by default the fastest of this CPU. The result has the same bits on
    /// each.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// use minilm::SentenceEncoder;
    /// let encoder = SentenceEncoder::builder()
    ///     .level("portable".parse().expect("a level"))
    ///     .load("weights/all-MiniLM-L6-v2")?;
    /// assert_eq!(encoder.level().name(), "portable");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn level(mut self, level: Level) -> SentenceEncoderBuilder {
        self.level = level;
        self
    }

    /// The numbers that the linear layers compute with; by default those of the model's file:
    /// [`F32`](Precision::F32), or [`Int8`](Precision::Int8) if [`quantize_model`] wrote it.
    ///
    /// [`Int8`](Precision::Int8) and [`Int16`](Precision::Int16) are faster and need less memory;
    /// how far their vectors are from those of `F32` is in the book, chapter 16. The weights of any
    /// model are rounded when they are loaded. Vectors of different precisions are of different
    /// [spaces](SentenceEncoder::space).
    ///
    /// [`quantize_model`]: crate::quantize_model
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// use minilm::{Precision, SentenceEncoder, similarity::cosine};
    /// let path = "weights/all-MiniLM-L6-v2";
    /// let (text, exact) = ("This is an example sentence", SentenceEncoder::load(path)?);
    /// let small = SentenceEncoder::builder().precision(Precision::Int8).load(path)?;
    /// let [a, b] = [exact.encode_one(text)?, small.encode_one(text)?];
    /// assert!(a != b && cosine(a.view(), b.view()) > 0.998);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> SentenceEncoderBuilder {
        self.precision = Some(precision);
        self
    }

    /// Threads that work at once: 1 stays on the calling thread, 0 is one for each CPU that the
    /// process may use.
    ///
    /// By default the work runs on the caller's rayon pool: its own if the call comes from one,
    /// else the global one. If no thread can be started for that, it stays on the calling thread.
    /// More than [`max_threads`](crate::max_threads) are an error of `load`.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::builder()
    ///     .threads(2)
    ///     .load("weights/all-MiniLM-L6-v2")?;
    /// assert_eq!(encoder.encode(&["one", "two"])?.nrows(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn threads(mut self, threads: usize) -> SentenceEncoderBuilder {
        self.threads = Some(threads);
        self
    }

    /// `true`: every embedding has length 1, also after truncation. `false`: the pooled vector as
    /// it is.
    ///
    /// By default the model's own modules decide, before truncation.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::builder()
    ///     .normalize(false)
    ///     .load("weights/all-MiniLM-L6-v2")?;
    /// let raw = encoder.encode_one("text")?;
    /// assert!(raw.dot(&raw) > 2.0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn normalize(mut self, normalize: bool) -> SentenceEncoderBuilder {
        self.normalize = Some(normalize);
        self
    }

    /// Keeps the first `dimensions` values of each embedding; by default as many as `truncate_dim`
    /// of the model's `config_sentence_transformers.json` says, or else all.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::builder()
    ///     .truncate_dim(64)
    ///     .load("weights/all-MiniLM-L6-v2")?;
    /// assert_eq!(encoder.dimension(), 64);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn truncate_dim(mut self, dimensions: usize) -> SentenceEncoderBuilder {
        self.truncate_dim = Some(dimensions);
        self
    }

    /// The prompt that is put before each text if a call asks for no other. By default it is the
    /// model's `default_prompt_name`.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// use minilm::{Prompt, SentenceEncoder};
    /// let encoder = SentenceEncoder::builder()
    ///     .prompt(Prompt::Query)
    ///     .load("weights/all-MiniLM-L6-v2")?;
    /// assert_eq!(encoder.default_prompt(), ""); // this model has none
    /// let prompt = Prompt::Named("clustering".to_owned());
    /// let error = SentenceEncoder::builder()
    ///     .prompt(prompt)
    ///     .load("weights/all-MiniLM-L6-v2").unwrap_err();
    /// assert!(error.to_string().ends_with("its prompts are: document, query"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn prompt(mut self, prompt: Prompt) -> SentenceEncoderBuilder {
        self.prompt = Some(prompt);
        self
    }

    /// Reads at most `tokens` of a text, `[CLS]` and `[SEP]` among them, instead of what the
    /// model's configuration says.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::builder()
    ///     .max_tokens(5)
    ///     .load("weights/all-MiniLM-L6-v2")?;
    /// assert_eq!(encoder.count_tokens("one two three four five")?.dropped, 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn max_tokens(mut self, tokens: usize) -> SentenceEncoderBuilder {
        self.max_tokens = Some(tokens);
        self
    }

    /// The treatment of a text that is too long.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// use minilm::{Error, SentenceEncoder, Truncation};
    /// let encoder = SentenceEncoder::builder()
    ///     .truncation(Truncation::Error)
    ///     .load("weights/all-MiniLM-L6-v2")?;
    /// let error = encoder.encode_one(&"word ".repeat(300)).unwrap_err();
    /// assert!(matches!(error, Error::TooLong { tokens: 302, limit: 256, .. }));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn truncation(mut self, truncation: Truncation) -> SentenceEncoderBuilder {
        self.truncation = truncation;
        self
    }

    /// A function that is called during [`SentenceEncoder::encode`] each time some texts are done.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::builder()
    ///     .on_progress(|progress| eprintln!("{} of {} texts", progress.done, progress.total))
    ///     .load("weights/all-MiniLM-L6-v2")?;
    /// encoder.encode(&["one", "two"])?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on_progress(
        mut self,
        callback: impl Fn(Progress) + Send + Sync + 'static,
    ) -> SentenceEncoderBuilder {
        self.on_progress = Some(Arc::new(callback));
        self
    }

    /// Loads the model from a directory as sentence-transformers writes it.
    ///
    /// # Errors
    /// A file that is missing or wrong, or an option that does not fit the model.
    ///
    /// # Panics
    /// If the system has no memory left for the weights, as a `Vec` does.
    pub fn load(self, directory: impl AsRef<Path>) -> Result<SentenceEncoder, Error> {
        SentenceEncoder::open(Source::directory(directory.as_ref())?, self)
    }

    /// The cache in which [`from_hub`](SentenceEncoderBuilder::from_hub) looks; by default the one
    /// that the environment names, [`Hub::from_env`].
    ///
    /// ```no_run
    /// # fn main() -> Result<(), minilm::Error> {
    /// use minilm::{Hub, SentenceEncoder};
    /// let encoder = SentenceEncoder::builder()
    ///     .hub(Hub::new("models"))
    ///     .from_hub("sentence-transformers/all-MiniLM-L6-v2")?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn hub(mut self, hub: Hub) -> SentenceEncoderBuilder {
        self.hub = Some(hub);
        self
    }

    /// The version that [`from_hub`](SentenceEncoderBuilder::from_hub) loads: a commit's full hash,
    /// a branch or a tag; by default `main`.
    ///
    /// Only a hash names the same weights tomorrow.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::builder()
    ///     .revision("8b3219a92973c328a8e22fadcfa821b5dc75636a")
    ///     .from_hub("sentence-transformers/all-MiniLM-L6-v2")?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn revision(mut self, revision: impl Into<String>) -> SentenceEncoderBuilder {
        self.revision = Some(revision.into());
        self
    }

    /// Loads the model by its name from the cache of Hugging Face, see [`Hub::snapshot`].
    ///
    /// ```no_run
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::builder()
    ///     .revision("8b3219a92973c328a8e22fadcfa821b5dc75636a")
    ///     .from_hub("sentence-transformers/all-MiniLM-L6-v2")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Hub::snapshot`] and [`SentenceEncoderBuilder::load`].
    pub fn from_hub(mut self, name: &str) -> Result<SentenceEncoder, Error> {
        let hub = self.hub.take().unwrap_or_else(Hub::from_env);
        let revision = self.revision.take().unwrap_or_else(|| "main".to_owned());
        self.load(hub.snapshot(name, &revision)?)
    }

    /// Loads the model from bytes that the program holds already.
    ///
    /// # Errors
    /// As [`SentenceEncoderBuilder::load`]; the files are named as they are in `files`.
    pub fn from_bytes(self, files: ModelFiles) -> Result<SentenceEncoder, Error> {
        SentenceEncoder::open(Source::Bytes(files), self)
    }
}

impl fmt::Debug for SentenceEncoderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentenceEncoderBuilder")
            .field("level", &self.level)
            .field("precision", &self.precision)
            .field("threads", &self.threads)
            .field("normalize", &self.normalize)
            .field("truncate_dim", &self.truncate_dim)
            .field("prompt", &self.prompt)
            .field("max_tokens", &self.max_tokens)
            .field("truncation", &self.truncation)
            .finish_non_exhaustive()
    }
}
