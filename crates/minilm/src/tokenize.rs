//! Text to token ids.
//!
//! In the book: `docs/00-map.md`.

mod config;
mod growth;
mod guard;
mod pieces;
#[cfg(test)]
mod tests;
mod vocabulary;
mod word_piece;
mod words;

pub(crate) use config::{Overrides, TokenizerConfig};
pub(crate) use pieces::{Piece, Pieces};
pub(crate) use vocabulary::Vocabulary;
pub(crate) use words::Word;

use crate::Error;
use guard::guard;
use pieces::Cuts;
use std::{collections::VecDeque, ops::Range, sync::Arc};
use tokenizers::Tokenizer;

/// The number of tokens of a text that the model reads.
///
/// ```
/// # fn main() -> Result<(), minilm::Error> {
/// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
/// let count = encoder.count_tokens(&"many ".repeat(300))?;
/// assert_eq!((count.used, count.dropped), (256, 46)); // 300 words, [CLS] and [SEP]
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TokenCount {
    /// Tokens that the model reads, `[CLS]` and `[SEP]` among them.
    pub used: usize,
    /// Tokens beyond the model's limit.
    pub dropped: usize,
}

/// A text as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenizedText {
    /// The ids, `[CLS]` first and `[SEP]` last.
    pub ids: Vec<u32>,
    /// Tokens beyond the model's limit.
    pub dropped: usize,
}

impl TokenizedText {
    /// The numbers of tokens.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// assert_eq!(encoder.tokenize("")?.count().used, 2); // [CLS] and [SEP]
    /// # Ok(())
    /// # }
    /// ```
    pub fn count(&self) -> TokenCount {
        TokenCount { used: self.ids.len(), dropped: self.dropped }
    }
}

/// A token of a text, and its place there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenSpan {
    /// The token's number in the vocabulary.
    pub id: u32,
    /// Its text in the vocabulary: `##ding`.
    pub token: String,
    /// The bytes of the text that it stands for; `None` for `[CLS]` and `[SEP]`.
    pub range: Option<Range<usize>>,
}

/// The model's tokenizer, with truncation as sentence-transformers does it.
///
/// `tokenizer.json` carries a truncation and a padding of its own (128 and 128 for
/// all-MiniLM-L6-v2). They are the settings with which the file was saved, not those of the
/// model's training, and are switched off.
#[derive(Clone)]
pub(crate) struct TextTokenizer {
    tokenizer: Arc<Tokenizer>,
    before: Vec<u32>, // [CLS]
    after: Vec<u32>,  // [SEP]
    limit: usize,
    cuts: Option<Cuts>,
}

impl TextTokenizer {
    /// `rows` is the model's number of word embeddings, `limit` the longest text in tokens.
    pub(crate) fn new(
        vocabulary: Vocabulary,
        rows: usize,
        limit: usize,
    ) -> Result<TextTokenizer, Error> {
        let Vocabulary { mut tokenizer, size, path, .. } = vocabulary;
        let unusable = |reason: String| Error::Tokenizer { path: path.clone(), reason };
        let of_another =
            |size| Error::Vocabulary { path: path.clone(), tokenizer: size, model: rows };
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|e| unusable(e.to_string()))?;

        // A table may be rounded up to a multiple of 128 rows for speed; more than that is another
        // vocabulary.
        if size > rows || size.next_multiple_of(128) < rows {
            return Err(of_another(size));
        }

