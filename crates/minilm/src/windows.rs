//! Documents that are longer than the model reads.
//!
//! ```text
//! words   w₀ w₁ w₂ …                      of the whole document, tokenised once
//! window  i = [CLS] w[i·s .. i·s + r] [SEP]      s: stride,  r: words that fit
//! ```
//!
//! The last window is the first that reaches the document's end.
//!
//! In the book: `docs/00-map.md`.

mod lengths;

pub use lengths::Windows;

use crate::{
    Error, SentenceEncoder,
    tokenize::{Pieces, Word},
};
use ndarray::Array1;
use std::{
    collections::VecDeque,
    ops::{ControlFlow, Range},
    sync::atomic::{AtomicBool, Ordering},
    vec,
};

/// Most windows computed at once: enough to keep every thread busy, few enough to hold.
const BATCH: usize = 64;

/// One window of a document.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WindowEmbedding {
    /// The bytes of the document from its first to its last word, on boundaries of characters.
    /// Empty if the window has no words.
    pub range: Range<usize>,
    /// Tokens of the window, `[CLS]` and `[SEP]` among them.
    pub tokens: usize,
    /// Its embedding.
    pub embedding: Array1<f32>,
}

/// The iterator of [`SentenceEncoder::encode_windows`].
#[derive(Debug)]
pub struct EncodeWindows<'a> {
    encoder: &'a SentenceEncoder,
    pieces: Pieces<'a>,
    windows: Windows,
    /// The words of the prompt, which each window begins with, once they are known.
    prompt: Option<Vec<u32>>,
    /// Words that are read and not yet behind.
    words: VecDeque<Word>,
    batch: usize,
    ready: vec::IntoIter<WindowEmbedding>,
    ended: bool,
    stop: Option<&'a AtomicBool>,
}

/// A window before it is computed.
struct Window {
    ids: Vec<u32>,
    range: Range<usize>,
}

impl<'a> EncodeWindows<'a> {
    fn new(encoder: &'a SentenceEncoder, document: &'a str, windows: Windows) -> EncodeWindows<'a> {
        let pieces = encoder.tokenizer.pieces(document);
        EncodeWindows {
            encoder,
            pieces,
            windows,
            prompt: None,
            words: VecDeque::new(),
            batch: 1,
            ready: Vec::new().into_iter(),
            ended: false,
            stop: None,
        }
    }

    /// Ends with [`Error::Stopped`] soon after another thread has set `stop`: the windows that are
    /// being computed are finished, and no other begins.
    ///
    /// ```
    /// use minilm::{Error, Windows};
    /// use std::sync::atomic::AtomicBool;
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let document = "One sentence after the other. ".repeat(1000);
    /// let stop = AtomicBool::new(true);
    /// let mut windows = encoder.encode_windows(&document, Windows::new()).until(&stop);
    /// assert!(matches!(windows.next(), Some(Err(Error::Stopped))));
    /// assert!(windows.next().is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn until(self, stop: &'a AtomicBool) -> EncodeWindows<'a> {
        EncodeWindows { stop: Some(stop), ..self }
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Cuts the next window; `None` after the last.
    fn cut(&mut self, prompt: &[u32], room: usize, stride: usize) -> Result<Option<Window>, Error> {
        if self.ended {
            return Ok(None);
        }
        // One more than a window has tells whether it is the last.
        while self.words.len() <= room
            && let Some(piece) = self.pieces.next()
        {
            let read = self.encoder.tokenizer.read(piece, &mut self.words);
            read.map_err(|reason| Error::Tokenize { index: 0, reason })?;
        }
        let words = self.words.iter().take(room);
        let start = self.words.front().map_or(0, |word| word.range.start);
        let end = words.clone().map(|word| word.range.end).max().unwrap_or(start);
        let ids = prompt.iter().copied().chain(words.map(|word| word.id));
        let ids = self.encoder.tokenizer.surround(ids);
        if ids.is_empty() {
            return Err(Error::no_tokens(0));
        }
        let window = Window { ids, range: start..end };
        self.ended = self.words.len() <= room;
        if !self.ended {
            self.words.drain(..stride);
        }
        Ok(Some(window))
    }

    /// Computes the next windows, twice as many as the last time: the first comes at once.
    fn refill(&mut self) -> Result<(), Error> {
        let prompt = match self.prompt.take() {
            Some(prompt) => prompt,
            None => self
                .encoder
                .tokenizer
                .word_ids(&self.encoder.defaults.prompt)
                .map_err(|reason| Error::Tokenize { index: 0, reason })?,
        };
        let (room, stride) = self.windows.resolve(self.encoder, prompt.len())?;
        let mut windows = Vec::new();
        while windows.len() < self.batch
            && let Some(window) = self.cut(&prompt, room, stride)?
        {
            windows.push(window);
        }
        self.prompt = Some(prompt);
        self.batch = BATCH.min(self.batch * 2);
        let ids: Vec<&[u32]> = windows.iter().map(|window| window.ids.as_slice()).collect();
        let mut embeddings = vec![Array1::default(0); windows.len()];
        let done = |_| match self.is_stopped() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        self.encoder
            .embed_ids(&self.encoder.defaults, &ids, done, |i, embedding| {
                embeddings[i] = embedding.to_owned()
            })
            .map_err(|e| e.at(|_| 0))?;
        let ready = windows.into_iter().zip(embeddings).map(|(window, embedding)| {
            WindowEmbedding { range: window.range, tokens: window.ids.len(), embedding }
        });
        self.ready = ready.collect::<Vec<_>>().into_iter();
        Ok(())
    }
}

