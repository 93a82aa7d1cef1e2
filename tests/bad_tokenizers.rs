//! A tokenizer that does not fit, or whose file is wrong, is a typed error and no panic.

mod support;

use minilm::{Error, SentenceEncoder, Windows};
use serde_json::json;
use support::{
    refusal::{load, refused},
    tiny::{Tiny, VOCABULARY},
};

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let mut tiny = Tiny::new();
    tiny.files.insert("tokenizer.json".into(), "{}".into());
    assert!(matches!(
        load(&tiny.write()),
        Error::Tokenizer { path, .. } if path.ends_with("tokenizer.json")
    ));

    let mut tiny = Tiny::new();
    *tiny.files.get_mut("vocab.txt").unwrap() += "\nextra";
    assert!(matches!(load(&tiny.write()), Error::Vocabulary { tokenizer: 17, model: 16, .. }));

    let mut tiny = Tiny::new();
    tiny.files.insert("vocab.txt".into(), "no\nspecial\ntokens".into());
    assert!(
        matches!(load(&tiny.write()), Error::Tokenizer { path, .. } if path.ends_with("vocab.txt"))
    );
}

/// A `tokenizer.json` of the small vocabulary, without anything around a text; `change` makes it
/// wrong.
fn with_tokenizer(change: impl FnOnce(&mut serde_json::Value)) -> Tiny {
    let vocabulary: serde_json::Map<_, _> =
        VOCABULARY.iter().enumerate().map(|(id, token)| ((*token).into(), json!(id))).collect();
    let mut tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": { "type": "BertPreTokenizer" }, "post_processor": null, "decoder": null,
        "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary }
    });
    change(&mut tokenizer);
    let mut tiny = Tiny::new().with_modules();
    tiny.files.insert("tokenizer.json".into(), tokenizer.to_string());
    let class = json!({"tokenizer_class": "PreTrainedTokenizerFast"});
    tiny.files.insert("tokenizer_config.json".into(), class.to_string());
    tiny
}

fn surround(tokenizer: &mut serde_json::Value, cls: &[(&str, u32)]) {
    let piece = |name: &str| json!({"SpecialToken": {"id": name, "type_id": 0}});
    let single: Vec<_> = cls
        .iter()
        .map(|(name, _)| piece(name))
        .chain([json!({"Sequence": {"id": "A", "type_id": 0}})])
        .collect();
    let special = cls
        .iter()
        .map(|&(name, id)| (name.to_owned(), json!({"id": name, "ids": [id], "tokens": [name]})));
    let special: serde_json::Map<_, _> = special.collect();
    tokenizer["post_processor"] = json!({
        "type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": special
    });
}

#[test]
fn a_text_without_any_token_is_an_error_in_every_pooling() {
    for mode in ["mean", "cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens"] {
        let mut tiny = with_tokenizer(|_| {});
        tiny.files
            .insert("1_Pooling/config.json".into(), json!({ "pooling_mode": mode }).to_string());
        let encoder = SentenceEncoder::load(tiny.write()).unwrap();
        assert_eq!(encoder.tokenize("the cat").unwrap().ids, [5, 6]);
        assert!(encoder.encode_one("the cat").unwrap().iter().all(|x| x.is_finite()));
        let none = |error: Error, at| {
            assert!(
                matches!(error, Error::Tokenize { index, .. } if index == at),
                "{mode}: {error:?}"
            )
        };
        none(encoder.encode(&["the cat", "", "a dog"]).unwrap_err(), 1);
        none(encoder.encode_iter(["a dog", " "]).last().unwrap().unwrap_err(), 1);
        none(encoder.token_embeddings("").unwrap_err(), 0);
        none(encoder.trace("").unwrap_err(), 0);
        none(encoder.encode_long("", Windows::new()).unwrap_err(), 0);
        assert_eq!(encoder.count_tokens("").unwrap().used, 0);
    }
}

#[test]
fn a_token_around_every_text_that_has_no_word_embedding_is_refused() {
    let tiny = with_tokenizer(|tokenizer| surround(tokenizer, &[("[CLS]", 4_000_000_000)]));
    assert!(matches!(
        load(&tiny.write()),
        Error::Vocabulary { tokenizer: 4_000_000_001, model: 16, .. }
    ));
}

#[test]
fn more_tokens_around_a_text_than_the_model_reads_are_the_fault_of_the_tokenizer() {
    let tiny = with_tokenizer(|tokenizer| surround(tokenizer, &[("[CLS]", 2); 32]));
    refused(&tiny, &["tokenizer.json", "32 tokens"]);
}

#[test]
fn a_tokenizer_that_panics_is_refused() {
    let unknown_merge = json!({"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]});
    refused(
        &with_tokenizer(|tokenizer| tokenizer["model"] = unknown_merge),
        &["tokenizer.json", "panicked"],
    );
    let short_map = json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"});
    refused(
        &with_tokenizer(|tokenizer| tokenizer["normalizer"] = short_map),
        &["tokenizer.json", "panicked"],
    );
}
