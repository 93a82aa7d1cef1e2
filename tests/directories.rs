//! What the files of a model's directory say is obeyed or refused, as the table in the book has it
//! (`docs/13-directories.md`).

mod support;

use minilm::{Error, ModelFiles, SentenceEncoder};
use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::{fs, path::Path};
use support::{
    bits,
    refusal::{self, message, refused},
    tiny::Tiny,
};
use tempfile::TempDir;

/// A directory with one more file.
fn with(name: &str, content: Value) -> Tiny {
    let mut tiny = Tiny::new().with_modules();
    tiny.files.insert(name.to_owned(), content.to_string());
    tiny
}

fn load(tiny: &Tiny) -> SentenceEncoder {
    SentenceEncoder::load(tiny.write().path()).unwrap_or_else(|error| panic!("{error:?}"))
}

const TEXT: &str = "The cat sat on a mats.";

/// The vector of a directory is that of the plain one.
#[track_caller]
fn changes_nothing(tiny: &Tiny) {
    let plain = load(&Tiny::new().with_modules()).encode_one(TEXT).unwrap();
    assert_eq!(bits(&load(tiny).encode_one(TEXT).unwrap()), bits(&plain));
}

#[test]
fn every_tokenizer_has_the_ids_of_transformers() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/directories.json");
    let file: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let texts: Vec<&str> =
        file["texts"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let cases = file["cases"].as_object().unwrap();
    assert!(cases.len() > 25);
    for (name, case) in cases {
        let mut tiny = Tiny::new();
        tiny.files.clear();
        for (name, content) in case["files"].as_object().unwrap() {
            tiny.files.insert(name.clone(), content.as_str().unwrap().to_owned());
        }
        let rows = if name == "another kind of model" { 11 } else { 40 };
        tiny.set_vocabulary(rows);
        let encoder = load(&tiny);
        for (text, want) in texts.iter().zip(case["ids"].as_array().unwrap()) {
            let found = encoder.tokenize(text).unwrap().ids;
            assert_eq!(json!(found), *want, "{name}: {text:?}");
        }
    }
}

#[test]
fn dropout_of_a_tokenizer_is_for_training_alone() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/directories.json");
    let file: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let files = &file["cases"]["another kind of model"]["files"];
    let mut json: Value = serde_json::from_str(files["tokenizer.json"].as_str().unwrap()).unwrap();
    json["model"]["dropout"] = json!(1.0); // no merge at all
    let mut tiny = with("tokenizer.json", json);
    let config = files["tokenizer_config.json"].as_str().unwrap().to_owned();
    tiny.files.insert("tokenizer_config.json".into(), config);
    tiny.set_vocabulary(11);
    assert_eq!(load(&tiny).tokenize("the ab").unwrap().ids, [0, 10, 5, 1]);
}