        // The special tokens around every text are found by encoding the empty text and another
        // one.
        let ids = |text, special| {
            let encoding = guard(|| tokenizer.encode_fast(text, special)).map_err(&unusable)?;
            Ok::<_, Error>(encoding.get_ids().to_vec())
        };
        let (word, whole) = (ids("a", false)?, ids("a", true)?);
        let start = whole.windows(word.len().max(1)).position(|window| window == word);
        let Some(start) = start else {
            return Err(unusable("special tokens do not surround the text".to_owned()));
        };
        let (before, after) = (whole[..start].to_vec(), whole[start + word.len()..].to_vec());
        // These ids need not be those of the vocabulary: a file may give them numbers of its own.
        if let Some(&id) = before.iter().chain(&after).max().filter(|&&id| id as usize >= rows) {
            return Err(of_another(id as usize + 1));
        }
        let cuts = Cuts::of(&tokenizer);
        let tokenizer = Arc::new(tokenizer);
        Ok(TextTokenizer { tokenizer, before, after, limit, cuts })
    }

    /// The ids of `text`; `Err` is the tokenizer's reason.
    pub(crate) fn tokenize(&self, text: &str) -> Result<TokenizedText, String> {
        let room = self.room(self.limit);
        let mut ids = self.before.clone();
        let mut words = 0;
        for piece in self.pieces(text) {
            let found = self.ids(piece)?;
            ids.extend(&found[..found.len().min(room.saturating_sub(words))]);
            words += found.len();
        }
        ids.extend(&self.after);
        Ok(TokenizedText { ids, dropped: words.saturating_sub(room) })
    }

    /// The words of a text that comes as ids: without the special tokens around it, if it has them.
    pub(crate) fn inside<'i>(&self, ids: &'i [u32]) -> &'i [u32] {
        let inside = ids.strip_prefix(&self.before[..]);
        inside.and_then(|ids| ids.strip_suffix(&self.after[..])).unwrap_or(ids)
    }

    /// A text of these words, one part after the other, up to the limit.
    pub(crate) fn cut(&self, parts: &[&[u32]]) -> TokenizedText {
        let room = self.room(self.limit);
        let words: usize = parts.iter().map(|part| part.len()).sum();
        let ids = self.surround(parts.iter().flat_map(|part| part.iter().copied()).take(room));
        TokenizedText { ids, dropped: words.saturating_sub(room) }
    }

    /// The ids of the words of `text`, however many: those of the whole text without those around
    /// it.
    pub(crate) fn word_ids(&self, text: &str) -> Result<Vec<u32>, String> {
        let mut ids = Vec::new();
        for piece in self.pieces(text) {
            ids.extend(self.ids(piece)?);
        }
        Ok(ids)
    }

    /// The ids of the words that begin in a piece.
    fn ids(&self, piece: Piece) -> Result<Vec<u32>, String> {
        let encoding = guard(|| self.tokenizer.encode_fast(piece.text, false))?;
        Ok(encoding.get_ids()[usize::from(piece.is_joined)..].to_vec())
    }

    /// The number of tokens at the beginning of a text that are of its prompt: those of the prompt
    /// alone, without a special token at its end (`Transformer._get_prompt_length`).
    pub(crate) fn prompt_length(&self, prompt: &str) -> Result<usize, String> {
        let ids = self.tokenize(prompt)?.ids;
        let added = self.tokenizer.get_added_tokens_decoder();
        let is_special = |id| added.get(id).is_some_and(|token| token.special);
        let ends_special = !self.after.is_empty() || ids.last().is_some_and(is_special);
        Ok(ids.len() - usize::from(ends_special))
    }

    /// `text` in pieces that are tokenised one by one.
    pub(crate) fn pieces<'t>(&'t self, text: &'t str) -> Pieces<'t> {
        Pieces::new(self.cuts.as_ref(), text)
    }

    /// Words that fit into `tokens` tokens beside those around every text.
    pub(crate) fn room(&self, tokens: usize) -> usize {
        tokens.saturating_sub(self.before.len() + self.after.len())
    }

    /// The ids of a text that has the words `ids`.
    pub(crate) fn surround(&self, ids: impl IntoIterator<Item = u32>) -> Vec<u32> {
        self.before.iter().copied().chain(ids).chain(self.after.iter().copied()).collect()
    }

    /// Everything that it does with a text, as `tokenizer.json` would say it.
    #[cfg(feature = "tasks")]
    pub(crate) fn definition(&self) -> String {
        let json = self.tokenizer.to_string(false).unwrap_or_default();
        format!("split special tokens: {}; {json}", self.tokenizer.get_encode_special_tokens())
    }

    /// The same tokenizer for texts of up to `limit` tokens.
    pub(crate) fn with_limit(&self, limit: usize) -> TextTokenizer {
        TextTokenizer { limit, ..self.clone() }
    }

    /// The longest text in tokens.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// All tokens of `text` with their places, those around it first and last.
    pub(crate) fn spans(&self, text: &str) -> Result<Vec<TokenSpan>, String> {
        let span = |id, range| TokenSpan { id, token: self.token(id), range };
        let mut spans: Vec<TokenSpan> = self.before.iter().map(|&id| span(id, None)).collect();
        let mut words = VecDeque::new();
        for piece in self.pieces(text) {
            self.read(piece, &mut words)?;
        }
        spans.extend(words.into_iter().map(|word| span(word.id, Some(word.range))));
        spans.extend(self.after.iter().map(|&id| span(id, None)));
        Ok(spans)
    }

    /// The token's text.
    pub(crate) fn token(&self, id: u32) -> String {
        self.tokenizer.id_to_token(id).unwrap_or_default()
    }
}
