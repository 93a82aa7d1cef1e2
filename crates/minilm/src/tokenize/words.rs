//! Tokens with their places in the text.

use super::{TextTokenizer, guard::guard};
use crate::tokenize::Piece;
use std::{collections::VecDeque, ops::Range};

/// A token and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub id: u32,
    /// Bytes of the text.
    pub range: Range<usize>,
}

impl TextTokenizer {
    /// Adds the tokens of a piece to those of the pieces before it, without those around every
    /// text. The ranges are those of the whole text.
    pub(crate) fn read(&self, piece: Piece, to: &mut VecDeque<Word>) -> Result<(), String> {
        let encoding = guard(|| self.tokenizer.encode(piece.text, false))?;
        let words = encoding.get_ids().iter().zip(encoding.get_offsets());
        let mut words = words
            .map(|(&id, &(start, end))| Word { id, range: piece.start + start..piece.start + end });
        if piece.is_joined
            && let (Some(end), Some(begun)) = (words.next(), to.back_mut())
        {
            begun.range.end = end.range.end;
        }
        to.extend(words);
        Ok(())
    }
}