#[test]
fn a_field_that_is_not_obeyed_is_refused_with_its_file_and_name() {
    let cases: [(&str, Value, &[&str]); 32] = [
        (
            "tokenizer_config.json",
            json!({"auto_map": {"AutoTokenizer": ["a.B", null]}}),
            &["auto_map", "code"],
        ),
        ("tokenizer_config.json", json!({"truncation_side": "left"}), &["truncation_side", "left"]),
        (
            "tokenizer_config.json",
            json!({"tokenizer_class": "BertJapaneseTokenizer"}),
            &["tokenizer_class", "BertJapaneseTokenizer", "tokenizer.json"],
        ),
        (
            "tokenizer_config.json",
            json!({"tokenizer_class": "TokenizersBackend", "add_eos_token": true}),
            &["add_eos_token"],
        ),
        (
            "tokenizer_config.json",
            json!({"added_tokens_decoder": {"15": {"content": "cat"}}}),
            &["added_tokens_decoder", "cat", "15", "6"],
        ),
        ("tokenizer_config.json", json!({"do_lower_case": "no"}), &["string"]),
        ("special_tokens_map.json", json!([]), &["special_tokens_map.json"]),
        ("added_tokens.json", json!({"[WORLD]": 16}), &["17 tokens", "16 word embeddings"]),
        ("added_tokens.json", json!({"cat": 3}), &["added_tokens.json", "cat"]),
        (
            "sentence_bert_config.json",
            json!({"transformer_task": "fill-mask"}),
            &["transformer_task", "fill-mask"],
        ),
        (
            "sentence_bert_config.json",
            json!({"module_output_name": "logits"}),
            &["module_output_name", "logits"],
        ),
        (
            "sentence_bert_config.json",
            json!({"modality_config": {
                "text": {"method": "forward", "method_output_name": "pooler_output"}
            }}),
            &["modality_config", "pooler_output"],
        ),
        (
            "sentence_bert_config.json",
            json!({"modality_config": {"image": {}}}),
            &["modality_config"],
        ),
        (
            "sentence_bert_config.json",
            json!({"processing_kwargs": {"text": {"max_length": 1}}}),
            &["processing_kwargs", "1"],
        ),
        (
            "sentence_bert_config.json",
            json!({"processing_kwargs": {"text": {"add_special_tokens": false}}}),
            &["processing_kwargs", "add_special_tokens"],
        ),
        (
            "sentence_bert_config.json",
            json!({"processing_kwargs": {"common": {"truncation": false}}}),
            &["processing_kwargs", "truncation"],
        ),
        (
            "sentence_bert_config.json",
            json!({"model_args": {"subfolder": "onnx"}}),
            &["model_kwargs", "onnx"],
        ),
        (
            "sentence_bert_config.json",
            json!({"config_kwargs": {"num_hidden_layers": 1}}),
            &["config_kwargs", "num_hidden_layers", "config.json"],
        ),
        (
            "sentence_bert_config.json",
            json!({"tokenizer_name_or_path": "x/y"}),
            &["tokenizer_name_or_path", "x/y"],
        ),
        ("sentence_bert_config.json", json!({"max_seq_length": 2}), &["max_seq_length", "2"]),
        (
            "sentence_roberta_config.json",
            json!({"max_seq_length": 2}),
            &["sentence_roberta_config.json"],
        ),
        (
            "config_sentence_transformers.json",
            json!({"model_type": "SparseEncoder"}),
            &["model_type", "SparseEncoder"],
        ),
        ("config_sentence_transformers.json", json!({"truncate_dim": 0}), &["truncate_dim"]),
        (
            "config_sentence_transformers.json",
            json!({"default_prompt_name": "none"}),
            &["default_prompt_name"],
        ),
        (
            "adapter_config.json",
            json!({"peft_type": "LORA"}),
            &["adapter_config.json", "merge_and_unload"],
        ),
        (
            "1_Pooling/config.json",
            json!({"pooling_mode": "attention"}),
            &["1_Pooling/config.json", "attention"],
        ),
        ("config.json", json!({"is_decoder": true}), &["is_decoder", "encoders"]),
        ("config.json", json!({"add_cross_attention": true}), &["add_cross_attention"]),
        ("config.json", json!({"pruned_heads": {"0": [1]}}), &["pruned_heads"]),
        (
            "config.json",
            json!({"quantization_config": {"bits": 4}}),
            &["quantization_config", "bits"],
        ),
        ("config.json", json!({"hidden_act": "gelu_new"}), &["hidden_act", "gelu_new"]),
        (
            "config.json",
            json!({"position_embedding_type": "relative_key"}),
            &["position_embedding_type"],
        ),
    ];
    for (file, content, parts) in cases {
        let tiny = match file {
            "config.json" => configured(content),
            _ if file.starts_with("sentence_roberta") => {
                let mut tiny = with(file, content);
                tiny.files.remove("sentence_bert_config.json");
                tiny
            }
            _ => with(file, content),
        };
        refused(&tiny, parts);
    }
}

/// A directory whose `config.json` says more.
fn configured(fields: Value) -> Tiny {
    let mut tiny = Tiny::new().with_modules();
    for (name, value) in fields.as_object().unwrap() {
        tiny.config[name] = value.clone();
    }
    tiny
}

