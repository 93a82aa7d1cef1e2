//! Text in, embeddings out.

mod explain;
mod forward;
mod open;
mod results;
mod space;
mod trace;

pub use explain::Explanation;
pub use results::{Encoded, TokenEmbeddings};
pub use trace::{Tensor, Trace};

use crate::{
    Builder, EncodeIter, Error, ModelFiles, Progress, TokenCount, TokenizedText, Truncation,
    builder::OnProgress, crew::Crew, schedule, threads::Threads, tokenize::TextTokenizer,
};
use forward::{Normalize, Workspace};
use minilm_kernels::Level;
use minilm_model::Bert;
use minilm_pooling::Pooling;
use ndarray::{Array1, Array2};
use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Texts whose token ids are held at once. Many packs for each thread, and a few MiB at the most.
const WINDOW: usize = 4096;

/// Bytes of text that one thread tokenises in about the time that it takes to wake another and wait
/// for it.
const FEW_BYTES: usize = 512;

/// A sentence-embedding model, ready to use from any number of threads at once.
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
pub struct SentenceEncoder {
    bert: Arc<Bert>,
    pub(crate) tokenizer: TextTokenizer,
    pooling: Pooling,
    normalize: Normalize,
    dimension: usize,
    truncation: Truncation,
    threads: Threads,
    on_progress: Option<OnProgress>,
    /// One for each thread that was ever in a forward pass at the same time.
    workspaces: Mutex<Vec<Workspace>>,
    crew: Crew,
}

impl SentenceEncoder {
    /// Loads a model from a directory as sentence-transformers writes it, with default options.
    ///
    /// The weights are memory-mapped: the file must not be changed while the encoder is in use.
    ///
    /// # Errors
    /// A file that is missing, unreadable, or contradicts the others.
    pub fn load(directory: impl AsRef<Path>) -> Result<SentenceEncoder, Error> {
        SentenceEncoder::builder().load(directory)
    }

    /// Loads a model from bytes that the program has anyway, with default options: see
    /// [`ModelFiles`].
    ///
    /// # Errors
    /// As [`SentenceEncoder::load`].
    pub fn from_bytes(files: ModelFiles) -> Result<SentenceEncoder, Error> {
        SentenceEncoder::builder().load_bytes(files)
    }

    /// Loads a model by its name from the cache of Hugging Face, with default options: see
    /// [`Hub`](crate::Hub).
    ///
    /// The network is not used, unless minilm is built with the feature `download` and the model is
    /// not in the cache.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::from_hub("sentence-transformers/all-MiniLM-L6-v2")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Builder::load_from_hub`].
    pub fn from_hub(name: &str) -> Result<SentenceEncoder, Error> {
        SentenceEncoder::builder().load_from_hub(name)
    }

    /// Options: threads, level, normalisation, truncation, progress.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The embeddings of `texts`: `[texts, dimension]`, in their order.
    ///
    /// Exact duplicates are computed once. An empty slice gives an empty array.
    ///
    /// # Errors
    /// A text that is too long, if the encoder was built with [`Truncation::Error`]; one without
    /// any token, if the tokenizer puts none around a text.
    pub fn encode<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Array2<f32>, Error> {
        Ok(self.encode_with_counts(texts)?.embeddings)
    }

