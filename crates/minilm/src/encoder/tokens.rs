//! Texts to tokens, and tokens to vectors before pooling.

use super::{SentenceEncoder, TokenEmbeddings};
use crate::{Error, TokenCount, TokenSpan, TokenizedText, schedule};
use minilm_kernels::Rows;
use minilm_model::Batch;
use ndarray::Array2;
use std::ops::ControlFlow;

impl SentenceEncoder {
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
        Ok(self.encode_tokens(&[text])?.remove(0))
    }

    /// As [`SentenceEncoder::token_embeddings`], for many texts at once, in their order
    /// (`encode(output_value="token_embeddings")`).
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let texts = encoder.encode_tokens(&["Hello", "Hello world"])?;
    /// assert_eq!(texts[0].embeddings.dim(), (3, 384));
    /// assert_eq!(texts[1].tokens, ["[CLS]", "hello", "world", "[SEP]"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`SentenceEncoder::encode`].
    pub fn encode_tokens<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
    ) -> Result<Vec<TokenEmbeddings>, Error> {
        let mut all = Vec::with_capacity(texts.len());
        let indices: Vec<usize> = (0..texts.len()).collect();
        for window in schedule::windows(texts, &indices) {
            let tokenized = self.tokenize_all(&self.defaults, texts, window)?;
            let ids: Vec<&[u32]> = tokenized.iter().map(|text| text.ids.as_slice()).collect();
            let hidden = self.hidden_states(&ids).map_err(|error| error.at(|i| window[i]))?;
            all.extend(tokenized.into_iter().zip(hidden).map(|(text, embeddings)| {
                let tokens = text.ids.iter().map(|&id| self.tokenizer.token(id)).collect();
                TokenEmbeddings { embeddings, tokens, ids: text.ids, dropped: text.dropped }
            }));
        }
        Ok(all)
    }

    /// The hidden state `[tokens, H]` of each text.
    fn hidden_states(&self, texts: &[&[u32]]) -> Result<Vec<Array2<f32>>, Error> {
        let mut states = vec![Array2::default((0, 0)); texts.len()];
        let read = |batch: &Batch, hidden: Rows| -> Vec<Array2<f32>> {
            (0..batch.sentences()).map(|i| owned(hidden.slice(batch.rows(i)))).collect()
        };
        self.in_batches(
            texts,
            |_| ControlFlow::Continue(()),
            read,
            |indices, found| {
                for (&index, state) in indices.iter().zip(found) {
                    if state.iter().any(|x| !x.is_finite()) {
                        return Err(Error::NotFinite { index });
                    }
                    states[index] = state;
                }
                Ok(())
            },
        )?;
        Ok(states)
    }

    /// The token ids of `text` as [`SentenceEncoder::encode`] reads it, the default prompt among
    /// them.
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
        self.tokenize_at(&self.defaults, 0, text)
    }

    /// All tokens of `text`, however many, with their places in it. No prompt is put before it.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let spans = encoder.token_spans("Hello")?;
    /// assert_eq!((spans[0].token.as_str(), spans[0].range.clone()), ("[CLS]", None));
    /// assert_eq!((spans[1].token.as_str(), spans[1].range.clone()), ("hello", Some(0..5)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn token_spans(&self, text: &str) -> Result<Vec<TokenSpan>, Error> {
        let spans = self.tokenizer.spans(text);
        spans.map_err(|reason| Error::Tokenize { index: 0, reason })
    }

    /// The number of tokens of `text`, with the default prompt, that the model reads, and the
    /// number that it drops. A text that is too long is no error.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn count_tokens(&self, text: &str) -> Result<TokenCount, Error> {
        let tokenized = self.tokenizer.tokenize(&self.defaults.prompted(text));
        Ok(tokenized.map_err(|reason| Error::Tokenize { index: 0, reason })?.count())
    }
}

/// The rows as an array of their own.
fn owned(rows: Rows) -> Array2<f32> {
    let values = (0..rows.rows()).flat_map(|i| rows.row(i)).copied().collect();
    Array2::from_shape_vec((rows.rows(), rows.cols()), values).expect("rows × cols values")
}