#[test]
fn a_field_that_is_irrelevant_changes_nothing() {
    for (file, content) in [
        (
            "tokenizer_config.json",
            json!({
                "do_basic_tokenize": true, "never_split": null, "padding_side": "left",
                "model_input_names": ["input_ids"], "clean_up_tokenization_spaces": true,
                "chat_template": "x", "name_or_path": "a/b", "tokenizer_file": "/x/tokenizer.json",
                "special_tokens_map_file": "/x", "processor_class": "P", "backend": "tokenizers",
                "truncation_side": "right", "stride": 0, "truncation_strategy": "longest_first",
                "pad_token_type_id": 0, "add_prefix_space": false, "auto_map": null
            }),
        ),
        (
            "config_sentence_transformers.json",
            json!({
                "__version__": {"sentence_transformers": "9.9.9"}, "similarity_fn_name": "dot",
                "model_type": "SentenceTransformer", "prompts": {}, "default_prompt_name": null
            }),
        ),
        (
            "sentence_bert_config.json",
            json!({
                "max_seq_length": 32, "do_lower_case": true, "unpad_inputs": true,
                "query_length": 4, "document_length": 4, "transformer_task": "feature-extraction",
                "module_output_name": "token_embeddings",
                "modality_config": {
                    "text": {"method": "forward", "method_output_name": "last_hidden_state"}
                },
                "processing_kwargs": {"text": {"padding": true, "truncation": true}},
                "model_args": {"torch_dtype": "float16"}, "config_args": {}
            }),
        ),
        ("README.md", json!("a model card")),
        ("onnx/config.json", json!({})),
        ("generation_config.json", json!({"max_length": 5})),
    ] {
        changes_nothing(&with(file, content));
    }
    changes_nothing(&configured(json!({
        "hidden_act": "gelu_python", "is_decoder": false, "pruned_heads": {}, "dtype": "float16",
        "quantization_config": null, "architectures": ["BertForMaskedLM"], "pad_token_id": 0,
        "classifier_dropout": 0.5, "attention_probs_dropout_prob": 0.5, "use_cache": true,
        "transformers_version": "1.0", "tie_word_embeddings": false, "chunk_size_feed_forward": 2,
        "output_attentions": true, "auto_map": {"AutoModel": "x.Y"}
    })));
}

#[test]
fn the_limit_in_tokens_is_the_one_that_comes_last_in_sentence_transformers() {
    let limit = |fields: Value| {
        let mut tiny = with("sentence_bert_config.json", fields);
        let tokenizer = json!({"model_max_length": 20});
        tiny.files.insert("tokenizer_config.json".into(), tokenizer.to_string());
        load(&tiny).max_tokens()
    };
    assert_eq!(limit(json!({})), 20);
    assert_eq!(limit(json!({"max_seq_length": 30})), 30);
    let arguments = json!({"max_seq_length": 30, "tokenizer_args": {"model_max_length": 10}});
    assert_eq!(limit(arguments), 10);
    let processing =
        json!({"max_seq_length": 30, "processing_kwargs": {"text": {"max_length": 7}}});
    assert_eq!(limit(processing), 7);
}

#[test]
fn arguments_of_the_tokenizer_come_before_its_configuration() {
    let mut tiny = with("tokenizer_config.json", json!({"do_lower_case": true}));
    let ids = |tiny: &Tiny| load(tiny).tokenize("The cat").unwrap().ids;
    assert_eq!(ids(&tiny), [2, 5, 6, 3]);
    let arguments = json!({"processor_kwargs": {"do_lower_case": false}});
    tiny.files.insert("sentence_bert_config.json".into(), arguments.to_string());
    assert_eq!(ids(&tiny), [2, 1, 6, 3]);
    // A class in config.json counts where tokenizer_config.json names none.
    let mut tiny = configured(json!({"tokenizer_class": "BertJapaneseTokenizer"}));
    refused(&tiny, &["tokenizer_class", "BertJapaneseTokenizer"]);
    let class = json!({"tokenizer_class": "BertTokenizer"});
    tiny.files.insert("tokenizer_config.json".into(), class.to_string());
    changes_nothing(&tiny);
}

#[test]
fn modules_that_are_not_of_the_library_are_refused() {
    let with_type = |at: usize, kind: &str| {
        let mut tiny = Tiny::new().with_modules();
        let mut modules: Value = serde_json::from_str(&tiny.files["modules.json"]).unwrap();
        modules[at]["type"] = json!(kind);
        tiny.files.insert("modules.json".into(), modules.to_string());
        tiny
    };
    refused(&with_type(0, "custom_st.Transformer"), &["modules.json", "custom_st.Transformer"]);
    refused(&with_type(2, "x.Normalize"), &["modules.json", "x.Normalize"]);
    let inner = "sentence_transformers.models.StaticEmbedding";
    refused(&with_type(0, inner), &["modules.json", "StaticEmbedding"]);
    let recent = "sentence_transformers.sentence_transformer.modules.pooling.Pooling";
    changes_nothing(&with_type(1, recent));
}

