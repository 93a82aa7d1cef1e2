//! The attention of each head of a layer, for one sentence.
//!
//! In the book: `docs/06-attention.md`.

use super::{Anchor, Diagram, Source};
use crate::files;
use minilm_kernels::{Level, Rows, naive};
use minilm_model::{Batch, Bert, Checkpoint};

const WORDS: [&str; 12] = [
    "[CLS]", "the", "old", "dog", "slept", "because", "it", "was", "tired", "and", "warm", "[SEP]",
];
/// Shown from here on; 0 is the first.
const LAYER: usize = 2;
const CELL: f64 = 13.0;

pub fn draw(source: &Source) -> Result<String, String> {
    let (hidden, heads) = (source.config.hidden_size, source.config.num_attention_heads);
    let [query, key] = queries_and_keys(source)?; // [L, H]
    let size = CELL * WORDS.len() as f64;
    let about =
        format!("Attention weights of the {heads} heads of layer {LAYER} for: {}", WORDS.join(" "));
    let columns = 4;
    let (step_x, step_y) = (size + 92.0, size + 44.0);
    let rows = heads.div_ceil(columns);
    let mut d = Diagram::new(
        ((step_x * columns as f64) as u32 + 20, (step_y * rows as f64) as u32 + 70),
        &about,
    );
    d.text(
        (16.0, 28.0),
        Anchor::Start,
        16,
        &format!(
            "Layer {LAYER}, its {heads} heads: a row is a word that looks, a column one that \
            is looked at"
        ),
    );
    d.text(
        (16.0, 48.0),
        Anchor::Start,
        13,
        "columns are the same words in the same order; black is all of the attention, white is \
         none",
    );
    let width = hidden / heads;
    for head in 0..heads {
        let (left, top) =
            (80.0 + step_x * (head % columns) as f64, 84.0 + step_y * (head / columns) as f64);
        d.text((left, top - 8.0), Anchor::Start, 13, &format!("head {head}"));
        // [L, D]
        let of_head = |rows| Rows::new(rows, hidden).columns(head * width..(head + 1) * width);
        matrix(
            &mut d,
            (left, top),
            &naive::attention_probabilities(of_head(&query), of_head(&key)),
        );
    }
    Ok(d.finish())
}

/// The shares `[L, L]` that each word gives to the others, with the words on the left.
fn matrix(d: &mut Diagram, (left, top): (f64, f64), shares: &[f64]) {
    let size = CELL * WORDS.len() as f64;
    d.square((left, top), size, "#FFFFFF");
    for (i, (word, shares)) in WORDS.iter().zip(shares.chunks_exact(WORDS.len())).enumerate() {
        let y = top + CELL * i as f64;
        d.text((left - 5.0, y + 10.5), Anchor::End, 11, word);
        for (j, share) in shares.iter().enumerate() {
            let grey = (255.0 * (1.0 - share)).round() as u8;
            if grey < 0xF8 {
                d.square(
                    (left + CELL * j as f64, y),
                    CELL,
                    &format!("#{grey:02X}{grey:02X}{grey:02X}"),
                );
            }
        }
    }
    d.rect((left, top), (size, size), "none");
}

/// The queries and the keys `[L, H]` of the layer.
fn queries_and_keys(source: &Source) -> Result<[Vec<f32>; 2], String> {
    let text = |error: minilm_model::Error| error.to_string();
    let hidden = source.config.hidden_size;
    let x = layer_input(source)?; // [L, H]
    let checkpoint = Checkpoint::open(&source.weights.join("model.safetensors")).map_err(text)?;
    let product = |part: &str| {
        let name = |tensor: &str| format!("encoder.layer.{LAYER}.attention.self.{part}.{tensor}");
        let weight = checkpoint.tensor(&name("weight"), &[hidden, hidden]).map_err(text)?;
        let bias = checkpoint.tensor(&name("bias"), &[hidden]).map_err(text)?;
        Ok::<_, String>(
            naive::linear(&x, &weight, &bias).into_iter().map(|value| value as f32).collect(),
        )
    };
    Ok([product("query")?, product("key")?])
}

/// The residual stream `[L, H]` that goes into the layer.
fn layer_input(source: &Source) -> Result<Vec<f32>, String> {
    let mut batch = Batch::default();
    batch.push(&ids(source, &WORDS)?);
    let bert = Bert::load(source.weights, Level::detect()).map_err(|error| error.to_string())?;
    let plain = bert.plain().map_err(|error| error.to_string())?;
    let mut activations = plain.forward(&batch).map_err(|error| error.to_string())?;
    Ok(activations.layers.swap_remove(LAYER - 1).output)
}

/// The ids of tokens.
pub(super) fn ids(source: &Source, words: &[&str]) -> Result<Vec<u32>, String> {
    let tokenizer = files::read_json(&source.weights.join("tokenizer.json"))?;
    let id = |word: &&str| {
        let id = tokenizer["model"]["vocab"][word].as_u64();
        id.and_then(|id| u32::try_from(id).ok()).ok_or_else(|| format!("{word:?} is no token"))
    };
    words.iter().map(id).collect()
}
