//! The cost of a forward pass, counted from the model's configuration: tables without a record.

use crate::{operations, table::Table};
use minilm_model::Config;

/// The linear layers of a layer, as [`Config::linear_layers`] lists them.
pub const LINEAR: [&str; 4] =
    ["query, key, value", "attention output", "feed-forward, up", "feed-forward, down"];

/// A table and the function that makes it.
pub struct Count {
    pub name: &'static str,
    pub make: fn(&Config) -> String,
}

pub const COUNTS: [Count; 5] = [
    Count { name: "count-tensors", make: tensors },
    Count { name: "count-products", make: products },
    Count { name: "count-weights", make: weights },
    Count { name: "count-intensity", make: intensity },
    Count { name: "count-operations", make: operations::kernels },
];

/// Multiply-adds of a token in `q·kᵀ` and `e·v` of one layer, in a sentence of `length` tokens.
pub fn attention(config: &Config, length: usize) -> u64 {
    config.attention_flop(length) / 2 / length as u64
}

/// Every tensor of a pass, and its size for 16 tokens.
fn tensors(s: &Config) -> String {
    let (h, f, a, tokens) = (s.hidden_size, s.intermediate_size, s.num_attention_heads, 16);
    let mut table = Table::new(["tensor", "shape", "floats, 16 tokens", "made by"]).left(2);
    let rows = [
        ("ids", "[T]".to_owned(), tokens, "`tokenize.rs`"),
        (
            "x, the residual stream",
            format!("[T, {h}]"),
            tokens * h,
            "`embeddings.rs`, then each layer",
        ),
        ("q, k, v", format!("[T, 3 · {h}]"), 3 * tokens * h, "`gemm.rs`, never whole"),
        ("scores of one head", "[L, L]".to_owned(), tokens * tokens, "`attention.rs`"),
        ("scores of all heads", format!("[{a}, L, L]"), a * tokens * tokens, "never whole"),
        ("context", format!("[T, {h}]"), tokens * h, "`attention.rs`"),
        ("inner layer", format!("[T, {f}]"), tokens * f, "`gemm.rs`, never whole"),
        ("embedding", format!("[{h}]"), h, "`pooling.rs`"),
    ];
    for (tensor, shape, floats, by) in rows {
        table.row([tensor, &shape, &grouped(floats as u64), by]);
    }
    table.text()
}

/// Multiply-adds per token.
fn products(s: &Config) -> String {
    let layers = s.num_hidden_layers as u64;
    let all = format!("{layers} layers");
    let mut table = Table::new(["product", "shape", "one layer", &all]).left(2);
    for (name, layer) in LINEAR.into_iter().zip(s.linear_layers()) {
        let shape = format!("[T, {k}] · [{k}, {n}]", k = layer.inputs, n = layer.outputs);
        let count = layer.weights();
        table.row([name, &shape, &grouped(count), &grouped(count * layers)]);
    }
    let linear = s.linear_weights();
    table.row(["all linear layers", "", &grouped(linear / layers), &grouped(linear)]);
    for length in [16, 256] {
        let name = format!("attention, {length} tokens");
        let count = attention(s, length);
        table.row([&name, "q·kᵀ and e·v", &grouped(count), &grouped(count * layers)]);
    }
    let part = |length| 100.0 * (attention(s, length) * layers) as f64 / linear as f64;
    format!(
        "{}\nAt 16 tokens attention is {:.1} % of the linear layers, at 256 tokens {:.0} %.\n",
        table.text(),
        part(16),
        part(256)
    )
}

/// Numbers in the checkpoint, and bytes as `f32`.
fn weights(s: &Config) -> String {
    let (h, layers) = (s.hidden_size, s.num_hidden_layers);
    let tables = (s.vocab_size + s.max_position_embeddings + s.type_vocab_size) * h;
    let biases: usize = s.linear_layers().iter().map(|layer| layer.outputs).sum();
    // Two LayerNorms per layer, one after the embeddings, of γ and β each.
    let norms = 2 * h * (2 * layers + 1);
    let rows = [
        ("word, position and type embeddings", tables as u64, "one row per token"),
        ("weights of the linear layers", s.linear_weights(), "all of it, once per batch"),
        ("their biases", (biases * layers) as u64, "all of it"),
        ("γ and β of the LayerNorms", norms as u64, "all of it"),
    ];
    let mut table = Table::new(["what", "numbers", "MB", "a pass reads"]).left(1);
    for (what, count, read) in rows {
        table.row([what, &grouped(count), &format!("{:.2}", 4e-6 * count as f64), read]);
    }
    let all: u64 = rows.iter().map(|row| row.1).sum();
    table.row(["together", &grouped(all), &format!("{:.2}", 4e-6 * all as f64), ""]);
    table.text()
}

/// FLOP for each byte of weights, by tokens in the batch.
fn intensity(s: &Config) -> String {
    let mut table = Table::new([
        "tokens in the batch",
        "FLOP of the linear layers",
        "bytes of their weights",
        "FLOP per byte",
    ]);
    for tokens in [1, 8, 32, 160] {
        let (flop, bytes) = (2 * tokens * s.linear_weights(), 4 * s.linear_weights());
        table.row([
            tokens.to_string(),
            grouped(flop),
            grouped(bytes),
            format!("{}", flop as f64 / bytes as f64),
        ]);
    }
    table.text()
}

/// 1 234 567, with narrow spaces that do not break.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn small() -> Config {
        let json = r#"{ "model_type": "bert", "num_hidden_layers": 2, "hidden_size": 4,
            "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 10,
            "max_position_embeddings": 6 }"#;
        Config::from_bytes(json.as_bytes(), Path::new("config.json")).unwrap()
    }

    #[test]
    fn products_are_counted() {
        let s = small();
        assert_eq!(s.linear_weights(), 2 * (4 * 12 + 4 * 4 + 4 * 8 + 8 * 4));
        assert_eq!(attention(&s, 16), 2 * 4 * 16);
        assert!(products(&s).contains("| all linear layers |  | 128 | 256 |"), "{}", products(&s));
    }

    #[test]
    fn a_pass_reads_four_bytes_a_weight() {
        let expected = "| 8 | 4\u{202f}096 | 1\u{202f}024 | 4 |";
        assert!(intensity(&small()).contains(expected), "{}", intensity(&small()));
    }

    #[test]
    fn every_number_of_a_checkpoint_is_counted() {
        let s = small();
        let embeddings = (10 + 6 + 2) * 4 + 8;
        let layer = (4 * 4 + 4) * 4 + (4 * 8 + 8) + (8 * 4 + 4) + 2 * 8;
        assert!(
            weights(&s).contains(&format!("| together | {} |", embeddings + 2 * layer)),
            "{}",
            weights(&s)
        );
    }

    #[test]
    fn digits_are_in_groups_of_three() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
    }
}