#[test]
fn every_path_that_sentence_transformers_accepts_is_the_same_folder() {
    let with_path = |path: &str| {
        let mut tiny = Tiny::new().with_modules();
        let json = tiny.files["modules.json"].replace("1_Pooling", path);
        tiny.files.insert("modules.json".into(), json);
        tiny
    };
    for path in ["1_Pooling/", "./1_Pooling", ".//1_Pooling//.", "././1_Pooling/./"] {
        changes_nothing(&with_path(path));
    }
    for path in ["/1_Pooling", "../1_Pooling", "x/../1_Pooling", ".\\\\1_Pooling", "C:/1_Pooling"] {
        refused(&with_path(path), &["modules.json", "field path"]);
    }
    let mut tiny = Tiny::new().with_modules();
    let json = tiny.files["modules.json"].replace(r#""path":"""#, r#""path":"./""#);
    tiny.files.insert("modules.json".into(), json);
    changes_nothing(&tiny);
}

#[test]
fn dropout_and_a_second_normalisation_change_nothing() {
    let mut tiny = Tiny::new().with_modules();
    let mut modules: Vec<Value> = serde_json::from_str(&tiny.files["modules.json"]).unwrap();
    for (at, kind) in [(2, "Dropout"), (4, "Normalize"), (5, "Dropout")] {
        let kind = format!("sentence_transformers.models.{kind}");
        modules.insert(at, json!({"idx": at, "name": "x", "path": "x", "type": kind}));
    }
    tiny.files.insert("modules.json".into(), json!(modules).to_string());
    changes_nothing(&tiny);
}

#[test]
fn another_architecture_is_named_before_anything_else_is_missing() {
    let mut tiny = Tiny::new().with_modules();
    tiny.config = json!({"model_type": "distilbert", "dim": 768, "n_layers": 6, "vocab_size": 16});
    refused(&tiny, &["config.json", "model_type", "distilbert", "only \"bert\""]);
}

/// The files of the small model in one directory, with `change` made to it.
fn changed(change: impl FnOnce(&Path)) -> TempDir {
    let directory = Tiny::new().with_modules().write();
    change(directory.path());
    directory
}

#[track_caller]
fn refused_with(directory: &TempDir, parts: &[&str]) {
    let message = message(&refusal::load(directory));
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

/// Splits the weights of a directory into two files with an index.
fn into_shards(directory: &Path) {
    let whole = fs::read(directory.join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&whole).unwrap();
    let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let mut weight_map = serde_json::Map::new();
    for (i, name) in names.iter().enumerate() {
        let tensors = tensors.tensors().into_iter().enumerate();
        let part: Vec<_> = tensors.filter(|(n, _)| n % 2 == i).map(|(_, tensor)| tensor).collect();
        weight_map.extend(part.iter().map(|(tensor, _)| (tensor.clone(), json!(name))));
        fs::write(directory.join(name), safetensors::serialize(part, None).unwrap()).unwrap();
    }
    let index = json!({"metadata": {"total_size": whole.len()}, "weight_map": weight_map});
    fs::write(directory.join("model.safetensors.index.json"), index.to_string()).unwrap();
    fs::remove_file(directory.join("model.safetensors")).unwrap();
}

#[test]
fn weights_in_several_files_are_those_in_one() {
    let plain = load(&Tiny::new().with_modules());
    let directory = changed(into_shards);
    let shards = SentenceEncoder::load(directory.path()).unwrap();
    let [a, b] = [&plain, &shards].map(|encoder| encoder.encode_one(TEXT).unwrap());
    assert_eq!(bits(&a), bits(&b));
    assert_eq!(shards.trace(TEXT).unwrap().tensors, plain.trace(TEXT).unwrap().tensors);
    assert!(shards.space() != plain.space(), "the fingerprint is that of the files");

    let mut files = ModelFiles::new();
    for entry in ["config.json", "vocab.txt", "modules.json", "1_Pooling/config.json"]
        .into_iter()
        .chain(["sentence_bert_config.json", "model.safetensors.index.json"])
        .chain(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"])
    {
        files = files.with(entry, fs::read(directory.path().join(entry)).unwrap());
    }
    let in_bytes = SentenceEncoder::from_bytes(files).unwrap().encode_one(TEXT).unwrap();
    assert_eq!(bits(&in_bytes), bits(&a));

    let index = directory.path().join("model.safetensors.index.json");
    let json = fs::read_to_string(&index).unwrap();
    fs::write(&index, json.replace("model-00002-of", "../model-00002-of")).unwrap();
    refused_with(&directory, &["index.json", "weight_map", "../model-00002"]);
    fs::write(&index, r#"{"weight_map": {}}"#).unwrap();
    refused_with(&directory, &["index.json", "weight_map", "no file"]);
    fs::write(&index, json).unwrap();
    fs::remove_file(directory.path().join("model-00002-of-00002.safetensors")).unwrap();
    refused_with(&directory, &["cannot read", "model-00002-of-00002.safetensors"]);
}

#[test]
fn weights_in_a_form_that_is_not_read_are_named_with_what_mends_it() {
    for name in [
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
        "tf_model.h5",
        "flax_model.msgpack",
        "rust_model.ot",
        "onnx/model.onnx",
        "openvino/openvino_model.xml",
        "adapter_model.safetensors",
    ] {
        let directory = changed(|path| {
            fs::remove_file(path.join("model.safetensors")).unwrap();
            fs::create_dir_all(path.join(name).parent().unwrap()).unwrap();
            fs::write(path.join(name), "x").unwrap();
        });
        refused_with(&directory, &["no model.safetensors, only", name, "save_pretrained"]);
    }
}

#[test]
fn a_file_that_is_something_else_is_named_as_what_it_is() {
    let kinds: [(&[u8], &str); 11] = [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gunzip"),
        (b"\x28\xb5\x2f\xfd\0", "unzstd"),
        (b"BZh91AY", "bunzip2"),
        (b"PK\x03\x04\0\0", "torch.save"),
        (b"\x80\x02}q", "pickle"),
        (b"\x89HDF\r\n", "TensorFlow"),
        (b"GGUF\x03\0", "GGUF"),
        (b"\n <!DOCTYPE html><html>", "web page"),
        (b"", "empty"),
        (&[0; 100], "zeros"),
    ];
    for file in ["model.safetensors", "config.json", "modules.json", "1_Pooling/config.json"] {
        for (bytes, part) in kinds {
            let directory = changed(|path| fs::write(path.join(file), bytes).unwrap());
            refused_with(&directory, &[file, part]);
        }
    }
    for (bytes, part) in kinds {
        let directory = changed(|path| fs::write(path.join("vocab.txt"), bytes).unwrap());
        refused_with(&directory, &["vocab.txt", part]);
    }
    let marked = changed(|path| {
        let json = fs::read_to_string(path.join("config.json")).unwrap();
        fs::write(path.join("config.json"), format!("\u{feff}{json}")).unwrap();
    });
    refused_with(&marked, &["config.json", "byte order mark"]);
}

#[test]
fn a_path_beside_the_model_leads_to_it() {
    let directory = Tiny::new().with_modules().write();
    let root = directory.path();
    let hint = |path: &Path, model: &Path| match SentenceEncoder::load(path).map(drop) {
        Err(Error::Place { path: named, model: found, .. }) => {
            assert_eq!(named, path);
            assert_eq!(found.canonicalize().unwrap(), model.canonicalize().unwrap());
        }
        other => panic!("{}: {other:?}", path.display()),
    };
    hint(&root.join("model.safetensors"), root);
    hint(&root.join("1_Pooling"), root);

    let above = tempfile::tempdir().unwrap();
    let snapshot = above.path().join("models--a--b/snapshots/0123");
    fs::create_dir_all(&snapshot).unwrap();
    for name in ["config.json", "vocab.txt"] {
        fs::copy(root.join(name), snapshot.join(name)).unwrap();
    }
    hint(&above.path().join("models--a--b"), &snapshot);
    hint(&above.path().join("models--a--b/snapshots"), &snapshot);
    let elsewhere = SentenceEncoder::load(above.path()).map(drop).unwrap_err();
    assert!(!matches!(elsewhere, Error::Place { .. }), "{elsewhere:?}");
}
