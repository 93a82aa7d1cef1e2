//! A `tokenizer.json` of word pieces, whose vocabulary is read once.
//!
//! ```text
//! tokenizers   text → tree of JSON → tree without `type` → vocabulary → its copy for BertTokenizer
//! here         text → vocabulary
//! ```
//!
//! The library `tokenizers` reads models of every kind, and gives a model out as a copy alone. With
//! 30 000 pieces these copies take longer than to pack all weights of a small model. So a file that
//! has exactly the fields of this kind is read here, into the library's own parts. Every other
//! file, and one with an error, is the library's to read.

use super::growth;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokenizers::{
    AddedToken, AddedVocabulary, DecoderWrapper, ModelWrapper, NormalizerWrapper, PaddingParams,
    PostProcessorWrapper, PreTokenizerWrapper, Tokenizer, TokenizerBuilder, TruncationParams,
    models::wordpiece::WordPiece,
};

/// The parts of the file.
pub(super) struct File {
    pub model: WordPiece,
    /// The vocabulary's highest id + 1.
    pub size: usize,
    pub added: AddedVocabulary,
    pub truncation: Option<TruncationParams>,
    padding: Option<PaddingParams>,
    normalizer: Option<NormalizerWrapper>,
    pre_tokenizer: Option<PreTokenizerWrapper>,
    post_processor: Option<PostProcessorWrapper>,
    decoder: Option<DecoderWrapper>,
}

/// The file as it is written, with a vocabulary of the type `V`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<V> {
    #[serde(default)]
    #[expect(dead_code, reason = "a file of another version is not read")]
    version: Version,
    truncation: Option<TruncationParams>,
    padding: Option<PaddingParams>,
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<PreTokenizerWrapper>,
    post_processor: Option<PostProcessorWrapper>,
    decoder: Option<DecoderWrapper>,
    model: Model<V>,
}

#[derive(Deserialize, Default)]
enum Version {
    #[default]
    #[serde(rename = "1.0")]
    One,
}

/// A token with the id that it had, which is not used: the library gives ids.
#[derive(Deserialize)]
struct Added {
    #[serde(rename = "id")]
    _id: u32,
    #[serde(flatten)]
    token: AddedToken,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model<V> {
    #[serde(rename = "type")]
    _kind: Kind,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    vocab: V,
}

#[derive(Deserialize)]
enum Kind {
    WordPiece,
}

impl File {
    /// The parts of a file; `None` if it is not exactly of this form, and an error if it makes
    /// texts too long.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<File>, String> {
        let Some(written) = parse(bytes, WordPiece::read_bytes) else { return Ok(None) };
        if let Some(normalizer) = &written.normalizer {
            growth::check_normalizer(normalizer)?;
        }
        let normalizer: Option<NormalizerWrapper> =
            match serde_json::from_value(written.normalizer.into()) {
                Ok(normalizer) => normalizer,
                Err(_) => return Ok(None),
            };
        let Model { unk_token, continuing_subword_prefix, max_input_chars_per_word, vocab, .. } =
            written.model;
        let size = vocab.values().max().map_or(0, |&id| id as usize + 1);
        let model = WordPiece::builder()
            .vocab(vocab)
            .unk_token(unk_token)
            .continuing_subword_prefix(continuing_subword_prefix)
            .max_input_chars_per_word(max_input_chars_per_word)
            .build()
            .map_err(|e| e.to_string())?;
        let mut added = AddedVocabulary::new();
        let tokens = written.added_tokens.into_iter().map(|added| added.token);
        added.add_tokens(tokens, &model, normalizer.as_ref()).map_err(|e| e.to_string())?;
        Ok(Some(File {
            model,
            size,
            added,
            truncation: written.truncation,
            padding: written.padding,
            normalizer,
            pre_tokenizer: written.pre_tokenizer,
            post_processor: written.post_processor,
            decoder: written.decoder,
        }))
    }

    /// The tokenizer of the file.
    pub(super) fn tokenizer(self) -> Result<Tokenizer, String> {
        let tokenizer = TokenizerBuilder::new()
            .with_model(ModelWrapper::WordPiece(self.model))
            .with_normalizer(self.normalizer)
            .with_pre_tokenizer(self.pre_tokenizer)
            .with_post_processor(self.post_processor)
            .with_decoder(self.decoder)
            .with_added_vocabulary(self.added)
            .with_truncation(self.truncation)
            .with_padding(self.padding)
            .build()
            .map_err(|e| e.to_string())?;
        Ok(tokenizer.into())
    }
}

/// The file with the vocabulary in the library's own map, whose type is that which `read_bytes`
/// gives.
fn parse<V: DeserializeOwned>(
    bytes: &[u8],
    _read_bytes: fn(&'static [u8]) -> tokenizers::Result<V>,
) -> Option<Written<V>> {
    serde_json::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::File;
    use serde_json::{Value, json};
    use std::fs;
    use tokenizers::Tokenizer;

    const FILE: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/weights/all-MiniLM-L6-v2/tokenizer.json");

    /// Both ways of reading a file.
    fn both(file: &Value) -> (Option<String>, Option<String>) {
        let bytes = serde_json::to_vec(file).unwrap();
        let here = File::read(&bytes).unwrap().map(|file| file.tokenizer().unwrap());
        let library = Tokenizer::from_bytes(&bytes).ok();
        let json = |tokenizer: Tokenizer| tokenizer.to_string(false).unwrap();
        (here.map(json), library.map(json))
    }

    #[test]
    fn a_file_gives_the_tokenizer_that_the_library_reads() {
        let mut file: Value = serde_json::from_slice(&fs::read(FILE).unwrap()).unwrap();
        let (here, library) = both(&file);
        assert!(here.is_some());
        assert_eq!(here, library);
        assert_eq!(File::read(&fs::read(FILE).unwrap()).unwrap().unwrap().size, 30522);

        let token = json!({"id": 7, "content": "[NEW]", "single_word": false, "lstrip": true,
            "rstrip": false, "normalized": true, "special": false});
        file["added_tokens"].as_array_mut().unwrap().push(token);
        file["normalizer"] = json!({"type": "Sequence", "normalizers": [{"type": "Lowercase"}]});
        file["truncation"] = Value::Null;
        let (here, library) = both(&file);
        assert!(here.as_ref().is_some_and(|here| here.contains(r#""id":30522,"content":"[NEW]""#)));
        assert_eq!(here, library);
    }

    #[test]
    fn other_files_are_left_to_the_library() {
        let file: Value = serde_json::from_slice(&fs::read(FILE).unwrap()).unwrap();
        let other = |change: &dyn Fn(&mut Value)| {
            let mut file = file.clone();
            change(&mut file);
            both(&file).0
        };
        assert_eq!(other(&|file| file["version"] = json!("2.0")), None);
        assert_eq!(other(&|file| file["model"]["type"] = json!("WordLevel")), None);
        assert_eq!(other(&|file| file["model"]["more"] = json!(1)), None);
        assert_eq!(other(&|file| file["model"]["vocab"]["new"] = json!(-1)), None);
        assert_eq!(other(&|file| file["normalizer"] = json!({"type": "None"})), None);
        assert!(File::read(b"{").unwrap().is_none());
    }
}
