//! Texts, with the real tokenizer and a model of one layer.

use super::{model, split};
use minilm::{ModelFiles, SentenceEncoder, Windows};
use std::sync::LazyLock;

/// The rows of the vocabulary.
const WORDS: usize = 30522;

/// The tokenizer of all-MiniLM-L6-v2 before a small model.
static ENCODER: LazyLock<SentenceEncoder> = LazyLock::new(|| {
    let tokenizer = include_bytes!("../../../weights/all-MiniLM-L6-v2/tokenizer.json");
    let files = ModelFiles::new()
        .with("config.json", model::config(WORDS).into_bytes())
        .with("model.safetensors", model::weights(WORDS))
        .with("tokenizer.json", tokenizer.as_slice());
    SentenceEncoder::builder().threads(1).from_bytes(files).expect("a model of ours")
});

/// A text alone, in a batch with its parts, and as a stream, has the same bits.
pub fn text(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let parts: Vec<&str> = std::iter::once(text.as_str()).chain(text.split('\n')).collect();
    let together = ENCODER.encode(&parts).expect("any text has a vector");
    for (row, part) in together.rows().into_iter().zip(&parts).take(4) {
        let alone = ENCODER.encode_one(part).expect("any text has a vector");
        assert!(row.iter().zip(&alone).all(|(a, b)| a.to_bits() == b.to_bits()), "{part:?}");
        assert!(alone.iter().all(|x| x.is_finite()));
    }
    for (sentence, row) in ENCODER.encode_iter(parts.iter()).zip(together.rows()) {
        let sentence = sentence.expect("any text has a vector");
        assert!(row.iter().zip(&sentence.embedding).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

/// Windows are parts of the text, in order: the first two bytes are their length and their stride.
pub fn windows(data: &[u8]) {
    let Some((tokens, data)) = split(data) else { return };
    let Some((stride, data)) = split(data) else { return };
    let text = String::from_utf8_lossy(data);
    let windows = Windows::new().tokens(usize::from(tokens)).stride(usize::from(stride));
    let mut start = 0;
    for window in ENCODER.encode_windows(&text, windows) {
        let Ok(window) = window else { return };
        assert!(text.get(window.range.clone()).is_some(), "{:?}", window.range);
        assert!(window.range.start >= start, "{:?}", window.range);
        start = window.range.start;
    }
}
