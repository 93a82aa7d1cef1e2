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
//! A stretch without such a place, a megabyte of letters or of Thai, is cut within a word.
//! WordPiece makes one `[UNK]` of a word that has more than `max_input_chars_per_word` characters.
//! Where both sides of a cut have more of them, each gives an `[UNK]`, and that of the second is
//! left out:
//!
//! ```text
//! … aaaaaaaa│aaaaaaaa …     more than max_input_chars_per_word letters on either side
//!    [UNK]      [UNK]       the second piece is `joined`: its first word goes on
//! ```
//!
//! Letters count that the normalizer keeps as one character or more in every version of Unicode;
//! the characters between them may be any that split no word. A tokenizer of another kind gets
//! every text whole.
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
    /// Characters of a word that is too long for the vocabulary, if such a word may be cut.
    pub too_long: Option<usize>,
}

/// The end of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    at: usize,
    /// It is within a word.
    is_joint: bool,
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
        let ModelWrapper::WordPiece(model) = tokenizer.get_model() else { return None };

        let mut after = [false; 128];
        for c in "\t\n\r !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".bytes() {
            after[usize::from(c)] = true;
        }
        // An added token of letters alone would split a word.
        let mut splits = false;
        for token in tokenizer.get_added_tokens_decoder().values() {
            let looks_around = token.lstrip || token.rstrip || token.single_word;
            if looks_around || !token.content.bytes().all(|c| c.is_ascii_graphic()) {
                return None;
            }
            token.content.bytes().for_each(|c| after[usize::from(c)] = false);
            splits |= token.content.bytes().all(|c| c.is_ascii_alphanumeric());
        }
        let too_long = model.max_input_chars_per_word.checked_add(1).filter(|_| !splits);
        let after_chinese = normalizer.handle_chinese_chars;
        Some(Cuts { piece: PIECE, after, after_chinese, too_long })
    }

    fn is_after(&self, c: char) -> bool {
        match self.after.get(c as usize) {
            Some(&after) => after,
            None => self.after_chinese && is_chinese(c),
        }
    }

    /// The end of the first piece of `text`.
    fn first(&self, text: &str) -> End {
        let cut = |at| End { at, is_joint: false };
        if text.len() <= self.piece {
            return cut(text.len());
        }
        let limit = (0..=self.piece).rev().find(|&i| text.is_char_boundary(i)).unwrap_or_default();
        let end = |(i, c): (usize, char)| self.is_after(c).then_some(i + c.len_utf8());
        if let Some(at) = text[..limit].char_indices().rev().find_map(end) {
            return cut(at);
        }
        if let Some(at) = self.joint(&text[..limit]) {
            return End { at, is_joint: true };
        }
        cut(text[limit..].char_indices().find_map(end).map_or(text.len(), |i| limit + i))
    }

    /// The last place in `text` with a word on both sides that is too long for the vocabulary.
    fn joint(&self, text: &str) -> Option<usize> {
        let too_long = self.too_long?;
        let (mut found, mut letters) = (None, 0);
        for (i, c) in text.char_indices().rev() {
            if splits(c) {
                (found, letters) = (None, 0);
                continue;
            }
            letters += usize::from(is_letter(c));
            if letters >= too_long && is_letter(c) {
                match found {
                    Some(found) => return Some(found),
                    None => (found, letters) = (Some(i), 0),
                }
            }
        }
        None
    }
}

/// Letters and digits that the normalizer keeps, whatever it does with case and accents, and that
/// are not split.
fn is_letter(c: char) -> bool {
    match c {
        '0'..='9' | 'A'..='Z' | 'a'..='z' => true,
        // Latin, Greek and Cyrillic letters
        '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{52f}' => c.is_alphabetic(),
        // Thai consonants, kana, syllables of Hangul, faces
        '\u{e01}'..='\u{e2e}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' => true,
        '\u{ac00}'..='\u{d7a3}' | '\u{1f600}'..='\u{1f640}' => true,
        _ => false,
    }
}

/// Whether a word may end at this character: at all but letters, and marks and signs that belong to
/// them.
fn splits(c: char) -> bool {
    let is_mark = matches!(c,
        '\u{300}'..='\u{36f}' | '\u{e31}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{3099}' | '\u{309a}' | '\u{200d}' | '\u{fe0f}');
    let is_word = is_mark || is_letter(c) || (c.is_alphanumeric() && !is_chinese(c));
    !is_word
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
    /// Its first word goes on where the last of the piece before ends: both are one `[UNK]`.
    pub is_joined: bool,
}

/// The pieces of a text in order: at least one, and together the whole text.
#[derive(Debug)]
pub(crate) struct Pieces<'t> {
    cuts: Option<&'t Cuts>,
    rest: Option<Piece<'t>>,
}

impl<'t> Pieces<'t> {
    pub(super) fn new(cuts: Option<&'t Cuts>, text: &'t str) -> Pieces<'t> {
        Pieces { cuts, rest: Some(Piece { text, start: 0, is_joined: false }) }
    }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let Piece { text, start, is_joined } = self.rest.take()?;
        let whole = End { at: text.len(), is_joint: false };
        let end = self.cuts.map_or(whole, |cuts| cuts.first(text));
        let (first, rest) = text.split_at(end.at);
        if !rest.is_empty() {
            let start = start + end.at;
            self.rest = Some(Piece { text: rest, start, is_joined: end.is_joint });
        }
        Some(Piece { text: first, start, is_joined })
    }
}
