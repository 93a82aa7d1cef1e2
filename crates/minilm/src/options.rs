//! Options of one call.

/// Text that is put before each text, as a model was trained with it.
///
/// The names and their prompts are those of `config_sentence_transformers.json`, see
/// [`SentenceEncoder::prompts`](crate::SentenceEncoder::prompts). A prompt is joined to the text as
/// it is: one that ends in a space has to have it written. Its tokens count against the limit.
///
/// ```
/// use minilm::{EncodeOptions, Prompt};
/// # fn main() -> Result<(), minilm::Error> {
/// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
/// let options = EncodeOptions::new().prompt(Prompt::Text("query: ".to_owned()));
/// let encoded = encoder.encode_with(&["when does the train leave"], &options)?;
/// assert_eq!(encoded.embeddings, encoder.encode(&["query: when does the train leave"])?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prompt {
    /// The model's prompt `query`; no prompt if the model has none of that name.
    Query,
    /// The model's prompt `document`; no prompt if the model has none of that name.
    ///
    /// A model that has a prompt `passage` or `corpus` instead needs [`Prompt::Named`], as in
    /// sentence-transformers 6.
    Document,
    /// The model's prompt of this name, or [`Error::Prompt`](crate::Error::Prompt).
    Named(String),
    /// This text, whatever prompts the model has. An empty one is no prompt.
    Text(String),
}

/// Options of one call, [`SentenceEncoder::encode_with`](crate::SentenceEncoder::encode_with).
/// Options that are not set are as the encoder was built.
///
/// ```
/// use minilm::EncodeOptions;
/// # fn main() -> Result<(), minilm::Error> {
/// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
/// let options = EncodeOptions::new().truncate_dim(64).normalize(true);
/// let encoded = encoder.encode_with(&["A man is eating food."], &options)?;
/// assert_eq!(encoded.embeddings.dim(), (1, 64));
/// assert_eq!(encoded.counts[0].used, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodeOptions {
    /// See [`EncodeOptions::normalize`].
    pub normalize: Option<bool>,
    /// See [`EncodeOptions::truncate_dim`].
    pub truncate_dim: Option<usize>,
    /// See [`EncodeOptions::prompt`].
    pub prompt: Option<Prompt>,
}

impl EncodeOptions {
    /// No options: the encoder's defaults.
    pub fn new() -> EncodeOptions {
        EncodeOptions::default()
    }

    /// `true`: each embedding has length 1, also after truncation. `false`: the pooled vector as it
    /// is.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// # let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let options = minilm::EncodeOptions::new().normalize(false);
    /// let raw = encoder.encode_with(&["text"], &options)?.embeddings;
    /// assert!(raw.row(0).dot(&raw.row(0)) > 2.0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn normalize(self, normalize: bool) -> EncodeOptions {
        EncodeOptions { normalize: Some(normalize), ..self }
    }

    /// Keeps the first `dimensions` values of each embedding.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// # let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let options = minilm::EncodeOptions::new().truncate_dim(128);
    /// assert_eq!(encoder.encode_with(&["text"], &options)?.embeddings.dim(), (1, 128));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn truncate_dim(self, dimensions: usize) -> EncodeOptions {
        EncodeOptions { truncate_dim: Some(dimensions), ..self }
    }

    /// The prompt before each text.
    ///
    /// ```
    /// use minilm::{EncodeOptions, Prompt};
    /// let queries = EncodeOptions::new().prompt(Prompt::Query);
    /// assert_eq!(queries.prompt, Some(Prompt::Query));
    /// ```
    #[must_use]
    pub fn prompt(self, prompt: Prompt) -> EncodeOptions {
        EncodeOptions { prompt: Some(prompt), ..self }
    }
}
