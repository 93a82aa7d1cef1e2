//! Tokens with their places in the text.

use super::{TextTokenizer, guard::guard};
use crate::tokenize::Piece;
use std::ops::Range;

/// A token and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub id: u32,
    /// Bytes of the text.
    pub range: Range<usize>,
}

impl TextTokenizer {
    /// The tokens of a piece, without those around every text. The ranges are those of the whole
    /// text.
    pub(crate) fn words(&self, piece: Piece) -> Result<Vec<Word>, String> {
        let encoding = guard(|| self.tokenizer.encode(piece.text, false))?;
        let words = encoding.get_ids().iter().zip(encoding.get_offsets());
        let word = |(&id, &(start, end)): (&u32, &(usize, usize))| Word {
            id,
            range: piece.start + start..piece.start + end,
        };
        Ok(words.map(word).collect())
    }
}
