//! Every defect of a model's directory is a typed error that names the file. Wrong values of
//! `config.json` and `model.safetensors` are in `crates/model/tests`.

mod support;

use minilm::{Error, SentenceEncoder, model::Error as ModelError};
use serde_json::json;
use std::{fs, path::Path};
use support::{
    refusal::{load, message, refused},
    tiny::Tiny,
};

#[test]
fn a_missing_directory_or_file_is_named() {
    let error = SentenceEncoder::load("no/such/directory").map(drop).unwrap_err();
    assert!(
        matches!(&error, Error::Read { path, .. } if path == Path::new("no/such/directory")),
        "{error:?}"
    );
    for file in ["config.json", "model.safetensors"] {
        let directory = Tiny::new().with_modules().write();
        fs::remove_file(directory.path().join(file)).unwrap();
        let error = load(&directory);
        assert!(
            matches!(&error, Error::Model(ModelError::Read { path, .. }) if path.ends_with(file)),
            "{error:?}"
        );
    }
    for file in ["vocab.txt", "1_Pooling/config.json"] {
        let directory = Tiny::new().with_modules().write();
        fs::remove_file(directory.path().join(file)).unwrap();
        assert!(matches!(load(&directory), Error::Read { .. }), "{file}");
    }
    let directory = Tiny::new().write();
    let file = directory.path().join("config.json");
    let error = SentenceEncoder::load(&file).map(drop).unwrap_err();
    assert!(matches!(error, Error::Place { path, .. } if path == file));
}

#[test]
fn a_module_outside_of_the_directory_is_refused() {
    for (at, path) in [(0, ".."), (0, "/"), (1, "../x/1_Pooling"), (1, "a/../../b")] {
        let mut tiny = Tiny::new().with_modules();
        let mut modules: serde_json::Value =
            serde_json::from_str(&tiny.files["modules.json"]).unwrap();
        modules[at]["path"] = json!(path);
        tiny.files.insert("modules.json".into(), modules.to_string());
        refused(&tiny, &["modules.json", "field path", path]);
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let directory = Tiny::new().with_modules().write();
    for file in [
        "model.safetensors",
        "config.json",
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
    ] {
        let path = directory.path().join(file);
        let whole = fs::read(&path).unwrap();
        for keep in [0, 1, 7, 8, 9, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..keep.min(whole.len() - 1)]).unwrap();
            let message = message(&load(&directory));
            assert!(message.contains(file), "{file} cut to {keep}: {message}");
        }
        fs::write(&path, &whole).unwrap();
    }
    SentenceEncoder::load(directory.path()).expect("whole again");
}

#[test]
fn weights_that_overflow_give_an_error_and_no_vector() {
    let mut tiny = Tiny::new();
    tiny.tensor("encoder.layer.0.output.LayerNorm.weight").values.fill(3e38);
    let encoder = SentenceEncoder::load(tiny.write()).unwrap();
    assert!(matches!(encoder.encode(&["the cat"]).unwrap_err(), Error::NotFinite { index: 0, .. }));
    assert!(matches!(
        encoder.token_embeddings("the cat").unwrap_err(),
        Error::NotFinite { index: 0, .. }
    ));
}

#[test]
fn modules_and_pooling_that_are_not_supported_are_named() {
    let with = |file: &str, content: String| {
        let mut tiny = Tiny::new().with_modules();
        tiny.files.insert(file.into(), content);
        tiny
    };
    let unknown = Tiny::new().with_modules().files["modules.json"]
        .replace("models.Normalize", "models.LayerNorm");
    refused(&with("modules.json", unknown), &["modules.json", "LayerNorm"]);
    refused(&with("modules.json", "[]".into()), &["modules.json"]);
    refused(&with("modules.json", "{}".into()), &["modules.json"]);
    refused(
        &with("1_Pooling/config.json", r#"{"pooling_mode": "median"}"#.into()),
        &["1_Pooling/config.json", "median", "mean"],
    );
    refused(
        &with("1_Pooling/config.json", r#"{"word_embedding_dimension": 53}"#.into()),
        &["word_embedding_dimension", "53"],
    );
    refused(
        &with("sentence_bert_config.json", r#"{"max_seq_length": "long"}"#.into()),
        &["sentence_bert_config.json"],
    );
    refused(
        &with("sentence_bert_config.json", r#"{"max_seq_length": 0}"#.into()),
        &["max_seq_length", "0"],
    );
}
