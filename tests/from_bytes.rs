//! A model from bytes is the model from its directory.

mod support;

use minilm::{
    Error, Level, ModelFiles, SentenceEncoder,
    model::{Checkpoint, Error as ModelError},
};
use safetensors::Dtype;
use std::{borrow::Cow, fs, path::Path};
use support::{ENCODER, bits, model, tiny::Tiny};

const NAMES: [&str; 6] = [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
];

/// The files of a directory, as a program would have them.
fn files(directory: &Path, names: &[&str]) -> ModelFiles {
    names.iter().fold(ModelFiles::new(), |files, name| {
        files.with(*name, fs::read(directory.join(name)).unwrap())
    })
}

#[test]
fn bytes_give_the_bits_of_the_directory() {
    let encoder = SentenceEncoder::from_bytes(files(&model(), &NAMES)).unwrap();
    assert_eq!(encoder.max_tokens(), 256);
    let text = "This is an example sentence";
    assert_eq!(bits(&encoder.encode_one(text).unwrap()), bits(&ENCODER.encode_one(text).unwrap()));
}

#[test]
fn weights_at_any_address_give_the_same_bits() {
    let directory = Tiny::new().with_modules().write();
    let names = [
        "config.json",
        "vocab.txt",
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
    ];
    let text = "the cat sat on a mat.";
    let want = SentenceEncoder::load(directory.path()).unwrap().encode_one(text).unwrap();
    let weights = fs::read(directory.path().join("model.safetensors")).unwrap();
    for shift in 0..8 {
        let shifted: &'static [u8] = [&vec![0; shift], weights.as_slice()].concat().leak();
        let files = files(directory.path(), &names).with("model.safetensors", &shifted[shift..]);
        let encoder = SentenceEncoder::builder().threads(1).from_bytes(files).unwrap();
        assert_eq!(
            bits(&encoder.encode_one(text).unwrap()),
            bits(&want),
            "{shift} bytes further on"
        );
    }
}

#[test]
fn aligned_weights_are_read_in_place() {
    let mut tiny = Tiny::new();
    let name = "embeddings.word_embeddings.weight";
    let shape = tiny.tensor(name).shape.clone();
    let weights: &'static [u8] =
        fs::read(tiny.write().path().join("model.safetensors")).unwrap().leak();
    let inside = weights.as_ptr_range();
    let in_place = |bytes: &'static [u8]| {
        let checkpoint = Checkpoint::from_bytes(bytes, "x".as_ref()).unwrap();
        let tensor = checkpoint.tensor(name, &shape).unwrap();
        matches!(tensor, Cow::Borrowed(values) if inside.contains(&values.as_ptr().cast()))
    };
    assert!(in_place(weights));
    tiny.store_as(Dtype::F16);
    assert!(!in_place(fs::read(tiny.write().path().join("model.safetensors")).unwrap().leak()));
}

#[test]
fn what_is_missing_or_wrong_is_named_as_it_would_be_in_a_directory() {
    let directory = Tiny::new().with_modules().write();
    let names =
        ["config.json", "model.safetensors", "vocab.txt", "modules.json", "1_Pooling/config.json"];
    let load = |files: ModelFiles| {
        SentenceEncoder::builder().level(Level::detect()).from_bytes(files).map(drop)
    };
    load(files(directory.path(), &names)).unwrap();
    for missing in ["config.json", "model.safetensors", "vocab.txt", "1_Pooling/config.json"] {
        let rest: Vec<&str> = names.into_iter().filter(|name| *name != missing).collect();
        let wanted = if missing == "vocab.txt" { "tokenizer.json" } else { missing };
        match load(files(directory.path(), &rest)) {
            Err(Error::Read { path, .. } | Error::Model(ModelError::Read { path, .. })) => {
                assert_eq!(path, Path::new(wanted))
            }
            other => panic!("without {missing}: {other:?}"),
        }
    }
    for cut in ["config.json", "model.safetensors", "modules.json", "1_Pooling/config.json"] {
        let bytes = fs::read(directory.path().join(cut)).unwrap();
        let error =
            load(files(directory.path(), &names).with(cut, bytes[..bytes.len() / 2].to_vec()))
                .unwrap_err();
        assert!(error.to_string().starts_with(cut), "{error}");
    }
    assert!(load(ModelFiles::new()).is_err());
}
