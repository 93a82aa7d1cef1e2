//! Other models: other sizes and directory layouts, against a forward pass in plain `f64`.

mod support;

use approx::assert_abs_diff_eq;
use minilm::{EncodeOptions, Error, Level, SentenceEncoder, kernels::naive};
use serde_json::json;
use support::{
    bits,
    tiny::{Tiny, VOCABULARY},
};

const TEXT: &str = "The cat sat on a mats.";
// [CLS] the cat sat on a mat ##s . [SEP]
const IDS: [usize; 10] = [2, 5, 6, 7, 8, 10, 9, 13, 15, 3];

/// The last hidden state `[tokens][H]`, every operation in f64 (rounded to f32 between operations,
/// as the oracle takes f32).
fn oracle(tiny: &Tiny, ids: &[usize]) -> Vec<Vec<f32>> {
    let size = |field: &str| tiny.config[field].as_u64().unwrap() as usize;
    let (h, heads) = (size("hidden_size"), size("num_attention_heads"));
    let get = |name: &str| tiny.tensors[name].values.clone();
    let row = |table: &str, i: usize| {
        get(&format!("embeddings.{table}_embeddings.weight"))[i * h..(i + 1) * h].to_vec()
    };
    let round = |x: Vec<f64>| x.into_iter().map(|x| x as f32).collect::<Vec<f32>>();
    let add = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<f32>>();
    let norm = |name: &str, x: &[f32]| {
        let (gamma, beta) =
            (get(&format!("{name}.LayerNorm.weight")), get(&format!("{name}.LayerNorm.bias")));
        x.chunks(h)
            .flat_map(|x| round(naive::layer_norm(x, &gamma, &beta, 1e-12)))
            .collect::<Vec<f32>>()
    };
    let dense = |name: &str, x: &[f32]| {
        naive::linear(x, &get(&format!("{name}.weight")), &get(&format!("{name}.bias")))
    };

    let tokens = ids.iter().enumerate();
    let x: Vec<f32> = tokens
        .flat_map(|(position, &id)| {
            add(&add(&row("word", id), &row("token_type", 0)), &row("position", position))
        })
        .collect();
    let mut x = norm("embeddings", &x);
    for n in 0..size("num_hidden_layers") {
        let name = |part: &str| format!("encoder.layer.{n}.{part}");
        let [q, k, v] = ["query", "key", "value"]
            .map(|part| round(dense(&name(&format!("attention.self.{part}")), &x)));
        let parts = q.chunks(h).zip(k.chunks(h)).zip(v.chunks(h));
        let qkv: Vec<f32> = parts.flat_map(|((q, k), v)| [q, k, v].concat()).collect();
        let context = round(naive::attention(&qkv, h, heads));
        let projected = round(dense(&name("attention.output.dense"), &context));
        let y = norm(&name("attention.output"), &add(&projected, &x));
        let inner: Vec<f32> = dense(&name("intermediate.dense"), &y)
            .into_iter()
            .map(|x| naive::gelu(x) as f32)
            .collect();
        x = norm(&name("output"), &add(&round(dense(&name("output.dense"), &inner)), &y));
    }
    x.chunks(h).map(<[f32]>::to_vec).collect()
}

#[test]
fn sizes_that_are_no_multiple_of_a_vector_are_computed_right() {
    let tiny = Tiny::new().with_modules();
    let directory = tiny.write();
    let want = oracle(&tiny, &IDS);
    let mut levels = Vec::new();
    for level in Level::available() {
        let encoder = SentenceEncoder::builder().level(level).load(directory.path()).unwrap();
        let got = encoder.token_embeddings(TEXT).unwrap();
        assert_eq!(got.ids.iter().map(|&id| id as usize).collect::<Vec<_>>(), IDS);
        assert_abs_diff_eq!(
            got.embeddings.as_slice().unwrap(),
            want.concat().as_slice(),
            epsilon = 2e-5
        );
        levels.push(bits(&got.embeddings));
        assert!(levels.iter().all(|bits| bits == &levels[0]), "level {level}");
    }
}

#[test]
fn without_modules_it_is_mean_pooling_without_normalisation() {
    let tiny = Tiny::new();
    let encoder = SentenceEncoder::load(tiny.write()).unwrap();
    let tokens = oracle(&tiny, &IDS);
    let mean: Vec<f32> =
        (0..52).map(|j| tokens.iter().map(|row| row[j]).sum::<f32>() / 10.0).collect();
    assert_abs_diff_eq!(
        encoder.encode_one(TEXT).unwrap().as_slice().unwrap(),
        mean.as_slice(),
        epsilon = 2e-5
    );
    assert_eq!(encoder.max_tokens(), 40, "max_position_embeddings");
}

