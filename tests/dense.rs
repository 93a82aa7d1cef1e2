//! Linear layers behind the pooling are those of sentence-transformers.

mod support;

use minilm::{Error, Level, SentenceEncoder, kernels::naive};
use minilm_testing::Random;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Value, json};
use std::{fs, path::Path};
use support::{
    bits,
    golden::{Tensors, compare},
    model,
    refusal::{load, message},
    tiny::Tiny,
};
use tempfile::TempDir;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// The repository's model with the modules of a case.
fn directory(name: &str, files: &Value) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let to = |name: &str| directory.path().join(name);
    fs::create_dir(to("1_Pooling")).unwrap();
    for name in [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
    ] {
        fs::copy(model().join(name), to(name)).unwrap();
    }
    fs::hard_link(model().join("model.safetensors"), to("model.safetensors"))
        .or_else(|_| fs::copy(model().join("model.safetensors"), to("model.safetensors")).map(drop))
        .unwrap();
    let golden = fs::read(format!("{GOLDEN}/dense.safetensors")).unwrap();
    let golden = SafeTensors::deserialize(&golden).unwrap();
    for (file, content) in files.as_object().unwrap() {
        fs::create_dir_all(to(file).parent().unwrap()).unwrap();
        fs::write(to(file), content.as_str().unwrap()).unwrap();
        let Some(folder) = file.strip_suffix("/config.json") else { continue };
        let prefix = format!("{name}/{folder}/");
        let tensors = golden.tensors();
        let tensors =
            tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?, tensor)));
        let weights = safetensors::serialize(tensors, None).unwrap();
        fs::write(to(&format!("{folder}/model.safetensors")), weights).unwrap();
    }
    directory
}

