//! Two embeddings are comparable if their encoders were loaded from the same files.

mod support;

use minilm::{
    EncodeOptions, Error, ModelFiles, SentenceEncoder, model::Error as ModelError, tasks::index,
};
use serde_json::json;
use std::{fs, path::Path};
use support::{ENCODER, bits, model, tiny::Tiny};

const NAMES: [&str; 6] = [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
];

fn files(directory: &Path, names: &[&str]) -> ModelFiles {
    names.iter().fold(ModelFiles::new(), |files, name| {
        files.with(*name, fs::read(directory.join(name)).unwrap())
    })
}

#[test]
fn a_model_in_bytes_has_the_space_of_its_directory() {
    let bytes = SentenceEncoder::from_bytes(files(&model(), &NAMES)).unwrap().space();
    assert!(bytes.is_same(&ENCODER.space()), "{bytes} and {}", ENCODER.space());
    assert!(bytes.to_string().starts_with("a model in bytes ("));
}

#[test]
fn a_space_is_of_the_files_that_were_loaded() {
    let directory = Tiny::new().with_modules().write();
    let before = SentenceEncoder::load(directory.path()).unwrap();
    // Other weights under the same name, as a download or a training run puts them there.
    let mut other = Tiny::new().with_modules();
    other.tensor("encoder.layer.1.output.dense.bias").values[0] += 1.0;
    let other = other.write();
    fs::rename(other.path().join("model.safetensors"), directory.path().join("model.safetensors"))
        .unwrap();
    let after = SentenceEncoder::load(directory.path()).unwrap();
    assert_ne!(bits(&before.encode_one("sat").unwrap()), bits(&after.encode_one("sat").unwrap()));
    assert!(!before.space().is_same(&after.space()));
    drop(directory);
    assert!(after.space().is_same(&after.clone().space()), "the directory is gone");
}

#[test]
fn whatever_changes_a_vector_changes_the_space() {
    let space = |change: &dyn Fn(&mut Tiny)| {
        let mut tiny = Tiny::new().with_modules();
        change(&mut tiny);
        SentenceEncoder::load(tiny.write().path()).unwrap().space()
    };
    let file = |tiny: &mut Tiny, name: &str, content: String| {
        tiny.files.insert(name.to_owned(), content);
    };
    let plain = space(&|_| {});
    assert!(plain.is_same(&space(&|_| {})));
    let pooling = |json: serde_json::Value| {
        move |tiny: &mut Tiny| file(tiny, "1_Pooling/config.json", json.to_string())
    };
    let changes: [&dyn Fn(&mut Tiny); 7] = [
        &|tiny| tiny.tensor("encoder.layer.0.output.dense.bias").values[0] += 0.5,
        &|tiny| tiny.config["layer_norm_eps"] = json!(1e-5),
        &|tiny| tiny.config["num_attention_heads"] = json!(4),
        &|tiny| file(tiny, "vocab.txt", support::tiny::VOCABULARY.join("\n").replace("cat", "cow")),
        &|tiny| {
            let json = json!({"do_lower_case": false});
            file(tiny, "tokenizer_config.json", json.to_string());
        },
        &pooling(json!({"embedding_dimension": 52, "pooling_mode": "cls"})),
        &|tiny| {
            let json = json!({"truncate_dim": 8});
            file(tiny, "config_sentence_transformers.json", json.to_string());
        },
    ];
    for (i, change) in changes.iter().enumerate() {
        assert!(!space(change).is_same(&plain), "change {i}");
    }
    let unpooled = pooling(json!({"word_embedding_dimension": 52, "include_prompt": false}));
    assert!(!space(&unpooled).is_same(&plain));
}

#[test]
fn clones_share_the_model_and_may_go_to_any_thread() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let encoder = SentenceEncoder::load(Tiny::new().with_modules().write().path()).unwrap();
    shared(&encoder);
    let want = bits(&encoder.encode_one("the cat sat").unwrap());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let encoder = encoder.clone();
            std::thread::spawn(move || bits(&encoder.encode_one("the cat sat").unwrap()))
        })
        .collect();
    assert!(std::ptr::eq(encoder.model(), encoder.clone().model()));
    drop(encoder);
    for thread in threads {
        assert_eq!(thread.join().unwrap(), want);
    }
}

#[test]
fn a_broken_header_has_its_reason_as_the_source() {
    let files = files(&model(), &NAMES).with("model.safetensors", vec![0; 4]);
    let error = SentenceEncoder::from_bytes(files).unwrap_err();
    let Error::Model(ModelError::Safetensors { source, .. }) = error else { panic!("{error}") };
    assert!(!source.to_string().is_empty());
}

#[test]
fn an_error_says_what_differs_between_two_spaces() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.index");
    let encoder = SentenceEncoder::load(Tiny::new().with_modules().write().path()).unwrap();
    let vectors = encoder.encode(&["the cat"]).unwrap();
    index::write(&path, &encoder.space(), vectors.view(), &["the cat"]).unwrap();
    let refused = |options: EncodeOptions| {
        let space = encoder.space_with(&options).unwrap();
        let error = index::append(&path, &space, vectors.view(), &["x"]).unwrap_err();
        error.to_string()
    };
    let message = refused(EncodeOptions::new().truncate_dim(8));
    assert!(message.ends_with("); dimensions: 52, not 8"), "{message}");
    let message = refused(EncodeOptions::new().truncate_dim(8).normalize(false));
    assert!(
        message.ends_with(
            "; dimensions: 52, not 8; normalisation: normalised, then cut, not as pooled"
        ),
        "{message}"
    );
    let mut tiny = Tiny::new().with_modules();
    tiny.tensor("encoder.layer.0.output.dense.bias").values[0] += 0.5;
    let other = SentenceEncoder::load(tiny.write().path()).unwrap().space();
    let error = index::append(&path, &other, vectors.view(), &["x"]).unwrap_err().to_string();
    assert!(error.contains("; model: ") && !error.contains("dimensions"), "{error}");
}
