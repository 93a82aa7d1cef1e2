//! Options of an encoder.

use crate::{
    Error, Hub, SentenceEncoder,
    files::{ModelFiles, Source},
};
use minilm_kernels::Level;
use std::{fmt, path::Path};

/// What happens to a text that is longer than the model reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Truncation {
    /// The rest is dropped, as sentence-transformers does; how much is in the counts.
    #[default]
    Silent,
    /// It is an [`Error::TooLong`].
    Error,
}

/// How far a call of [`SentenceEncoder::encode`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Texts that have their embedding.
    pub done: usize,
    /// Texts in the call.
    pub total: usize,
}

/// Called now and then during a long call, on the thread that has just finished some texts.
pub(crate) type OnProgress = Box<dyn Fn(Progress) + Send + Sync>;

/// Makes a [`SentenceEncoder`] with other than the default options.
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
pub struct Builder {
    pub(crate) level: Level,
    pub(crate) threads: Option<usize>,
    pub(crate) normalize: Option<bool>,
    pub(crate) truncate_dim: Option<usize>,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) truncation: Truncation,
    pub(crate) on_progress: Option<OnProgress>,
    hub: Option<Hub>,
    revision: Option<String>,
}

impl Builder {
    /// The instruction set; by default the fastest of this CPU. The result has the same bits on
    /// each.
    pub fn level(mut self, level: Level) -> Builder {
        self.level = level;
        self
    }

    /// Threads that work at once: 1 stays on the calling thread, 0 is one for each CPU that the
    /// process may use.
    ///
    /// By default the work runs on the caller's rayon pool: its own if the call comes from one,
    /// else the global one. If no thread can be started for that, it stays on the calling thread.
    pub fn threads(mut self, threads: usize) -> Builder {
        self.threads = Some(threads);
        self
    }

    /// `true`: every embedding has length 1, also after [`truncate_dim`](Builder::truncate_dim).
    /// `false`: the pooled vector as it is.
    ///
    /// By default the model's own modules decide, before `truncate_dim`.
    pub fn normalize(mut self, normalize: bool) -> Builder {
        self.normalize = Some(normalize);
        self
    }

    /// Keeps the first `dimensions` of each embedding.
    pub fn truncate_dim(mut self, dimensions: usize) -> Builder {
        self.truncate_dim = Some(dimensions);
        self
    }

    /// Reads at most `tokens` of a text, `[CLS]` and `[SEP]` among them, instead of what the
    /// model's configuration says.
    pub fn max_tokens(mut self, tokens: usize) -> Builder {
        self.max_tokens = Some(tokens);
        self
    }

    /// What happens to a text that is too long.
    pub fn truncation(mut self, truncation: Truncation) -> Builder {
        self.truncation = truncation;
        self
    }

    /// Is called during [`SentenceEncoder::encode`] each time some texts are done.
    pub fn on_progress(mut self, callback: impl Fn(Progress) + Send + Sync + 'static) -> Builder {
        self.on_progress = Some(Box::new(callback));
        self
    }

    /// Loads the model from a directory as sentence-transformers writes it.
    ///
    /// # Errors
    /// A file that is missing or wrong, or an option that does not fit the model.
    pub fn load(self, directory: impl AsRef<Path>) -> Result<SentenceEncoder, Error> {
        SentenceEncoder::open(Source::directory(directory.as_ref())?, self)
    }

    /// Where [`load_from_hub`](Builder::load_from_hub) looks; by default what the environment says,
    /// [`Hub::from_env`].
    pub fn hub(mut self, hub: Hub) -> Builder {
        self.hub = Some(hub);
        self
    }

    /// Which version [`load_from_hub`](Builder::load_from_hub) loads: a commit's full hash, a
    /// branch or a tag; by default `main`.
    ///
    /// Only a hash names the same weights tomorrow.
    pub fn revision(mut self, revision: impl Into<String>) -> Builder {
        self.revision = Some(revision.into());
        self
    }

    /// Loads the model by its name from the cache of Hugging Face, see [`Hub::snapshot`].
    ///
    /// ```no_run
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::builder()
    ///     .revision("8b3219a92973c328a8e22fadcfa821b5dc75636a")
    ///     .load_from_hub("sentence-transformers/all-MiniLM-L6-v2")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Hub::snapshot`] and [`Builder::load`].
    pub fn load_from_hub(mut self, name: &str) -> Result<SentenceEncoder, Error> {
        let hub = self.hub.take().unwrap_or_else(Hub::from_env);
        let revision = self.revision.take().unwrap_or_else(|| "main".to_owned());
        self.load(hub.snapshot(name, &revision)?)
    }

    /// Loads the model from bytes that the program has anyway.
    ///
    /// # Errors
    /// As [`Builder::load`]; the files are named as they are in `files`.
    pub fn load_bytes(self, files: ModelFiles) -> Result<SentenceEncoder, Error> {
        SentenceEncoder::open(Source::Bytes(files), self)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("level", &self.level)
            .field("threads", &self.threads)
            .field("normalize", &self.normalize)
            .field("truncate_dim", &self.truncate_dim)
            .field("max_tokens", &self.max_tokens)
            .field("truncation", &self.truncation)
            .finish_non_exhaustive()
    }
}