#[test]
fn both_forms_of_the_pooling_configuration_load() {
    let mut tiny = Tiny::new().with_modules();
    let mut encode = |pooling: serde_json::Value| {
        tiny.files.insert("1_Pooling/config.json".into(), pooling.to_string());
        SentenceEncoder::load(tiny.write()).unwrap().encode_one(TEXT).unwrap()
    };
    let classic = encode(json!({"word_embedding_dimension": 52, "pooling_mode_cls_token": true}));
    let recent = encode(json!({"embedding_dimension": 52, "pooling_mode": "cls"}));
    assert_eq!(classic, recent);
    let two = encode(json!({
        "word_embedding_dimension": 52,
        "pooling_mode_cls_token": true,
        "pooling_mode_max_tokens": true
    }));
    assert_eq!(two.len(), 104);
}

#[test]
fn a_transformer_in_a_folder_of_its_own_loads() {
    let tiny = Tiny::new().with_modules();
    let directory = tiny.write();
    let want = SentenceEncoder::load(directory.path()).unwrap().encode_one(TEXT).unwrap();
    let inner = directory.path().join("0_Transformer");
    std::fs::create_dir(&inner).unwrap();
    for file in ["config.json", "model.safetensors", "vocab.txt", "sentence_bert_config.json"] {
        std::fs::rename(directory.path().join(file), inner.join(file)).unwrap();
    }
    let modules = tiny.files["modules.json"].replace(r#""path":"""#, r#""path":"0_Transformer""#);
    std::fs::write(directory.path().join("modules.json"), modules).unwrap();
    assert_eq!(SentenceEncoder::load(directory.path()).unwrap().encode_one(TEXT).unwrap(), want);
}

#[test]
fn the_limit_is_the_sentence_length_then_the_tokenizers_then_the_positions() {
    let mut tiny = Tiny::new().with_modules();
    let limit = |tiny: &Tiny| SentenceEncoder::load(tiny.write()).unwrap().max_tokens();
    tiny.files.insert("tokenizer_config.json".into(), json!({"model_max_length": 20}).to_string());
    assert_eq!(limit(&tiny), 32);
    tiny.files.remove("sentence_bert_config.json");
    assert_eq!(limit(&tiny), 20);
    tiny.files
        .insert("tokenizer_config.json".into(), json!({"model_max_length": 1e30}).to_string());
    assert_eq!(limit(&tiny), 40);
    tiny.files
        .insert("sentence_bert_config.json".into(), json!({"max_seq_length": 512}).to_string());
    assert_eq!(limit(&tiny), 40);
}

#[test]
fn options_do_what_they_say() {
    let directory = Tiny::new().with_modules().write();
    let load = |builder: minilm::SentenceEncoderBuilder| builder.load(directory.path());
    let whole = load(SentenceEncoder::builder()).unwrap().encode_one(TEXT).unwrap();
    let length = |v: &ndarray::Array1<f32>| v.dot(v).sqrt();
    assert!((length(&whole) - 1.0).abs() < 1e-6);

    let cut = load(SentenceEncoder::builder().truncate_dim(20)).unwrap().encode_one(TEXT).unwrap();
    assert_eq!(cut.as_slice().unwrap(), &whole.as_slice().unwrap()[..20]);
    let unit = load(SentenceEncoder::builder().truncate_dim(20).normalize(true))
        .unwrap()
        .encode_one(TEXT)
        .unwrap();
    assert!((length(&unit) - 1.0).abs() < 1e-6);
    let raw = load(SentenceEncoder::builder().normalize(false)).unwrap().encode_one(TEXT).unwrap();
    assert!(length(&raw) > 1.5);

    let short = load(SentenceEncoder::builder().max_tokens(4)).unwrap();
    let encoded = short.encode_with(&[TEXT], &EncodeOptions::new()).unwrap();
    assert_eq!((encoded.counts[0].used, encoded.counts[0].dropped), (4, 6));
    assert_eq!(encoded.embeddings.row(0), short.encode_one("the cat").unwrap());

    let strict =
        load(SentenceEncoder::builder().max_tokens(4).truncation(minilm::Truncation::Error))
            .unwrap();
    match strict.encode(&["the", TEXT]).unwrap_err() {
        Error::TooLong { index, tokens, limit, .. } => {
            assert_eq!((index, tokens, limit), (1, 10, 4))
        }
        other => panic!("{other}"),
    }
    for (option, builder) in [
        ("truncate_dim", SentenceEncoder::builder().truncate_dim(53)),
        ("truncate_dim", SentenceEncoder::builder().truncate_dim(0)),
        ("max_tokens", SentenceEncoder::builder().max_tokens(41)),
        ("max_tokens", SentenceEncoder::builder().max_tokens(2)),
    ] {
        match load(builder).unwrap_err() {
            Error::Option { option: named, .. } => assert_eq!(named, option),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn progress_reaches_the_number_of_texts_and_duplicates_count() {
    use std::sync::{Arc, Mutex};
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let directory = Tiny::new().write();
    let encoder = SentenceEncoder::builder()
        .threads(2)
        .on_progress(move |p| log.lock().unwrap().push(p))
        .load(directory.path())
        .unwrap();
    let texts: Vec<String> = (0..300).map(|i| VOCABULARY[5 + i % 11].repeat(1 + i % 50)).collect();
    encoder.encode(&texts).unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|p| p.total == 300 && p.done <= 300));
    assert_eq!(seen.iter().map(|p| p.done).max(), Some(300));
}
