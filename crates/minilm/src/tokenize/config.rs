//! The settings of a tokenizer beside its vocabulary, by the rules of transformers.
//!
//! ```text
//! tokenizer_config.json        do_lower_case, strip_accents, tokenize_chinese_chars, tokens
//!   ← special_tokens_map.json    if there is no added_tokens_decoder
//!   ← processor_kwargs           of sentence_bert_config.json, which come last
//! added_tokens.json            more tokens, if there is no added_tokens_decoder
//! ```
//!
//! The class `BertTokenizer`, which is that of a BERT if no other is named, is made of the
//! vocabulary and these fields alone: a normalizer in `tokenizer.json` has no say. Every other
//! class is `tokenizer.json` as it is.

use crate::{
    Error,
    directory::{field, read_json},
    files::Source,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use tokenizers::AddedToken;

/// How a tokenizer is made of its vocabulary.
#[derive(Debug)]
pub(crate) struct TokenizerConfig {
    /// `tokenizer_config.json`.
    pub path: PathBuf,
    /// The class without `Fast` at its end.
    pub class: String,
    pub lowercase: bool,
    pub strip_accents: Option<bool>,
    pub chinese: bool,
    /// A lower-casing step in front, by `do_lower_case` of `sentence_bert_config.json`.
    pub lowercase_first: bool,
    /// Special tokens in a text are read as plain text.
    pub split_special_tokens: bool,
    /// The longest text in tokens.
    pub max_length: Option<usize>,
    /// `truncation_side` is there and says `right`.
    pub truncates_right: bool,
    pub tokens: Tokens,
}

/// Tokens beside those of the vocabulary.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// With their ids, in their order.
    pub added: BTreeMap<u32, AddedToken>,
    /// Those of `tokenizer.json` belong to them.
    pub with_file: bool,
    /// By their field's name, and in the order in which transformers adds them.
    pub named: Vec<(&'static str, AddedToken)>,
    pub extra: Vec<AddedToken>,
}

/// Names of special tokens, in the order in which they are added.
const NAMED: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

#[derive(Deserialize)]
struct Fields {
    auto_map: Option<Value>,
    tokenizer_class: Option<String>,
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    split_special_tokens: Option<bool>,
    truncation_side: Option<String>,
    add_bos_token: Option<bool>,
    add_eos_token: Option<bool>,
    model_max_length: Option<f64>, // written as 1e30 where there is no limit
    added_tokens_decoder: Option<BTreeMap<u32, Written>>,
    additional_special_tokens: Option<Vec<Written>>,
    extra_special_tokens: Option<Extra>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A token as it is written: its text, or all that there is to say.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Written {
    Text(String),
    Whole {
        content: String,
        #[serde(default)]
        lstrip: bool,
        #[serde(default)]
        rstrip: bool,
        #[serde(default)]
        single_word: bool,
        normalized: Option<bool>,
        special: Option<bool>,
    },
}

/// A list, or tokens by names of the model's own.
#[derive(Deserialize)]
#[serde(untagged)]
enum Extra {
    List(Vec<Written>),
    Named(BTreeMap<String, Written>),
}

impl Written {
    fn token(self, is_special: bool) -> AddedToken {
        match self {
            Written::Text(content) => AddedToken::from(content, is_special),
            Written::Whole { content, lstrip, rstrip, single_word, normalized, special } => {
                let special = special.unwrap_or(false) || is_special;
                AddedToken::from(content, special)
                    .lstrip(lstrip)
                    .rstrip(rstrip)
                    .single_word(single_word)
                    .normalized(normalized.unwrap_or(!special))
            }
        }
    }
}

/// The settings in other files.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    /// `tokenizer_class` of `config.json`.
    pub class: Option<String>,
    /// `processor_kwargs` of `sentence_bert_config.json`.
    pub processor_kwargs: Map<String, Value>,
    /// `do_lower_case` of `sentence_bert_config.json`.
    pub lowercase_first: bool,
}

impl TokenizerConfig {
    /// Reads the files in `folder`.
    pub(crate) fn read(
        source: &Source,
        folder: &Path,
        overrides: Overrides,
    ) -> Result<TokenizerConfig, Error> {
        let path = folder.join("tokenizer_config.json");
        let mut written: Map<String, Value> = read_json(source, &path)?.unwrap_or_default();
        let Overrides { class, processor_kwargs, lowercase_first } = overrides;
        let legacy = ![&written, &processor_kwargs]
            .iter()
            .any(|fields| fields.contains_key("added_tokens_decoder"));
        if legacy {
            let special: Option<Map<String, Value>> =
                read_json(source, &folder.join("special_tokens_map.json"))?;
            written.extend(special.unwrap_or_default());
        }
        written.extend(processor_kwargs);
        let fields: Fields = serde_json::from_value(Value::Object(written))
            .map_err(|source| Error::Json { path: path.clone(), source })?;
        fields.refuse(&path)?;

        let class = fields.tokenizer_class.clone().or(class);
        let class = class.as_deref().unwrap_or("BertTokenizer");
        let class = class.strip_suffix("Fast").unwrap_or(class).to_owned();
        let config = TokenizerConfig {
            lowercase: fields.do_lower_case.unwrap_or(true),
            strip_accents: fields.strip_accents,
            chinese: fields.tokenize_chinese_chars.unwrap_or(true),
            lowercase_first,
            split_special_tokens: fields.split_special_tokens == Some(true),
            max_length: fields.limit(),
            truncates_right: fields.truncation_side.is_some(),
            tokens: fields.tokens(source, folder, &path, legacy)?,
            class,
            path,
        };
        Ok(config)
    }

    /// Whether it is made of a vocabulary and these fields alone.
    pub(crate) fn is_bert(&self) -> bool {
        matches!(self.class.as_str(), "BertTokenizer" | "DistilBertTokenizer" | "ElectraTokenizer")
    }
}

impl Fields {
    /// An error for what changes vectors and is not done here.
    fn refuse(&self, path: &Path) -> Result<(), Error> {
        if let Some(code) = &self.auto_map
            && !code.is_null()
        {
            return field(
                path,
                "auto_map",
                format!("{code} is code of the model's own, which is not run"),
            );
        }
        if let Some(side) = self.truncation_side.as_deref().filter(|side| *side != "right") {
            return field(path, "truncation_side", cuts_at(side));
        }
        let is_bert = self
            .tokenizer_class
            .as_deref()
            .is_none_or(|class| class.trim_end_matches("Fast") == "BertTokenizer");
        for (name, given) in
            [("add_bos_token", self.add_bos_token), ("add_eos_token", self.add_eos_token)]
        {
            if let Some(given) = given.filter(|_| !is_bert) {
                let reason = format!(
                    "{given} changes what is put around a text; \
                     write that into post_processor of tokenizer.json, and remove the field"
                );
                return field(path, name, reason);
            }
        }
        Ok(())
    }

    fn limit(&self) -> Option<usize> {
        let no_limit = 1e9;
        self.model_max_length.filter(|n| (3.0..no_limit).contains(n)).map(|n| n as usize)
    }

    fn tokens(
        mut self,
        source: &Source,
        folder: &Path,
        path: &Path,
        legacy: bool,
    ) -> Result<Tokens, Error> {
        let mut named = Vec::new();
        for name in NAMED {
            let Some(written) = self.rest.remove(name).filter(|value| !value.is_null()) else {
                continue;
            };
            let written: Written = serde_json::from_value(written)
                .map_err(|source| Error::Json { path: path.to_owned(), source })?;
            named.push((name, written.token(true)));
        }
        let extra = match self.extra_special_tokens {
            None => Vec::new(),
            Some(Extra::List(list)) => list,
            Some(Extra::Named(named)) => named.into_values().collect(),
        };
        let extra = self.additional_special_tokens.unwrap_or_default().into_iter().chain(extra);
        let extra: Vec<_> = extra.map(|token| token.token(true)).collect();

        let mut added = BTreeMap::new();
        if legacy {
            let more: BTreeMap<String, u32> =
                read_json(source, &folder.join("added_tokens.json"))?.unwrap_or_default();
            let special = named.iter().map(|(_, token)| token).chain(&extra);
            let special: Vec<&str> = special.map(|token| token.content.as_str()).collect();
            added.extend(more.into_iter().map(|(content, id)| {
                let is_special = special.contains(&content.as_str());
                (id, AddedToken::from(content, is_special))
            }));
        } else {
            let decoder = self.added_tokens_decoder.unwrap_or_default();
            added.extend(decoder.into_iter().map(|(id, written)| (id, written.token(false))));
        }
        Ok(Tokens { added, with_file: legacy, named, extra })
    }
}

/// Why a side from which texts are cut is refused.
pub(super) fn cuts_at(side: &str) -> String {
    format!("a long text is cut at its {side:?} side, but only \"right\" is supported")
}
