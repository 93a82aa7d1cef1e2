//! Texts to embeddings: all at once, or as they come.

use super::{Encoded, FEW_BYTES, SentenceEncoder, settings::Settings};
use crate::{
    EncodeIter, EncodeOptions, Error, Progress, Prompt, TokenCount, TokenizedText, Truncation,
    schedule,
};
use ndarray::{Array1, Array2};
use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicUsize, Ordering},
};

impl SentenceEncoder {
    /// The embeddings of `texts`: `[texts, dimension]`, in their order.
    ///
    /// Exact duplicates are computed once. An empty slice gives an empty array. The model's default
    /// prompt, if it has one, is put before each text.
    ///
    /// # Errors
    /// A text that is too long, if the encoder was built with [`Truncation::Error`]; one without
    /// any token, if the tokenizer puts none around a text.
    pub fn encode<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Array2<f32>, Error> {
        Ok(self.encode_all(texts, &self.defaults)?.embeddings)
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

    /// As [`SentenceEncoder::encode`], for queries of a search: with the model's prompt `query`,
    /// [`Prompt::Query`].
    ///
    /// ```
    /// use minilm::similarity;
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let queries = encoder.encode_query(&["What do people eat?"])?;
    /// let documents = encoder.encode_document(&["The sky is clear.", "A man is eating pasta."])?;
    /// let scores = similarity::matrix(queries.view(), documents.view()); // [1, 2]
    /// assert!(scores[[0, 1]] > scores[[0, 0]]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode`].
    pub fn encode_query<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Array2<f32>, Error> {
        let options = EncodeOptions::new().prompt(Prompt::Query);
        Ok(self.encode_with(texts, &options)?.embeddings)
    }

    /// As [`SentenceEncoder::encode`], for the documents of a search: with the model's prompt
    /// `document`, [`Prompt::Document`]. Texts longer than the model reads are cut;
    /// [`encode_long`](SentenceEncoder::encode_long) reads them whole.
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode`].
    pub fn encode_document<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Array2<f32>, Error> {
        let options = EncodeOptions::new().prompt(Prompt::Document);
        Ok(self.encode_with(texts, &options)?.embeddings)
    }

    /// As [`SentenceEncoder::encode`], with options of this call, and with the tokens used and
    /// dropped of each text.
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode`]; [`Error::Option`] and [`Error::Prompt`] for options that do
    /// not fit the model.
    pub fn encode_with<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        options: &EncodeOptions,
    ) -> Result<Encoded, Error> {
        self.encode_all(texts, &self.settings(options)?)
    }

    /// As [`SentenceEncoder::encode_with`], with a progress of this call, which can stop it.
    ///
    /// `progress` is called as the function of
    /// [`on_progress`](crate::SentenceEncoderBuilder::on_progress), which it replaces. Once it
    /// breaks, the batches that are being computed are finished and no other begins.
    ///
    /// ```
    /// use minilm::{EncodeOptions, Error};
    /// use std::ops::ControlFlow;
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let texts = ["one", "two"];
    /// let options = EncodeOptions::new();
    /// let stopped = encoder.encode_with_progress(&texts, &options, |_| ControlFlow::Break(()));
    /// assert!(matches!(stopped, Err(Error::Stopped)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode_with`], and [`Error::Stopped`].
    pub fn encode_with_progress<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        options: &EncodeOptions,
        progress: impl Fn(Progress) -> ControlFlow<()> + Send + Sync,
    ) -> Result<Encoded, Error> {
        self.encode_watched(texts, &self.settings(options)?, progress)
    }

    /// As [`SentenceEncoder::encode_with`], for texts that come as token ids.
    ///
    /// The ids are those of the text's words, which get the model's special tokens around them;
    /// those that have them already, as [`SentenceEncoder::tokenize`] gives them, stay as they are.
    /// The words of a prompt come before them. Tokens beyond
    /// [`max_tokens`](SentenceEncoder::max_tokens) are dropped.
    ///
    /// ```
    /// use minilm::EncodeOptions;
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let encoded = encoder.encode_ids(&[[7592, 2088]], &EncodeOptions::new())?;
    /// assert_eq!(encoded.embeddings, encoder.encode(&["Hello world"])?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode_with`]; an id that the model does not have is a
    /// [`model::Error::TokenId`](crate::model::Error::TokenId).
    pub fn encode_ids<T: AsRef<[u32]>>(
        &self,
        texts: &[T],
        options: &EncodeOptions,
    ) -> Result<Encoded, Error> {
        let settings = self.settings(options)?;
        let prompt = self.tokenizer.word_ids(&settings.prompt);
        let prompt = prompt.map_err(|reason| Error::Tokenize { index: 0, reason })?;
        let surround = |(index, ids): (usize, &T)| {
            let words = self.tokenizer.inside(ids.as_ref());
            self.accepted(index, self.tokenizer.cut(&[&prompt, words]))
        };
        let tokenized: Vec<TokenizedText> =
            texts.iter().enumerate().map(surround).collect::<Result<_, Error>>()?;
        let ids: Vec<&[u32]> = tokenized.iter().map(|text| text.ids.as_slice()).collect();
        let mut embeddings = Array2::zeros((texts.len(), settings.dimension));
        self.embed_ids(
            &settings,
            &ids,
            |_| ControlFlow::Continue(()),
            |i, vector| embeddings.row_mut(i).assign(&vector),
        )?;
        let counts = tokenized.iter().map(TokenizedText::count).collect();
        Ok(Encoded { embeddings, counts })
    }

    fn encode_all<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        settings: &Settings,
    ) -> Result<Encoded, Error> {
        self.encode_watched(texts, settings, |progress| {
            if let Some(report) = &self.on_progress {
                report(progress);
            }
            ControlFlow::Continue(())
        })
    }

    fn encode_watched<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        settings: &Settings,
        progress: impl Fn(Progress) -> ControlFlow<()> + Send + Sync,
    ) -> Result<Encoded, Error> {
        let distinct = schedule::distinct(texts);
        let mut embeddings = Array2::zeros((texts.len(), settings.dimension));
        let mut counts = vec![TokenCount::default(); texts.len()];
        let done = AtomicUsize::new(texts.len() - distinct.first.len());

        for window in schedule::windows(texts, &distinct.first) {
            let tokenized = self.tokenize_all(settings, texts, window)?;
            let ids: Vec<&[u32]> = tokenized.iter().map(|text| text.ids.as_slice()).collect();
            let report = |texts_done| {
                let done = texts_done + done.fetch_add(texts_done, Ordering::Relaxed);
                progress(Progress { done, total: texts.len() })
            };
            let encoded = self.embed_ids(settings, &ids, report, |i, vector| {
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
    /// Texts are read ahead, one at first, then more and more, up to about a thousand texts or a
    /// MiB. After an error the iterator ends.
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
        self.encode_iter_with(texts, EncodeOptions::new())
    }

    /// As [`SentenceEncoder::encode_iter`], with options for all texts.
    ///
    /// ```
    /// use minilm::EncodeOptions;
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let short = EncodeOptions::new().truncate_dim(32);
    /// for sentence in encoder.encode_iter_with(["first", "second"], short) {
    ///     assert_eq!(sentence?.embedding.len(), 32);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first item is an error if the options do not fit the model.
    pub fn encode_iter_with<I>(
        &self,
        texts: I,
        options: EncodeOptions,
    ) -> EncodeIter<'_, I::IntoIter>
    where
        I: IntoIterator<Item: AsRef<str> + Sync>,
    {
        EncodeIter::new(self, texts.into_iter(), options)
    }

    pub(super) fn tokenize_all<S: AsRef<str> + Sync>(
        &self,
        settings: &Settings,
        texts: &[S],
        which: &[usize],
    ) -> Result<Vec<TokenizedText>, Error> {
        let tokenize = |&i: &usize| self.tokenize_at(settings, i, texts[i].as_ref());
        let bytes: usize = which.iter().map(|&i| texts[i].as_ref().len()).sum();
        if bytes <= FEW_BYTES {
            return which.iter().map(tokenize).collect();
        }
        self.threads.map(which, tokenize).into_iter().collect()
    }

    pub(super) fn tokenize_at(
        &self,
        settings: &Settings,
        index: usize,
        text: &str,
    ) -> Result<TokenizedText, Error> {
        let tokenized = self.tokenizer.tokenize(&settings.prompted(text));
        let tokenized = tokenized.map_err(|reason| Error::Tokenize { index, reason })?;
        self.accepted(index, tokenized)
    }

    /// The tokens of a text, if there are any, and not more than the encoder takes.
    fn accepted(&self, index: usize, tokenized: TokenizedText) -> Result<TokenizedText, Error> {
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