impl Iterator for EncodeWindows<'_> {
    type Item = Result<WindowEmbedding, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.len() == 0
            && let Err(error) = self.refill()
        {
            self.ended = true;
            return Some(Err(error));
        }
        self.ready.next().map(Ok)
    }
}

impl SentenceEncoder {
    /// The embeddings of a document's windows, in their order, in memory that does not grow with
    /// the document.
    ///
    /// The document is tokenised once, and its tokens are cut: a window may begin or end inside a
    /// word. Each window is read between a `[CLS]` and a `[SEP]` of its own. An empty document has
    /// one window without words. Nothing is dropped, whatever
    /// [`truncation`](crate::SentenceEncoderBuilder::truncation) says. After an error the iterator
    /// ends.
    ///
    /// Each window begins with the encoder's default prompt, which is tokenised by itself and takes
    /// some of the window's tokens.
    ///
    /// A character that becomes several tokens, such as a syllable of Hangul, may be in the ranges
    /// of two windows that do not overlap.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let document = "Crème brûlée. 東京タワー. Done.";
    /// for window in encoder.encode_windows(document, minilm::Windows::new().tokens(8)) {
    ///     let window = window?;
    ///     println!("{:?} {:?}", &document[window.range], window.embedding);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first item is an [`Error::Option`] if a window or the stride has an impossible length.
    pub fn encode_windows<'a>(&'a self, document: &'a str, windows: Windows) -> EncodeWindows<'a> {
        EncodeWindows::new(self, document, windows)
    }

    /// One embedding for a document of any length: the mean of its windows' embeddings, weighted by
    /// their numbers of tokens.
    ///
    /// ```text
    /// v = Σ tᵢ·eᵢ / Σ tᵢ      tᵢ: tokens of window i with [CLS] and [SEP],  eᵢ: its embedding
    /// ```
    ///
    /// `v` is then divided by its length, unless the encoder leaves embeddings as the pooling gives
    /// them. A word in two windows counts twice. The sum is taken in `f64`, in the order of the
    /// windows. A document of one window has the embedding that
    /// [`encode_one`](SentenceEncoder::encode_one) gives, to the bit, unless a prompt ends in a
    /// word that goes on in the document.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let document = "One sentence after the other. ".repeat(100);
    /// let embedding = encoder.encode_long(&document, minilm::Windows::new())?;
    /// assert!((embedding.dot(&embedding) - 1.0).abs() < 1e-6);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Option`] if a window or the stride has an impossible length.
    pub fn encode_long(&self, document: &str, windows: Windows) -> Result<Array1<f32>, Error> {
        self.mean_of(self.encode_windows(document, windows))
    }

    /// As [`SentenceEncoder::encode_long`], but it ends soon after another thread has set `stop`.
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode_long`], and [`Error::Stopped`].
    pub fn encode_long_until(
        &self,
        document: &str,
        windows: Windows,
        stop: &AtomicBool,
    ) -> Result<Array1<f32>, Error> {
        self.mean_of(self.encode_windows(document, windows).until(stop))
    }

    /// The mean of windows' embeddings, weighted by their tokens.
    fn mean_of(&self, windows: EncodeWindows) -> Result<Array1<f32>, Error> {
        let mut sum = vec![0.0_f64; self.dimension()];
        let mut tokens = 0;
        let mut alone = None;
        for (i, window) in windows.enumerate() {
            let window = window?;
            tokens += window.tokens;
            let weight = window.tokens as f64;
            sum.iter_mut()
                .zip(&window.embedding)
                .for_each(|(sum, x)| *sum += weight * f64::from(*x));
            alone = (i == 0).then_some(window.embedding);
        }
        if let Some(embedding) = alone {
            return Ok(embedding);
        }
        let mut mean: Vec<f32> = sum.into_iter().map(|sum| (sum / tokens as f64) as f32).collect();
        self.defaults.scale(&mut mean);
        Ok(mean.into())
    }
}
