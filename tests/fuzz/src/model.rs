//! The files of a model's directory, each beside others that are right.

use super::{only_uncaught_panics, split};
use minilm::{ModelFiles, SentenceEncoder, Windows};
use safetensors::{Dtype, tensor::TensorView};
use std::sync::LazyLock;

/// Hidden size, width of the feed-forward part, positions.
const SIZES: (usize, usize, usize) = (8, 16, 24);

/// The word pieces of the small vocabulary.
const VOCABULARY: &str =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncat\nsat\non\nmat\na\ndog\nran\n##s\n##ing\n.\n";

const MODULES: &str = r#"[
{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},
{"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"},
{"idx":2,"name":"2","path":"2_Normalize","type":"sentence_transformers.models.Normalize"}]"#;

const POOLING: &str = r#"{"word_embedding_dimension":8,"pooling_mode_mean_tokens":true}"#;

/// Texts for every model that loads.
const TEXTS: [&str; 4] =
    ["", "the cat sats on a mat.", "dog \u{e9}\u{1f600} [SEP] a", "thethe ran"];

static WEIGHTS: LazyLock<Vec<u8>> = LazyLock::new(|| weights(16));

/// The weights of a model with one layer, for a vocabulary of that size.
pub(crate) fn weights(vocabulary: usize) -> Vec<u8> {
    let (h, f, positions) = SIZES;
    let mut tensors: Vec<(String, Vec<usize>)> = [
        ("word_embeddings.weight", vec![vocabulary, h]),
        ("position_embeddings.weight", vec![positions, h]),
        ("token_type_embeddings.weight", vec![2, h]),
        ("LayerNorm.weight", vec![h]),
        ("LayerNorm.bias", vec![h]),
    ]
    .map(|(name, shape)| (format!("embeddings.{name}"), shape))
    .into();
    for (part, outputs, inputs) in [
        ("attention.self.query", h, h),
        ("attention.self.key", h, h),
        ("attention.self.value", h, h),
        ("attention.output.dense", h, h),
        ("intermediate.dense", f, h),
        ("output.dense", h, f),
    ] {
        tensors.push((format!("encoder.layer.0.{part}.weight"), vec![outputs, inputs]));
        tensors.push((format!("encoder.layer.0.{part}.bias"), vec![outputs]));
    }
    for part in ["attention.output", "output"] {
        for kind in ["weight", "bias"] {
            tensors.push((format!("encoder.layer.0.{part}.LayerNorm.{kind}"), vec![h]));
        }
    }
    let values = |i: usize, n: usize| -> Vec<u8> {
        let value = |j: usize| ((i * 31 + j * 17) % 29) as f32 / 29.0 - 0.4;
        (0..n).flat_map(|j| value(j).to_le_bytes()).collect()
    };
    let data: Vec<Vec<u8>> = tensors
        .iter()
        .enumerate()
        .map(|(i, (_, shape))| values(i, shape.iter().product()))
        .collect();
    let views = tensors.iter().zip(&data).map(|((name, shape), bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (name.clone(), view.expect("the bytes of its shape"))
    });
    safetensors::serialize(views, None).expect("tensors of ours")
}

/// `config.json` for a vocabulary of that size.
pub(crate) fn config(vocabulary: usize) -> String {
    let (h, f, positions) = SIZES;
    format!(
        r#"{{"model_type":"bert","vocab_size":{vocabulary},"hidden_size":{h},
"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":{f},
"max_position_embeddings":{positions},"type_vocab_size":2,"layer_norm_eps":1e-12,
"hidden_act":"gelu"}}"#
    )
}

/// The small model.
fn files() -> ModelFiles {
    ModelFiles::new()
        .with("config.json", config(16).into_bytes())
        .with("model.safetensors", WEIGHTS.clone())
        .with("vocab.txt", VOCABULARY.as_bytes())
        .with("modules.json", MODULES.as_bytes())
        .with("1_Pooling/config.json", POOLING.as_bytes())
        .with("sentence_bert_config.json", br#"{"max_seq_length":20}"#.as_slice())
}

/// Loads a model. If that succeeds, a batch has the bits of its texts alone.
fn load(files: ModelFiles) {
    only_uncaught_panics();
    let loaded = SentenceEncoder::builder().threads(1).from_bytes(files);
    let Ok(encoder) = loaded else {
        let message = loaded.expect_err("an error").to_string();
        return assert!(!message.is_empty());
    };
    let alone: Vec<_> = TEXTS.iter().map(|text| encoder.encode_one(text)).collect();
    match encoder.encode(&TEXTS) {
        Ok(together) => {
            for (row, alone) in together.rows().into_iter().zip(alone) {
                let alone = alone.expect("a text of a batch that was encoded");
                assert!(row.iter().zip(&alone).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
        }
        Err(_) => assert!(alone.iter().any(Result::is_err)),
    }
    for text in TEXTS {
        for window in encoder.encode_windows(text, Windows::new()).take(8) {
            let Ok(window) = window else { break };
            assert!(text.get(window.range).is_some(), "a window is a part of the text");
        }
    }
}

/// `model.safetensors`.
pub fn safetensors(data: &[u8]) {
    load(files().with("model.safetensors", data.to_vec()));
}

/// A file of JSON: the first byte tells which.
pub fn config_json(data: &[u8]) {
    const NAMES: [&str; 9] = [
        "config.json",
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "model.safetensors.index.json",
    ];
    let Some((choice, data)) = split(data) else { return };
    load(files().with(NAMES[usize::from(choice) % NAMES.len()], data.to_vec()));
}

/// `tokenizer.json`.
pub fn tokenizer_json(data: &[u8]) {
    load(files().with("tokenizer.json", data.to_vec()));
}

/// `vocab.txt`, without a `tokenizer.json`.
pub fn vocab(data: &[u8]) {
    load(files().with("vocab.txt", data.to_vec()));
}
