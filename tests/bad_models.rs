//! Every way a model's directory can be wrong is a typed error that names the file and the tensor
//! or field.

mod support;

use minilm::{
    Error, Level, SentenceEncoder,
    model::{Bert, Checkpoint, Error as ModelError},
};
use safetensors::Dtype;
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
    assert!(
        matches!(SentenceEncoder::load(&file).map(drop).unwrap_err(), Error::Read { path, .. } if path == file)
    );
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
fn a_lying_safetensors_header_is_refused() {
    let header =
        |json: &str| [&(json.len() as u64).to_le_bytes(), json.as_bytes(), &[0; 64]].concat();
    let lies = [
        u64::MAX.to_le_bytes().to_vec(),
        (1_u64 << 40).to_le_bytes().to_vec(),
        header("not json"),
        header("{}"),
        header(r#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,1000000]}}"#),
        header(r#"{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,64]}}"#),
        header(r#"{"a":{"dtype":"F32","shape":[16],"data_offsets":[64,0]}}"#),
        header(r#"{"a":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,64]}}"#),
        header(
            r#"{"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]},"b":{"dtype":"F32","shape":[8],"data_offsets":[16,48]}}"#,
        ),
        header(r#"{"a":{"dtype":"X99","shape":[16],"data_offsets":[0,64]}}"#),
    ];
    let directory = Tiny::new().write();
    for lie in lies {
        fs::write(directory.path().join("model.safetensors"), &lie).unwrap();
        let error = load(&directory);
        assert!(
            matches!(&error, Error::Model(ModelError::Safetensors { path, .. }) if path.ends_with("model.safetensors")),
            "{error:?}"
        );
    }
}

#[test]
fn a_tensor_that_is_missing_or_has_another_shape_or_type_is_named() {
    let name = "encoder.layer.1.attention.self.key.weight";
    let mut tiny = Tiny::new();
    tiny.tensors.remove(name);
    assert!(
        matches!(load(&tiny.write()), Error::Model(ModelError::MissingTensor { tensor, .. }) if tensor == name)
    );

    let mut tiny = Tiny::new();
    tiny.tensor(name).shape = vec![26, 104];
    match load(&tiny.write()) {
        Error::Model(ModelError::Shape { tensor, found, expected, .. }) => {
            assert_eq!((tensor.as_str(), found, expected), (name, vec![26, 104], vec![52, 52]));
        }
        other => panic!("{other:?}"),
    }

    let mut tiny = Tiny::new();
    tiny.tensor(name).dtype = Dtype::F64;
    assert!(
        matches!(load(&tiny.write()), Error::Model(ModelError::Dtype { tensor, found, .. }) if tensor == name && found == "F64")
    );
}

#[test]
fn a_weight_that_is_not_finite_is_named_wherever_it_is() {
    let names: Vec<String> = Tiny::new().tensors.keys().cloned().collect();
    for (i, name) in names.iter().enumerate() {
        let mut tiny = Tiny::new();
        let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][i % 3];
        let at = tiny.tensors[name].values.len() - 1;
        tiny.tensor(name).values[at] = bad;
        match load(&tiny.write()) {
            Error::Model(ModelError::NotFinite { tensor, index, .. }) => {
                assert_eq!((&tensor, index), (name, at))
            }
            other => panic!("{name}: {other:?}"),
        }
    }
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
fn a_configuration_that_cannot_be_run_names_the_field() {
    for (field, value) in [
        ("model_type", json!("roberta")),
        ("hidden_act", json!("gelu_new")),
        ("position_embedding_type", json!("relative_key")),
        ("num_attention_heads", json!(5)),
        ("num_attention_heads", json!(0)),
        ("hidden_size", json!(0)),
        ("intermediate_size", json!(1_u64 << 60)),
        ("layer_norm_eps", json!(-1.0)),
    ] {
        let mut tiny = Tiny::new();
        tiny.config[field] = value;
        match load(&tiny.write()) {
            Error::Model(ModelError::Config { path, field: named, .. }) => {
                assert!(path.ends_with("config.json"));
                assert_eq!(named, field);
            }
            other => panic!("{field}: {other:?}"),
        }
    }
    for (field, value) in
        [("hidden_size", json!("52")), ("num_hidden_layers", json!(-1)), ("vocab_size", json!(1.5))]
    {
        let mut tiny = Tiny::new();
        tiny.config[field] = value;
        assert!(matches!(load(&tiny.write()), Error::Model(ModelError::Json { .. })), "{field}");
    }
    let mut tiny = Tiny::new();
    tiny.config.as_object_mut().unwrap().remove("hidden_size");
    refused(&tiny, &["config.json", "hidden_size"]);
}

#[test]
fn a_configuration_that_contradicts_the_weights_names_the_tensor() {
    for (field, value, tensor) in [
        ("hidden_size", 54, "embeddings."),
        ("num_hidden_layers", 3, "encoder.layer.2."),
        ("intermediate_size", 400, "intermediate.dense.weight"),
        ("max_position_embeddings", 41, "position_embeddings"),
        ("vocab_size", 17, "word_embeddings"),
        ("type_vocab_size", 1, "token_type_embeddings"),
    ] {
        let mut tiny = Tiny::new();
        tiny.config[field] = json!(value);
        refused(&tiny, &["model.safetensors", tensor]);
    }
}

#[test]
fn modules_and_pooling_that_are_not_supported_are_named() {
    let with = |file: &str, content: String| {
        let mut tiny = Tiny::new().with_modules();
        tiny.files.insert(file.into(), content);
        tiny
    };
    let dense = Tiny::new().with_modules().files["modules.json"]
        .replace("models.Normalize", "models.Dense");
    refused(&with("modules.json", dense), &["modules.json", "Dense"]);
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

#[test]
fn a_configuration_from_elsewhere_is_checked_like_one_that_is_read() {
    let tiny = Tiny::new();
    let directory = tiny.write();
    let checkpoint = Checkpoint::open(&directory.path().join("model.safetensors")).unwrap();
    let bert = |heads: usize| {
        let mut json = tiny.config.clone();
        json["num_attention_heads"] = json!(heads);
        Bert::new(serde_json::from_value(json).unwrap(), &checkpoint, Level::detect())
    };
    assert!(bert(2).is_ok());
    for heads in [0, 5] {
        let error = bert(heads).unwrap_err();
        assert!(
            matches!(error, ModelError::Config { field: "num_attention_heads", .. }),
            "{heads}: {error:?}"
        );
    }
}
