//! The tokenizer of a directory, before the model's limits are known.

use super::{
    config::{TokenizerConfig, Tokens, cuts_at},
    growth,
    guard::guard,
    word_piece,
};
use crate::{
    Error,
    directory::field,
    files::{Source, no_such_file},
};
use minilm_model::Error as ModelError;
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};
use tokenizers::{
    AddedToken, ModelWrapper, NormalizerWrapper, PostProcessorWrapper, Tokenizer,
    TruncationDirection, TruncationParams,
    models::wordpiece::WordPiece,
    normalizers::{Lowercase, Sequence, bert::BertNormalizer},
    pre_tokenizers::bert::BertPreTokenizer,
    processors::bert::BertProcessing,
};

/// A tokenizer as its directory describes it.
pub(crate) struct Vocabulary {
    pub(super) tokenizer: Tokenizer,
    /// The highest id + 1.
    pub(super) size: usize,
    pub(super) path: PathBuf,
}

impl Vocabulary {
    /// Reads `tokenizer.json`, or else `vocab.txt`, from `folder`.
    pub(crate) fn read(
        source: &Source,
        folder: &Path,
        config: &TokenizerConfig,
    ) -> Result<Vocabulary, Error> {
        let (path, bytes) = file(source, folder)?;
        let unusable = |reason: String| match minilm_model::kind(&bytes) {
            Some(kind) => ModelError::Kind { path: path.clone(), kind }.into(),
            None => Error::Tokenizer { path: path.clone(), reason },
        };
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let (mut tokenizer, size) = if is_json {
            match guard(|| word_piece::File::read(&bytes)).map_err(unusable)? {
                Some(file) => of_word_pieces(file, &path, config)?,
                None => {
                    growth::check(&bytes).map_err(unusable)?;
                    let written = guard(|| Tokenizer::from_bytes(&bytes)).map_err(unusable)?;
                    of_any_kind(written, &path, config)?
                }
            }
        } else if config.is_bert() {
            let vocab = WordPiece::read_bytes(&bytes).map_err(|e| unusable(e.to_string()))?;
            let size = vocab.values().max().map_or(0, |&id| id as usize + 1);
            let model = WordPiece::builder().vocab(vocab).build();
            let model = model.map_err(|e| unusable(e.to_string()))?;
            (bert(model, config).map_err(unusable)?, size)
        } else {
            let reason = format!(
                "the class {} needs a tokenizer.json, which is not there; \
                 `AutoTokenizer.from_pretrained(…).save_pretrained(…)` of transformers writes it",
                config.class
            );
            return field(&config.path, "tokenizer_class", reason);
        };
        add_all(&mut tokenizer, config)?;
        tokenizer.set_encode_special_tokens(config.split_special_tokens);
        if config.lowercase_first {
            lowercase(&mut tokenizer).map_err(unusable)?;
        }
        let added = tokenizer.get_added_tokens_decoder();
        let size = added.keys().fold(size, |size, &id| size.max(id as usize + 1));
        Ok(Vocabulary { tokenizer, size, path })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// `tokenizer.json`, or else `vocab.txt`, with its path.
fn file<'s>(source: &'s Source, folder: &Path) -> Result<(PathBuf, Cow<'s, [u8]>), Error> {
    for name in ["tokenizer.json", "vocab.txt"] {
        let path = folder.join(name);
        if let Some(bytes) = source.read(&path)? {
            return Ok((path, bytes));
        }
    }
    // A missing file is an error of reading, not of the tokenizer.
    Err(Error::Read { path: folder.join("tokenizer.json"), source: no_such_file() })
}

/// The tokenizer of a `tokenizer.json` of word pieces, by the class that reads it, and the highest
/// id of its vocabulary + 1.
fn of_word_pieces(
    file: word_piece::File,
    path: &Path,
    config: &TokenizerConfig,
) -> Result<(Tokenizer, usize), Error> {
    cuts_right(file.truncation.as_ref(), path, config)?;
    let size = file.size;
    let tokenizer = if config.is_bert() {
        let added = file.added.get_added_tokens_decoder().clone();
        of_bert(file.model, added, path, config)?
    } else {
        let unusable = |reason| Error::Tokenizer { path: path.to_owned(), reason };
        file.tokenizer().map_err(unusable)?
    };
    Ok((tokenizer, size))
}

/// The same for a file of any kind, as the library has read it.
fn of_any_kind(
    mut written: Tokenizer,
    path: &Path,
    config: &TokenizerConfig,
) -> Result<(Tokenizer, usize), Error> {
    cuts_right(written.get_truncation(), path, config)?;
    let size = written.get_vocab(false).values().max().map_or(0, |&id| id as usize + 1);
    let tokenizer = if !config.is_bert() {
        without_dropout(&mut written);
        written
    } else if let ModelWrapper::WordPiece(model) = written.get_model() {
        of_bert(model.clone(), written.get_added_tokens_decoder(), path, config)?
    } else {
        let reason = format!(
            "{} is made of word pieces, but the model in tokenizer.json is of another kind; if \
             tokenizer.json is right, the class is \"PreTrainedTokenizerFast\"",
            config.class
        );
        return field(&config.path, "tokenizer_class", reason);
    };
    Ok((tokenizer, size))
}

/// An error for a file that cuts texts at their beginning, unless the class says otherwise.
fn cuts_right(
    truncation: Option<&TruncationParams>,
    path: &Path,
    config: &TokenizerConfig,
) -> Result<(), Error> {
    let cuts_left =
        truncation.is_some_and(|truncation| truncation.direction == TruncationDirection::Left);
    if cuts_left && !config.truncates_right {
        return field(path, "truncation.direction", cuts_at("left"));
    }
    Ok(())
}

/// `BertTokenizer` with the vocabulary of a `tokenizer.json`, and the tokens added there.
fn of_bert(
    model: WordPiece,
    added: impl IntoIterator<Item = (u32, AddedToken)>,
    path: &Path,
    config: &TokenizerConfig,
) -> Result<Tokenizer, Error> {
    let unusable = |reason: String| Error::Tokenizer { path: path.to_owned(), reason };
    let mut tokenizer = bert(model, config).map_err(unusable)?;
    if config.tokens.with_file {
        let mut tokens: Vec<_> = added.into_iter().collect();
        tokens.sort_by_key(|&(id, _)| id);
        add(&mut tokenizer, tokens, path, "added_tokens")?;
    }
    Ok(tokenizer)
}

/// Dropout is for training: the same text would have other tokens each time.
fn without_dropout(tokenizer: &mut Tokenizer) {
    if let ModelWrapper::BPE(model) = tokenizer.get_model()
        && model.dropout.is_some()
    {
        let mut model = model.clone();
        model.dropout = None;
        tokenizer.with_model(model);
    }
}

/// `transformers.BertTokenizer`: a vocabulary and the fields of `tokenizer_config.json`.
fn bert(mut model: WordPiece, config: &TokenizerConfig) -> Result<Tokenizer, String> {
    let named = |name: &str, default: &str| {
        let given = config.tokens.named.iter().find(|(field, _)| *field == name);
        given.map_or_else(|| default.to_owned(), |(_, token)| token.content.clone())
    };
    model.unk_token = named("unk_token", "[UNK]");
    model.continuing_subword_prefix = "##".to_owned();
    model.max_input_chars_per_word = 100;
    let mut tokenizer = Tokenizer::new(model);
    let id = |token: String| {
        let id =
            tokenizer.token_to_id(&token).ok_or_else(|| format!("there is no token {token}"))?;
        Ok::<_, String>((token, id))
    };
    let (sep, cls) = (id(named("sep_token", "[SEP]"))?, id(named("cls_token", "[CLS]"))?);
    let surround = BertProcessing::new(sep, cls);
    let normalizer =
        BertNormalizer::new(true, config.chinese, config.strip_accents, config.lowercase);
    tokenizer
        .with_normalizer(Some(NormalizerWrapper::BertNormalizer(normalizer)))
        .map_err(|e| e.to_string())?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer.with_post_processor(Some(PostProcessorWrapper::Bert(surround)));
    Ok(tokenizer)
}

/// Adds the tokens that the directory names beside the vocabulary.
fn add_all(tokenizer: &mut Tokenizer, config: &TokenizerConfig) -> Result<(), Error> {
    let Tokens { added, named, extra, with_file } = &config.tokens;
    let is_named = |token: &AddedToken| named.iter().any(|(_, n)| n.content == token.content);
    let added = added.iter().map(|(&id, token)| {
        let token = token.clone();
        let special = token.special || is_named(&token);
        (id, token.special(special))
    });
    let source = if *with_file { "added_tokens.json" } else { "added_tokens_decoder" };
    add(tokenizer, added.collect(), &config.path, source)?;

    // BertTokenizer has these even if no file names them. One without a word piece would only get
    // an id that no word embedding has.
    let defaults = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"].into_iter().zip(&DEFAULTS);
    let defaults = defaults
        .filter(|(token, field)| {
            config.is_bert()
                && named.iter().all(|(name, _)| name != *field)
                && tokenizer.token_to_id(token).is_some()
        })
        .map(|(token, _)| AddedToken::from(token, true));
    let special = named.iter().map(|(_, token)| token.clone()).chain(defaults);
    let special: Vec<_> = special.chain(extra.iter().cloned()).collect();
    for token in special {
        let there = tokenizer.get_added_tokens_decoder();
        if !there.values().any(|known| known.content == token.content) {
            tokenizer.add_tokens([token]).map_err(|e| Error::Tokenizer {
                path: config.path.clone(),
                reason: e.to_string(),
            })?;
        }
    }
    Ok(())
}

/// The fields of the tokens that `BertTokenizer` has by default.
const DEFAULTS: [&str; 5] = ["unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// Adds tokens, each of which must get its id.
fn add(
    tokenizer: &mut Tokenizer,
    tokens: Vec<(u32, AddedToken)>,
    path: &Path,
    name: &'static str,
) -> Result<(), Error> {
    let ids: Vec<_> = tokens.iter().map(|(id, token)| (*id, token.content.clone())).collect();
    tokenizer
        .add_tokens(tokens.into_iter().map(|(_, token)| token))
        .map_err(|e| Error::Tokenizer { path: path.to_owned(), reason: e.to_string() })?;
    for (id, content) in ids {
        let found = tokenizer.token_to_id(&content);
        if let Some(found) = found.filter(|&found| found != id) {
            let reason =
                format!("the id of {content:?} is {id} here, but {found} in the vocabulary");
            return field(path, name, reason);
        }
    }
    Ok(())
}

/// Lower-cases texts before everything else, unless that is done anyway.
fn lowercase(tokenizer: &mut Tokenizer) -> Result<(), String> {
    let before = match tokenizer.get_normalizer() {
        Some(NormalizerWrapper::BertNormalizer(normalizer)) if normalizer.lowercase => {
            return Ok(());
        }
        Some(NormalizerWrapper::Lowercase(_)) => return Ok(()),
        other => other.cloned(),
    };
    let steps = [NormalizerWrapper::Lowercase(Lowercase)].into_iter().chain(before).collect();
    let sequence = NormalizerWrapper::Sequence(Sequence::new(steps));
    tokenizer.with_normalizer(Some(sequence)).map_err(|e| e.to_string())?;
    Ok(())
}