#[test]
fn every_case_has_the_vectors_of_sentence_transformers() {
    let file: Value =
        serde_json::from_slice(&fs::read(format!("{GOLDEN}/dense.json")).unwrap()).unwrap();
    let texts: Vec<&str> =
        file["texts"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let tensors = Tensors::open("dense.safetensors");
    let cases = file["cases"].as_object().unwrap();
    assert_eq!(cases.len(), 4);
    for (name, files) in cases {
        let directory = directory(name, files);
        let encoder = SentenceEncoder::load(directory.path()).unwrap();
        let found = encoder.encode(&texts).unwrap();
        assert_eq!(found.ncols(), encoder.dimension());
        let want = tensors.get(&format!("{name}/embeddings"));
        compare(name, found.iter().copied(), &want, found.ncols(), 1e-6);
    }
}

/// A small model with a linear layer of 52 to `outputs` values before the normalisation.
fn dense(outputs: usize, fields: Value) -> TempDir {
    let mut tiny = Tiny::new().with_modules();
    let mut modules: Vec<Value> = serde_json::from_str(&tiny.files["modules.json"]).unwrap();
    let kind = "sentence_transformers.models.Dense";
    modules.insert(2, json!({"idx": 2, "name": "2", "path": "2_Dense/", "type": kind}));
    tiny.files.insert("modules.json".into(), json!(modules).to_string());
    let mut config = json!({"in_features": 52, "out_features": outputs, "bias": true,
        "activation_function": "torch.nn.modules.activation.Tanh"});
    config.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    tiny.files.insert("2_Dense/config.json".into(), config.to_string());
    let directory = tiny.write();
    write_weights(&directory.path().join("2_Dense/model.safetensors"), outputs);
    directory
}

fn weights(outputs: usize) -> (Vec<f32>, Vec<f32>) {
    (Random(1).spread(outputs * 52, 0.5), Random(2).spread(outputs, 0.5))
}

fn write_weights(path: &Path, outputs: usize) {
    let (weight, bias) = weights(outputs);
    let bytes = |x: &[f32]| x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let (weight, bias) = (bytes(&weight), bytes(&bias));
    let tensors = [
        ("linear.weight", TensorView::new(Dtype::F32, vec![outputs, 52], &weight).unwrap()),
        ("linear.bias", TensorView::new(Dtype::F32, vec![outputs], &bias).unwrap()),
    ];
    fs::write(path, safetensors::serialize(tensors, None).unwrap()).unwrap();
}

const TEXTS: [&str; 3] = ["the cat sat", "", "a dog ran on the mats ."];

#[test]
fn every_level_thread_and_batch_gives_the_same_bits() {
    let directory = dense(33, json!({}));
    let plain = SentenceEncoder::load(Tiny::new().with_modules().write().path()).unwrap();
    let (weight, bias) = weights(33);
    let mut seen = Vec::new();
    for level in Level::available() {
        for threads in [1, 2] {
            let encoder = SentenceEncoder::builder().level(level).threads(threads);
            let encoder = encoder.load(directory.path()).unwrap();
            let all = encoder.encode(&TEXTS).unwrap();
            for (text, row) in TEXTS.iter().zip(all.rows()) {
                assert_eq!(bits(&encoder.encode_one(text).unwrap()), bits(row));
                let streamed = encoder.encode_iter([text]).next().unwrap().unwrap();
                assert_eq!(bits(&streamed.embedding), bits(row));
                let pooled = plain.trace(text).unwrap().tensor("pooled").unwrap().clone();
                let pooled: Vec<f32> = pooled.iter().copied().collect();
                let want = naive::linear(&pooled, &weight, &bias);
                let want: Vec<f64> = want.into_iter().map(f64::tanh).collect();
                let length = want.iter().map(|x| x * x).sum::<f64>().sqrt();
                for (found, want) in row.iter().zip(want) {
                    assert!((f64::from(*found) - want / length).abs() < 1e-6, "{text:?}");
                }
            }
            seen.push(bits(&all));
        }
    }
    assert!(seen.iter().all(|bits| *bits == seen[0]));
}

#[test]
fn the_layer_is_in_trace_truncation_and_space_and_explain_refuses_it() {
    let directory = dense(20, json!({}));
    let encoder = SentenceEncoder::load(directory.path()).unwrap();
    let trace = encoder.trace("the cat").unwrap();
    let names: Vec<_> = trace.tensors.iter().rev().take(3).map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["sentence_embedding", "Dense", "pooled"]);
    assert_eq!(trace.tensor("Dense").unwrap().shape(), [20]);
    let last = trace.tensors.last().unwrap();
    assert_eq!(bits(&last.values), bits(&encoder.encode_one("the cat").unwrap()));

    assert_eq!(encoder.dimension(), 20);
    let cut = SentenceEncoder::builder().truncate_dim(8).load(directory.path()).unwrap();
    assert_eq!(cut.encode_one("the cat").unwrap().len(), 8);
    let too_many = SentenceEncoder::builder().truncate_dim(21).load(directory.path());
    assert!(matches!(too_many.map(drop), Err(Error::Option { option: "truncate_dim", .. })));

    match encoder.explain("the cat", "a dog").unwrap_err() {
        Error::Pooling { found, .. } => assert_eq!(found, "mean and Dense"),
        other => panic!("{other}"),
    }
    let space = encoder.space();
    assert!(space.is_same(&SentenceEncoder::load(dense(20, json!({})).path()).unwrap().space()));
    let identity = json!({"activation_function": "torch.nn.modules.linear.Identity"});
    for other in [dense(20, identity), dense(21, json!({}))] {
        assert!(!space.is_same(&SentenceEncoder::load(other.path()).unwrap().space()));
    }
}

#[test]
fn what_a_layer_cannot_be_is_named() {
    let refused = |fields: Value, parts: &[&str]| {
        let message = message(&load(&dense(20, fields)));
        for part in parts.iter().chain(&["2_Dense"]) {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    };
    refused(json!({"in_features": 50}), &["in_features", "50", "52"]);
    refused(json!({"out_features": 0}), &["out_features", "0"]);
    refused(json!({"out_features": 21}), &["linear.weight", "[20, 52]", "[21, 52]"]);
    refused(json!({"use_residual": true}), &["residual.weight"]);
    refused(json!({"activation_function": "x.Tanh"}), &["activation_function", "x.Tanh", "GELU"]);
    let other = "torch.nn.modules.activation.Mish";
    refused(json!({"activation_function": other}), &["activation_function", other]);
    refused(json!({"module_input_name": "token_embeddings"}), &["module_input_name"]);
    refused(json!({"module_output_name": "x"}), &["module_output_name", "x"]);

    let directory = dense(20, json!({}));
    let file = |name: &str| directory.path().join("2_Dense").join(name);
    fs::rename(file("model.safetensors"), file("pytorch_model.bin")).unwrap();
    let error = message(&load(&directory));
    assert!(error.contains("2_Dense") && error.contains("only pytorch_model.bin"), "{error}");
    fs::remove_file(file("config.json")).unwrap();
    assert!(message(&load(&directory)).contains("2_Dense"), "the configuration is missing");
}
