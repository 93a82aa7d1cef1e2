//! How long windows are, and how far apart.
//!
//! In the book: `docs/00-map.md`.

use crate::{Error, SentenceEncoder};

/// The lengths by which a document is cut into windows.
///
/// ```
/// use minilm::{SentenceEncoder, Windows};
/// # fn main() -> Result<(), minilm::Error> {
/// let encoder = SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
/// let document = "seven grey cats ".repeat(200); // 600 words
/// let windows = encoder
///     .encode_windows(&document, Windows::new().stride(127))
///     .collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(windows.len(), 4); // words 0..254, 127..381, 254..508, 381..600
/// assert_eq!(windows[0].tokens, 256); // [CLS] and [SEP] among them
/// assert!(document[windows[3].range.clone()].ends_with("grey cats"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Windows {
    tokens: Option<usize>,
    stride: Option<usize>,
}

impl Windows {
    /// Windows as long as the model reads, one after the other without overlap.
    pub fn new() -> Windows {
        Windows::default()
    }

    /// The length of a window in tokens, `[CLS]` and `[SEP]` among them; by default
    /// [`SentenceEncoder::max_tokens`], which is also the most.
    #[must_use]
    pub fn tokens(mut self, tokens: usize) -> Windows {
        self.tokens = Some(tokens);
        self
    }

    /// From the first word of a window to the first word of the next, in tokens; by default a
    /// window's words, so that none is in two windows.
    ///
    /// The overlap of two neighbours is what remains: with 256 tokens and a stride of 127, half of
    /// the 254 words. The `tokenizers` library calls this overlap the stride.
    #[must_use]
    pub fn stride(mut self, tokens: usize) -> Windows {
        self.stride = Some(tokens);
        self
    }

    /// Words of a window besides the `prompt` tokens of the prompt, and from one to the next.
    pub(super) fn resolve(
        self,
        encoder: &SentenceEncoder,
        prompt: usize,
    ) -> Result<(usize, usize), Error> {
        let limit = encoder.max_tokens();
        let tokens = self.tokens.unwrap_or(limit);
        let room = encoder.tokenizer.room(tokens).saturating_sub(prompt);
        if tokens > limit || room == 0 {
            let least = limit + 1 - encoder.tokenizer.room(limit) + prompt;
            return Err(Error::Option {
                option: "window",
                reason: format!("{tokens} tokens are not from {least} to {limit}"),
            });
        }
        let stride = self.stride.unwrap_or(room);
        if stride == 0 || stride > room {
            return Err(Error::Option {
                option: "stride",
                reason: format!("{stride} is not from 1 to the {room} words of a window"),
            });
        }
        Ok((room, stride))
    }
}