    /// The embedding of one text: `[dimension]`. The encoder's threads share the work, if they are
    /// free.
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode`].
    pub fn encode_one(&self, text: &str) -> Result<Array1<f32>, Error> {
        let embeddings = self.encode(&[text])?;
        Ok(embeddings.row(0).to_owned())
    }

    /// As [`SentenceEncoder::encode`], with the tokens used and dropped of each text.
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode`].
    pub fn encode_with_counts<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Encoded, Error> {
        let distinct = schedule::distinct(texts);
        let mut embeddings = Array2::zeros((texts.len(), self.dimension));
        let mut counts = vec![TokenCount::default(); texts.len()];
        let done = AtomicUsize::new(texts.len() - distinct.first.len());

        for window in distinct.first.chunks(WINDOW) {
            let tokenized = self.tokenize_all(texts, window)?;
            let ids: Vec<&[u32]> = tokenized.iter().map(|text| text.ids.as_slice()).collect();
            let report = |texts_done| {
                let done = texts_done + done.fetch_add(texts_done, Ordering::Relaxed);
                if let Some(report) = &self.on_progress {
                    report(Progress { done, total: texts.len() });
                }
            };
            let encoded = self.encode_ids(&ids, report, |i, vector| {
                embeddings.row_mut(window[i]).assign(&vector);
                counts[window[i]] = tokenized[i].count();
            });
            encoded.map_err(|error| error.at(|i| window[i]))?;
        }
        for (i, &of) in distinct.of.iter().enumerate() {
            let first = distinct.first[of];
            if first != i {
                let embedding = embeddings.row(first).to_owned();
                embeddings.row_mut(i).assign(&embedding);
                counts[i] = counts[first];
            }
        }
        Ok(Encoded { embeddings, counts })
    }

    /// The embeddings of a stream of texts, in their order, in memory that does not grow with the
    /// stream.
    ///
    /// Texts are read ahead, one at first and more and more up to about a thousand or a MiB. After
    /// an error the iterator ends.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// for result in encoder.encode_iter("first line\nsecond line".lines()) {
    ///     let sentence = result?;
    ///     println!("{}: {} tokens, {:?}", sentence.text, sentence.tokens, sentence.embedding);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn encode_iter<I>(&self, texts: I) -> EncodeIter<'_, I::IntoIter>
    where
        I: IntoIterator<Item: AsRef<str> + Sync>,
    {
        EncodeIter::new(self, texts.into_iter())
    }

    /// One vector for each token of `text`: the encoder's last hidden state, before pooling.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let text = encoder.token_embeddings("Embeddings!")?;
    /// assert_eq!(text.tokens, ["[CLS]", "em", "##bed", "##ding", "##s", "!", "[SEP]"]);
    /// assert_eq!(text.embeddings.dim(), (7, 384));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode`].
    pub fn token_embeddings(&self, text: &str) -> Result<TokenEmbeddings, Error> {
        let TokenizedText { ids, dropped } = self.tokenize(text)?;
        let tokens = ids.iter().map(|&id| self.tokenizer.token(id)).collect();
        let embeddings = self.forward([ids.as_slice()].into_iter(), true, |_, hidden| {
            let rows = (0..hidden.rows()).flat_map(|i| hidden.row(i)).copied();
            Array2::from_shape_vec((hidden.rows(), hidden.cols()), rows.collect())
                .expect("rows × cols values")
        })?;
        if embeddings.iter().any(|x: &f32| !x.is_finite()) {
            return Err(Error::NotFinite { index: 0 });
        }
        Ok(TokenEmbeddings { embeddings, tokens, ids, dropped })
    }

    /// The token ids of `text` as the model reads them.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// assert_eq!(encoder.tokenize("Hello")?.ids, [101, 7592, 102]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode`].
    pub fn tokenize(&self, text: &str) -> Result<TokenizedText, Error> {
        self.tokenize_at(0, text)
    }

    /// How many tokens of `text` the model reads, and how many it would drop. Never fails for being
    /// too long.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn count_tokens(&self, text: &str) -> Result<TokenCount, Error> {
        let tokenized =
            self.tokenizer.tokenize(text).map_err(|reason| Error::Tokenize { index: 0, reason })?;
        Ok(tokenized.count())
    }

    /// Length of an embedding.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The longest text that is read whole, in tokens, `[CLS]` and `[SEP]` among them.
    pub fn max_tokens(&self) -> usize {
        self.tokenizer.limit()
    }

    /// The instruction set that is used.
    pub fn level(&self) -> Level {
        self.bert.level()
    }

    /// The encoder inside, for a look at its intermediate tensors.
    pub fn model(&self) -> &Bert {
        &self.bert
    }

    fn tokenize_all<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        which: &[usize],
    ) -> Result<Vec<TokenizedText>, Error> {
        let tokenize = |&i: &usize| self.tokenize_at(i, texts[i].as_ref());
        let bytes: usize = which.iter().map(|&i| texts[i].as_ref().len()).sum();
        if bytes <= FEW_BYTES {
            return which.iter().map(tokenize).collect();
        }
        self.threads.map(which, tokenize).into_iter().collect()
    }

    fn tokenize_at(&self, index: usize, text: &str) -> Result<TokenizedText, Error> {
        let tokenized =
            self.tokenizer.tokenize(text).map_err(|reason| Error::Tokenize { index, reason })?;
        if tokenized.ids.is_empty() {
            return Err(Error::no_tokens(index));
        }
        if tokenized.dropped > 0 && self.truncation == Truncation::Error {
            let tokens = tokenized.ids.len() + tokenized.dropped;
            return Err(Error::TooLong { index, tokens, limit: self.max_tokens() });
        }
        Ok(tokenized)
    }
}

impl fmt::Debug for SentenceEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentenceEncoder")
            .field("config", self.bert.config())
            .field("level", &self.bert.level())
            .field("max_tokens", &self.max_tokens())
            .field("pooling", &self.pooling)
            .field("normalize", &self.normalize)
            .field("dimension", &self.dimension)
            .field("truncation", &self.truncation)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}
