//! What a forward pass takes, counted from the model's configuration: tables without a record.

use crate::table::Table;
use serde_json::Value;

/// The sizes in `config.json`.
pub struct Shapes {
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub intermediate: usize,
    vocabulary: usize,
    positions: usize,
    types: usize,
}

/// A matrix product of a layer.
pub struct Product {
    pub name: &'static str,
    pub inputs: usize,
    pub outputs: usize,
}

impl Product {
    /// For one token.
    pub fn multiply_adds(&self) -> usize {
        self.inputs * self.outputs
    }
}

/// A table and how it is made.
pub struct Count {
    pub name: &'static str,
    pub make: fn(&Shapes) -> String,
}

pub const COUNTS: [Count; 4] = [
    Count { name: "count-tensors", make: tensors },
    Count { name: "count-products", make: products },
    Count { name: "count-weights", make: weights },
    Count { name: "count-intensity", make: intensity },
];

impl Shapes {
    pub fn of(config: &Value) -> Result<Shapes, String> {
        let size = |field: &str| {
            let value = config[field].as_u64().and_then(|value| usize::try_from(value).ok());
            value
                .filter(|value| *value > 0)
                .ok_or_else(|| format!("config.json: {field} is no size"))
        };
        Ok(Shapes {
            layers: size("num_hidden_layers")?,
            hidden: size("hidden_size")?,
            heads: size("num_attention_heads")?,
            intermediate: size("intermediate_size")?,
            vocabulary: size("vocab_size")?,
            positions: size("max_position_embeddings")?,
            types: size("type_vocab_size")?,
        })
    }

    /// The linear layers of a layer.
    pub fn products(&self) -> [Product; 4] {
        let (h, f) = (self.hidden, self.intermediate);
        [
            Product { name: "query, key, value", inputs: h, outputs: 3 * h },
            Product { name: "attention output", inputs: h, outputs: h },
            Product { name: "feed-forward, up", inputs: h, outputs: f },
            Product { name: "feed-forward, down", inputs: f, outputs: h },
        ]
    }

    /// Multiply-adds of a token in `q·kᵀ` and `e·v` of one layer, in a sentence of so many tokens.
    pub fn attention(&self, length: usize) -> usize {
        2 * self.hidden * length
    }

    fn linear(&self) -> usize {
        self.products().iter().map(Product::multiply_adds).sum()
    }
}

/// Every tensor of a pass, and what it holds for 16 tokens.
fn tensors(s: &Shapes) -> String {
    let (h, f, a, tokens) = (s.hidden, s.intermediate, s.heads, 16);
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
        table.row([tensor, &shape, &grouped(floats), by]);
    }
    table.text()
}

/// Multiply-adds a token.
fn products(s: &Shapes) -> String {
    let all = format!("{} layers", s.layers);
    let mut table = Table::new(["product", "shape", "one layer", &all]).left(2);
    for product in s.products() {
        let shape = format!("[T, {k}] · [{k}, {n}]", k = product.inputs, n = product.outputs);
        let count = product.multiply_adds();
        table.row([product.name, &shape, &grouped(count), &grouped(count * s.layers)]);
    }
    table.row(["all linear layers", "", &grouped(s.linear()), &grouped(s.linear() * s.layers)]);
    for length in [16, 256] {
        let name = format!("attention, {length} tokens");
        let count = s.attention(length);
        table.row([&name, "q·kᵀ and e·v", &grouped(count), &grouped(count * s.layers)]);
    }
    let part = |length| 100.0 * s.attention(length) as f64 / s.linear() as f64;
    format!(
        "{}\nAt 16 tokens attention is {:.1} % of the linear layers, at 256 tokens {:.0} %.\n",
        table.text(),
        part(16),
        part(256)
    )
}

/// Numbers in the checkpoint, and bytes as `f32`.
fn weights(s: &Shapes) -> String {
    let h = s.hidden;
    let tables = (s.vocabulary + s.positions + s.types) * h;
    let biases: usize = s.products().iter().map(|product| product.outputs).sum();
    // Two LayerNorms a layer, one after the embeddings, of γ and β each.
    let norms = 2 * h * (2 * s.layers + 1);
    let rows = [
        ("word, position and type embeddings", tables, "one row a token"),
        ("weights of the linear layers", s.linear() * s.layers, "all of it, once a pack"),
        ("their biases", biases * s.layers, "all of it"),
        ("γ and β of the LayerNorms", norms, "all of it"),
    ];
    let mut table = Table::new(["what", "numbers", "MB", "a pass reads"]).left(1);
    for (what, count, read) in rows {
        table.row([what, &grouped(count), &format!("{:.2}", 4e-6 * count as f64), read]);
    }
    let all: usize = rows.iter().map(|row| row.1).sum();
    table.row(["together", &grouped(all), &format!("{:.2}", 4e-6 * all as f64), ""]);
    table.text()
}

/// FLOP for each byte of weights, by tokens in the pack.
fn intensity(s: &Shapes) -> String {
    let mut table = Table::new([
        "tokens in the pack",
        "FLOP of the linear layers",
        "bytes of their weights",
        "FLOP a byte",
    ]);
    for tokens in [1, 8, 32, 160] {
        let (flop, bytes) = (2 * tokens * s.linear() * s.layers, 4 * s.linear() * s.layers);
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
fn grouped(number: usize) -> String {
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
    use serde_json::json;

    fn small() -> Shapes {
        let config = json!({ "num_hidden_layers": 2, "hidden_size": 4, "num_attention_heads": 2, "intermediate_size": 8,
                             "vocab_size": 10, "max_position_embeddings": 6, "type_vocab_size": 2 });
        Shapes::of(&config).unwrap()
    }

    #[test]
    fn products_are_counted() {
        let s = small();
        assert_eq!(s.linear(), 4 * 12 + 4 * 4 + 4 * 8 + 8 * 4);
        assert_eq!(s.attention(16), 2 * 4 * 16);
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
    fn a_size_that_is_missing_is_named() {
        assert_eq!(
            Shapes::of(&json!({})).err().as_deref(),
            Some("config.json: num_hidden_layers is no size")
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
