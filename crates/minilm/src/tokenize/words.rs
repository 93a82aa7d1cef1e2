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
        let lowered = self.lowered(piece.text);
        let encoding = guard(|| self.tokenizer.encode(lowered.as_ref(), false))?;
        let places = Places::new(piece.text, self.lowercase);
        let words = encoding.get_ids().iter().zip(encoding.get_offsets());
        let word = |(&id, &(start, end)): (&u32, &(usize, usize))| {
            let range = places.original(start..end);
            Word { id, range: piece.start + range.start..piece.start + range.end }
        };
        Ok(words.map(word).collect())
    }
}

/// From places in a lower-cased text to places in the text: `İ` has two bytes, `i̇` has three.
struct Places {
    /// Of each character, where it begins in the lower-cased text and in the text, and last the
    /// ends of both. Empty if all are equal.
    starts: Vec<(usize, usize)>,
}

impl Places {
    fn new(text: &str, lowercase: bool) -> Places {
        if !lowercase || text.is_ascii() {
            return Places { starts: Vec::new() };
        }
        let mut lowered = 0;
        let mut starts: Vec<_> = text
            .char_indices()
            .map(|(i, c)| {
                let start = (lowered, i);
                lowered += c.to_lowercase().map(char::len_utf8).sum::<usize>();
                start
            })
            .collect();
        starts.push((lowered, text.len()));
        Places { starts }
    }

    /// The characters that have a byte in `range` of the lower-cased text.
    fn original(&self, range: Range<usize>) -> Range<usize> {
        if self.starts.is_empty() {
            return range;
        }
        // starts[from] is the last that is not behind the range's start, starts[to] the first that
        // is not before its end.
        let from =
            self.starts.partition_point(|&(lowered, _)| lowered <= range.start).saturating_sub(1);
        let to = self
            .starts
            .partition_point(|&(lowered, _)| lowered < range.end)
            .min(self.starts.len() - 1);
        self.starts[from].1..self.starts[to].1
    }
}
