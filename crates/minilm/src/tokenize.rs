//! Text to token ids.
//!
//! In the book: `docs/00-map.md`.

mod guard;
mod pieces;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use pieces::{Piece, Pieces};
pub(crate) use words::Word;

use crate::{Error, files::Source};
use guard::guard;
use pieces::Cuts;
use std::{
    borrow::Cow,
    io,
    path::{Path, PathBuf},
};
use tokenizers::{
    NormalizerWrapper, PostProcessorWrapper, Tokenizer, models::wordpiece::WordPiece,
    normalizers::bert::BertNormalizer, pre_tokenizers::bert::BertPreTokenizer,
    processors::bert::BertProcessing,
};

/// How many tokens of a text the model reads.
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
pub struct TokenCount {
    /// Tokens that the model reads, `[CLS]` and `[SEP]` among them.
    pub used: usize,
    /// Tokens beyond the model's limit.
    pub dropped: usize,
}

/// A text as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// let text = minilm::TokenizedText { ids: vec![101, 102], dropped: 0 };
    /// assert_eq!(text.count().used, 2);
    /// ```
    pub fn count(&self) -> TokenCount {
        TokenCount { used: self.ids.len(), dropped: self.dropped }
    }
}

/// A tokenizer as it is in its file.
pub(crate) struct Vocabulary {
    tokenizer: Tokenizer,
    size: usize, // the highest id + 1
    path: PathBuf,
}

impl Vocabulary {
    /// Reads `tokenizer.json`, or else `vocab.txt` for an uncased BERT, from `folder`.
    pub(crate) fn read(source: &Source, folder: &Path) -> Result<Vocabulary, Error> {
        let (tokenizer, path) = open(source, folder)?;
        let size = tokenizer.get_vocab(true).values().max().map_or(0, |&id| id as usize + 1);
        Ok(Vocabulary { tokenizer, size, path })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The model's tokenizer, with truncation as sentence-transformers does it.
///
/// `tokenizer.json` carries a truncation and a padding of its own (128 and 128 for
/// all-MiniLM-L6-v2). They are what the file happened to be saved with, not what the model was
/// trained for: both are switched off.
pub(crate) struct TextTokenizer {
    tokenizer: Tokenizer,
    before: Vec<u32>, // [CLS]
    after: Vec<u32>,  // [SEP]
    limit: usize,
    lowercase: bool,
    cuts: Option<Cuts>,
}

impl TextTokenizer {
    /// `rows` is the model's number of word embeddings, `limit` the longest text in tokens.
    pub(crate) fn new(
        vocabulary: Vocabulary,
        rows: usize,
        limit: usize,
        lowercase: bool,
    ) -> Result<TextTokenizer, Error> {
        let Vocabulary { mut tokenizer, size, path } = vocabulary;
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

        // What surrounds every text is found by asking for the empty one with and without a text in
        // between.
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
        let cuts = Cuts::of(&tokenizer, lowercase);
        Ok(TextTokenizer { tokenizer, before, after, limit, lowercase, cuts })
    }

    /// The ids of `text`; `Err` is the tokenizer's reason.
    pub(crate) fn tokenize(&self, text: &str) -> Result<TokenizedText, String> {
        let room = self.room(self.limit);
        let mut ids = self.before.clone();
        let mut words = 0;
        for piece in self.pieces(text) {
            let encoding =
                guard(|| self.tokenizer.encode_fast(self.lowered(piece.text).as_ref(), false))?;
            let found = encoding.get_ids();
            ids.extend(&found[..found.len().min(room.saturating_sub(words))]);
            words += found.len();
        }
        ids.extend(&self.after);
        Ok(TokenizedText { ids, dropped: words.saturating_sub(room) })
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

    fn lowered<'t>(&self, piece: &'t str) -> Cow<'t, str> {
        if self.lowercase { Cow::Owned(piece.to_lowercase()) } else { Cow::Borrowed(piece) }
    }

    /// The longest text in tokens.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The token's text.
    pub(crate) fn token(&self, id: u32) -> String {
        self.tokenizer.id_to_token(id).unwrap_or_default()
    }
}

fn open(source: &Source, folder: &Path) -> Result<(Tokenizer, PathBuf), Error> {
    let (json, vocabulary) = (folder.join("tokenizer.json"), folder.join("vocab.txt"));
    let (tokenizer, path) = if let Some(bytes) = source.read(&json)? {
        (guard(|| Tokenizer::from_bytes(bytes)), json)
    } else if let Some(bytes) = source.read(&vocabulary)? {
        (uncased_bert(&bytes), vocabulary)
    } else {
        // A missing file is an error of reading, not of the tokenizer.
        return Err(Error::Read { path: json, source: io::ErrorKind::NotFound.into() });
    };
    match tokenizer {
        Ok(tokenizer) => Ok((tokenizer, path)),
        Err(reason) => Err(Error::Tokenizer { path, reason }),
    }
}

/// The tokenizer of an uncased BERT from its list of word pieces (`transformers.BertTokenizer`).
fn uncased_bert(vocabulary: &[u8]) -> Result<Tokenizer, String> {
    let vocabulary = WordPiece::read_bytes(vocabulary).map_err(|e| e.to_string())?;
    let model = WordPiece::builder()
        .vocab(vocabulary)
        .unk_token("[UNK]".to_owned())
        .build()
        .map_err(|e| e.to_string())?;
    let mut tokenizer = Tokenizer::new(model);
    let id = |token: &str| {
        let id =
            tokenizer.token_to_id(token).ok_or_else(|| format!("there is no token {token}"))?;
        Ok::<_, String>((token.to_owned(), id))
    };
    let surround = BertProcessing::new(id("[SEP]")?, id("[CLS]")?);
    let normalizer = BertNormalizer::new(true, true, None, true);
    tokenizer
        .with_normalizer(Some(NormalizerWrapper::BertNormalizer(normalizer)))
        .map_err(|e| e.to_string())?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer.with_post_processor(Some(PostProcessorWrapper::Bert(surround)));
    Ok(tokenizer)
}
