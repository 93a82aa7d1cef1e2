//! The map: from a text to a vector.

use super::{Anchor, BLUE, Diagram, FAINT, GREEN, GREY, INK, ORANGE, PINK, Source};

/// The place and the width of the column of boxes.
const LEFT: f64 = 250.0;
const WIDTH: f64 = 300.0;
const MIDDLE: f64 = LEFT + WIDTH / 2.0;
const HEIGHT: f64 = 34.0;

pub fn draw(source: &Source) -> Result<String, String> {
    let s = source.config;
    let about = "From a text to a vector: tokens, embeddings, the layers with their two residual \
        connections, the mean, the norm";
    let mut d = Diagram::new((820, 650), about);
    let (h, f) = (s.hidden_size, s.intermediate_size);
    let steps: [(f64, &str, &str, &str, String); 9] = [
        (20.0, "a text", "", "#FFFFFF", "characters".into()),
        (72.0, "tokenize", "minilm/tokenize.rs", FAINT, "ids [T]".into()),
        (
            124.0,
            "word + position + type, LayerNorm",
            "model/embeddings.rs",
            FAINT,
            format!("x [T, {h}]"),
        ),
        (206.0, "query, key, value", "kernels/gemm.rs", BLUE, format!("[T, {}]", 3 * h)),
        (
            252.0,
            "attention",
            "kernels/attention.rs",
            ORANGE,
            format!("[T, {h}], {} heads", s.num_attention_heads),
        ),
        (298.0, "output, + x, LayerNorm", "gemm.rs, layer_norm.rs", BLUE, format!("[T, {h}]")),
        (360.0, "up, GELU", "gemm.rs, gelu.rs", BLUE, format!("[T, {f}]")),
        (406.0, "down, + x, LayerNorm", "gemm.rs, layer_norm.rs", BLUE, format!("x [T, {h}]")),
        (498.0, "mean over the tokens", "pooling/pooling.rs", GREEN, format!("[{h}]")),
    ];
    d.rect((LEFT - 60.0, 190.0), (WIDTH + 120.0, 282.0), "#F0F0F0");
    d.text(
        (LEFT - 52.0, 464.0),
        Anchor::Start,
        14,
        &format!("a layer, {} times", s.num_hidden_layers),
    );
    for (i, (y, what, file, colour, shape)) in steps.iter().enumerate() {
        d.rect((LEFT, *y), (WIDTH, HEIGHT), colour);
        let ink = if [BLUE, ORANGE, GREEN].contains(colour) { "#FFFFFF" } else { INK };
        d.coloured((MIDDLE, y + 22.0), Anchor::Middle, 15, ink, what);
        d.text((LEFT - 72.0, y + 22.0), Anchor::End, 13, file);
        d.text((LEFT + WIDTH + 72.0, y + 22.0), Anchor::Start, 14, shape);
        if let Some((next, ..)) = steps.get(i + 1) {
            d.arrow(&[(MIDDLE, y + HEIGHT), (MIDDLE, *next)], GREY);
        }
    }
    let last = 550.0;
    d.arrow(&[(MIDDLE, 498.0 + HEIGHT), (MIDDLE, last)], GREY);
    d.rect((LEFT, last), (WIDTH, HEIGHT), GREEN);
    d.coloured((MIDDLE, last + 22.0), Anchor::Middle, 15, "#FFFFFF", "divide by the length");
    d.text((LEFT - 72.0, last + 22.0), Anchor::End, 13, "pooling/normalize.rs");
    d.text((LEFT + WIDTH + 72.0, last + 22.0), Anchor::Start, 14, &format!("the embedding [{h}]"));
    for (from, to) in [(182.0, 315.0), (346.0, 423.0)] {
        let right = LEFT + WIDTH + 30.0;
        d.arrow(&[(MIDDLE, from), (right, from), (right, to), (LEFT + WIDTH, to)], PINK);
    }
    d.coloured((LEFT + WIDTH + 72.0, 182.0), Anchor::Start, 13, INK, "residual: x is added again");
    d.text((LEFT, 618.0), Anchor::Start, 13, "files are in crates/NAME/src; T tokens");
    Ok(d.finish())
}
