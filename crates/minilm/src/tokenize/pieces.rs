//! A long text in pieces, so that tokenising it takes memory for a piece and not for the text.
//!
//! ```text
//! ids(text) = ids(piece₀) ‖ ids(piece₁) ‖ …     if no step of the tokenizer looks across a cut
//! ```
//!
//! The steps are those of BERT, and each of them stops at a cut:
//!
//! 1. *Added tokens* such as `[SEP]` are found in the text as it is. None of them has a place for a
//!    cut in it, or depends on what is beside it; otherwise nothing is cut.
//! 2. *`BertNormalizer`* works on single characters. Only the canonical order of combining marks
//!    depends on neighbours, and it ends at every character that is no mark; those after which we
//!    cut are none.
//! 3. *`BertPreTokenizer`* splits at white space and beside punctuation, and the normalizer puts
//!    spaces around Chinese characters. A cut is where it splits anyway.
//! 4. *`WordPiece`* sees one word at a time.
//!
//! White space is that which the normalizer keeps: it removes U+000B, U+000C and U+0085 as control
//! characters and joins what is beside them.
//!
//! A stretch in which there is no place for a cut is one piece, however long it is: a megabyte of
//! letters, or of Thai. A tokenizer of another kind gets every text whole.
//!
//! In the book: `docs/00-map.md`.

use tokenizers::{ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

/// Bytes of a piece. The tokenizer holds about a hundred bytes for each.
const PIECE: usize = 1 << 14;

/// The places where a text may be cut.
#[derive(Debug, Clone)]
pub(super) struct Cuts {
    /// Bytes of a piece, if there is a place for a cut.
    pub piece: usize,
    /// After these ASCII characters.
    pub after: [bool; 128],
    /// After Chinese characters.
    after_chinese: bool,
}

impl Cuts {
    /// The cuts that change nothing for `tokenizer`; `None` if there are none.
    pub(super) fn of(tokenizer: &Tokenizer) -> Option<Cuts> {
        let Some(NormalizerWrapper::BertNormalizer(normalizer)) = tokenizer.get_normalizer() else {
            return None;
        };
        let Some(PreTokenizerWrapper::BertPreTokenizer(_)) = tokenizer.get_pre_tokenizer() else {
            return None;
        };
        let ModelWrapper::WordPiece(_) = tokenizer.get_model() else { return None };

        let mut after = [false; 128];
        for c in "\t\n\r !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".bytes() {
            after[usize::from(c)] = true;
        }
        for token in tokenizer.get_added_tokens_decoder().values() {
            let looks_around = token.lstrip || token.rstrip || token.single_word;
            if looks_around || !token.content.bytes().all(|c| c.is_ascii_graphic()) {
                return None;
            }
            token.content.bytes().for_each(|c| after[usize::from(c)] = false);
        }
        Some(Cuts { piece: PIECE, after, after_chinese: normalizer.handle_chinese_chars })
    }

    fn is_after(&self, c: char) -> bool {
        match self.after.get(c as usize) {
            Some(&after) => after,
            None => self.after_chinese && is_chinese(c),
        }
    }

    /// The length of the first piece of `text`.
    fn first(&self, text: &str) -> usize {
        if text.len() <= self.piece {
            return text.len();
        }
        let limit = (0..=self.piece).rev().find(|&i| text.is_char_boundary(i)).unwrap_or_default();
        let end = |(i, c): (usize, char)| self.is_after(c).then_some(i + c.len_utf8());
        let before = text[..limit].char_indices().rev().find_map(end);
        before
            .or_else(|| text[limit..].char_indices().find_map(end).map(|i| limit + i))
            .unwrap_or(text.len())
    }
}

/// The blocks around which `BertNormalizer` puts spaces: CJK ideographs, without kana and hangul.
fn is_chinese(c: char) -> bool {
    matches!(u32::from(c),
        0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF
        | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F
        | 0x2B920..=0x2CEAF | 0x2F800..=0x2FA1F)
}

/// A part of a text, and the byte where it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'t> {
    pub text: &'t str,
    pub start: usize,
}

/// The pieces of a text in order: at least one, and together the whole text.
#[derive(Debug)]
pub(crate) struct Pieces<'t> {
    cuts: Option<&'t Cuts>,
    rest: Option<Piece<'t>>,
}

impl<'t> Pieces<'t> {
    pub(super) fn new(cuts: Option<&'t Cuts>, text: &'t str) -> Pieces<'t> {
        Pieces { cuts, rest: Some(Piece { text, start: 0 }) }
    }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let Piece { text, start } = self.rest.take()?;
        let length = self.cuts.map_or(text.len(), |cuts| cuts.first(text));
        let (first, rest) = text.split_at(length);
        if !rest.is_empty() {
            self.rest = Some(Piece { text: rest, start: start + length });
        }
        Some(Piece { text: first, start })
    }
}
