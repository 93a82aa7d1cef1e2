//! The vector operations of the kernels that are not GEMM, counted by running them.

use crate::table::Table;
use minilm_kernels::{
    Rows, RowsMut,
    attention::{Attention, Scratch, split},
    counting::{Operations, count},
    exp::Exp,
    gelu::Gelu,
    layer_norm::LayerNorm,
    simd::{Kernel, LANES},
    softmax::Softmax,
    tiles::Avx512,
};
use minilm_model::Config;

/// Tokens of a sentence in attention: those that `minilm bench` measures.
const SENTENCES: [usize; 3] = [16, 64, 256];

/// A row per kernel, for sixteen values in a row of H, or for sixteen scores.
pub fn kernels(config: &Config) -> String {
    let h = config.hidden_size;
    let (mut x, ones) = (vec![1.0; h], vec![1.0; h]);
    let mut table = Table::new([
        "kernel",
        "fused",
        "products",
        "sums",
        "divisions",
        "others",
        "loads",
        "stores",
    ])
    .left(1);
    table.row(row("`exp`", operations(Exp(&mut x)), h));
    table.row(row("`gelu`", operations(Gelu(&mut x)), h));
    table.row(row("`softmax`", operations(Softmax::new(&mut x, h)), h));
    let layer_norm = LayerNorm::new(&mut x, &ones, &ones, 1e-12);
    table.row(row("`layer_norm`", operations(layer_norm), h));
    for tokens in SENTENCES {
        let name = format!("`attention`, {tokens} tokens");
        table.row(row(&name, attention(config.head_size(), tokens), tokens * tokens));
    }
    format!(
        "{}\nFor sixteen values in a row of {h}, or sixteen scores of a head of {}; \
         tiles of AVX-512.\n",
        table.text(),
        config.head_size()
    )
}

/// One head of one sentence.
fn attention(d: usize, tokens: usize) -> Operations {
    let (qkv, mut context) = (vec![0.0; tokens * 3 * d], vec![0.0; tokens * d]);
    let (mut scratch, starts) = (Scratch::default(), [0, tokens]);
    let (qkv, context) = (split(Rows::new(&qkv, 3 * d)), RowsMut::new(&mut context, d));
    operations(Attention::new(qkv, 1, &starts, &mut scratch, context))
}

fn operations(kernel: impl Kernel) -> Operations {
    count::<Avx512, _>(kernel).1
}

/// For sixteen of the elements. Broadcasts are left out: those of constants happen once.
fn row(name: &str, operations: Operations, elements: usize) -> [String; 8] {
    let per_vector = |count: u64| (LANES as u64 * count) as f64 / elements as f64;
    let Operations { comparisons, powers, lookups, interleavings, .. } = operations;
    // A power is a shift and an addition, an interleaving one permutation per half.
    let others = comparisons + 2 * powers + lookups + 2 * interleavings;
    let Operations { fused, products, sums, divisions, loads, stores, .. } = operations;
    let cell = |count| match per_vector(count) {
        few if 0.0 < few && few < 0.1 => format!("{few:.3}"),
        count => format!("{count:.1}").trim_end_matches(".0").to_owned(),
    };
    let [a, b, c, d, e, f, g] = [fused, products, sums, divisions, others, loads, stores].map(cell);
    [name.to_owned(), a, b, c, d, e, f, g]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_per_vector() {
        let mut x = [1.0; 64];
        let counted = row("gelu", operations(Gelu(&mut x)), 64);
        assert_eq!(counted, ["gelu", "9", "0", "1", "0", "10", "1", "1"]);
        let rare = row("attention", attention(32, 16), 16 * 16); // 2 · 32, and 9 in exp
        assert_eq!((rare[1].as_str(), rare[4].as_str()), ("73", "0.062"));
    }
}
