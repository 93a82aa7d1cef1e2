//! Text in, embeddings out.

pub use explain::Explanation;
pub use results::{Encoded, TokenEmbeddings};
pub(crate) use settings::Settings;
pub use trace::{Tensor, Trace};

use crate::{
    EncodeOptions, Error, Truncation, builder::OnProgress, helpers::Helpers, process::PerProcess,
    prompts::Prompts, threads::Threads, tokenize::TextTokenizer,
};
use forward::Workspace;
use head::Head;
use minilm_kernels::Level;
use minilm_model::{Bert, Precision};
use minilm_pooling::Pooling;
use std::{
    fmt,
    sync::{Arc, Mutex},
};

/// Bytes of text that one thread tokenises in about the time that it takes to wake another and wait
/// for it.
const FEW_BYTES: usize = 512;

/// A sentence-embedding model, ready to use from any number of threads at once.
///
/// A clone is cheap: it shares the model, and everything else, with the original.
///
/// Calls at the same time are served fairly: none waits for another. A call alone has all threads.
/// Of several, the first has the pool for some milliseconds, then the next, and each other works on
/// its caller's thread; with at least as many calls as processors, all do. This holds for callers
/// outside of a rayon pool: rayon may run a task that encodes on top of another one.
///
/// ```
/// # fn main() -> Result<(), minilm::Error> {
/// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
/// assert_eq!(encoder.dimension(), 384);
/// let embedding = encoder.encode_one("This is an example sentence")?;
/// assert!((embedding[0] - 0.067_656_9).abs() < 1e-6);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SentenceEncoder {
    bert: Arc<Bert>,
    pub(crate) tokenizer: Arc<TextTokenizer>,
    pooling: Pooling,
    head: Arc<Head>,
    prompts: Arc<Prompts>,
    /// The settings of a call without options.
    pub(crate) defaults: Settings,
    truncation: Truncation,
    threads: Arc<Threads>,
    on_progress: Option<OnProgress>,
    /// One workspace for each thread that was in a forward pass at the same time as others.
    workspaces: Arc<PerProcess<Mutex<Vec<Workspace>>>>,
    helpers: Arc<PerProcess<Helpers>>,
    #[cfg(feature = "tasks")]
    origin: Arc<space::Origin>,
}

impl SentenceEncoder {
    /// The same model with other defaults for each call.
    ///
    /// ```
    /// use minilm::{EncodeOptions, Prompt, Windows};
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let documents = encoder.with_options(&EncodeOptions::new().prompt(Prompt::Document))?;
    /// let embedding = documents.encode_long(&"A long text. ".repeat(200), Windows::new())?;
    /// # assert_eq!(embedding.len(), 384);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Options that do not fit the model.
    pub fn with_options(&self, options: &EncodeOptions) -> Result<SentenceEncoder, Error> {
        Ok(SentenceEncoder { defaults: self.settings(options)?, ..self.clone() })
    }

    /// The same model, of which each call reads at most `tokens` of a text, `[CLS]` and `[SEP]`
    /// among them.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let short = encoder.with_max_tokens(4)?;
    /// assert_eq!(short.tokenize("one two three")?.ids, encoder.tokenize("one two")?.ids);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Option`] if the model has fewer positions, or no room for a word is left.
    pub fn with_max_tokens(&self, tokens: usize) -> Result<SentenceEncoder, Error> {
        open::check_positions(tokens, self.bert.config().max_position_embeddings)?;
        let tokenizer = self.tokenizer.with_limit(tokens);
        if tokenizer.room(tokens) == 0 {
            return Err(open::no_room(tokens));
        }
        let mut encoder = SentenceEncoder { tokenizer: Arc::new(tokenizer), ..self.clone() };
        encoder.defaults.unpooled = encoder.unpooled(&encoder.defaults.prompt)?;
        Ok(encoder)
    }

    /// The same model with threads of its own, as
    /// [`threads`](crate::SentenceEncoderBuilder::threads) of the builder makes them. The weights
    /// are shared.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let alone = encoder.with_threads(1)?; // for programs that bring threads themselves
    /// assert_eq!(alone.encode_one("text")?, encoder.encode_one("text")?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Option`] for more than [`max_threads`](crate::max_threads), or if they cannot be
    /// started.
    pub fn with_threads(&self, threads: usize) -> Result<SentenceEncoder, Error> {
        let threads = Arc::new(Threads::new(Some(threads))?);
        let helpers = Arc::new(PerProcess::new(Helpers::new()));
        Ok(SentenceEncoder { threads, helpers, ..self.clone() })
    }

    /// Length of an embedding, if a call asks for no other.
    pub fn dimension(&self) -> usize {
        self.defaults.dimension
    }

    /// Length of an embedding that is not cut: the most that
    /// [`truncate_dim`](EncodeOptions::truncate_dim) takes.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let builder = minilm::SentenceEncoder::builder().truncate_dim(64);
    /// let encoder = builder.load("weights/all-MiniLM-L6-v2")?;
    /// assert_eq!((encoder.dimension(), encoder.max_dimension()), (64, 384));
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_dimension(&self) -> usize {
        self.head.width()
    }

    /// The model's prompts, names and texts. As in sentence-transformers, `query` and `document`
    /// are always among them, and empty if the model has none.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// assert!(encoder.prompts().eq([("document", ""), ("query", "")]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn prompts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.prompts.iter()
    }

    /// The prompt that is put before each text if a call asks for no other; empty if there is none.
    pub fn default_prompt(&self) -> &str {
        &self.defaults.prompt
    }

    /// The longest text that is read whole, in tokens, `[CLS]` and `[SEP]` among them.
    pub fn max_tokens(&self) -> usize {
        self.tokenizer.limit()
    }

    /// The instruction set that is used.
    pub fn level(&self) -> Level {
        self.bert.level()
    }

    /// The numbers that the linear layers compute with.
    pub fn precision(&self) -> Precision {
        self.bert.precision()
    }

    /// How token vectors become the vector of a text.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// assert_eq!(encoder.pooling().modes()[0].name(), "mean");
    /// # Ok(())
    /// # }
    /// ```
    pub fn pooling(&self) -> &Pooling {
        &self.pooling
    }

    /// The BERT encoder, for access to its intermediate tensors. Its type is not covered by
    /// semantic versioning, see [`model`](crate::model).
    pub fn model(&self) -> &Bert {
        &self.bert
    }
}

// The methods by subject. rustdoc shows them in this order, which blank lines keep.
mod load;

mod encode;

mod tokens;

mod explain;

mod trace;

#[cfg(feature = "tasks")]
mod space;

// Their parts.
mod forward;
mod head;
mod open;
mod results;
mod settings;

impl fmt::Debug for SentenceEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentenceEncoder")
            .field("config", self.bert.config())
            .field("level", &self.bert.level())
            .field("precision", &self.precision())
            .field("max_tokens", &self.max_tokens())
            .field("pooling", &self.pooling)
            .field("defaults", &self.defaults)
            .field("truncation", &self.truncation)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}
