//! Encoding a stream of texts in bounded memory.

use crate::{EncodeOptions, Error, SentenceEncoder};
use ndarray::Array1;
use std::iter::Fuse;

/// Most texts read ahead: enough to keep every thread busy, few enough to hold.
const WINDOW: usize = 1024;
/// Bytes of text after which no more are read ahead.
const BYTES: usize = 1 << 20;

/// One result of [`SentenceEncoder::encode_iter`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SentenceEmbedding<S> {
    /// The text, as it came in.
    pub text: S,
    /// Its embedding.
    pub embedding: Array1<f32>,
    /// Tokens that the model read, `[CLS]` and `[SEP]` among them.
    pub tokens: usize,
    /// Tokens beyond the model's limit.
    pub dropped: usize,
}

/// The iterator of [`SentenceEncoder::encode_iter`].
#[derive(Debug)]
pub struct EncodeIter<'e, I: Iterator> {
    encoder: &'e SentenceEncoder,
    texts: Fuse<I>,
    options: EncodeOptions,
    taken: usize,
    window: usize,
    ready: std::vec::IntoIter<SentenceEmbedding<I::Item>>,
    failed: bool,
}

impl<'e, I: Iterator> EncodeIter<'e, I> {
    pub(crate) fn new(
        encoder: &'e SentenceEncoder,
        texts: I,
        options: EncodeOptions,
    ) -> EncodeIter<'e, I> {
        EncodeIter {
            encoder,
            texts: texts.fuse(),
            options,
            taken: 0,
            window: 1,
            ready: Vec::new().into_iter(),
            failed: false,
        }
    }
}

impl<I: Iterator<Item: AsRef<str> + Sync>> EncodeIter<'_, I> {
    /// Encodes the next window of texts, each twice as long as the one before: the first result of
    /// a slow source comes at once.
    fn refill(&mut self) -> Result<(), Error> {
        let mut texts: Vec<I::Item> = Vec::new();
        let mut bytes = 0;
        while texts.len() < self.window && bytes < BYTES {
            let Some(text) = self.texts.next() else { break };
            bytes += text.as_ref().len();
            texts.push(text);
        }
        self.window = WINDOW.min(self.window * 2);
        let encoded = self
            .encoder
            .encode_with(&texts, &self.options)
            .map_err(|error| error.at(|i| i + self.taken))?;
        self.taken += texts.len();
        let rows = encoded.embeddings.rows().into_iter().zip(encoded.counts);
        let ready: Vec<_> = texts
            .into_iter()
            .zip(rows)
            .map(|(text, (row, count))| SentenceEmbedding {
                text,
                embedding: row.to_owned(),
                tokens: count.used,
                dropped: count.dropped,
            })
            .collect();
        self.ready = ready.into_iter();
        Ok(())
    }
}

impl<I: Iterator<Item: AsRef<str> + Sync>> Iterator for EncodeIter<'_, I> {
    type Item = Result<SentenceEmbedding<I::Item>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if self.ready.len() == 0
            && let Err(error) = self.refill()
        {
            self.failed = true;
            return Some(Err(error));
        }
        self.ready.next().map(Ok)
    }
}
