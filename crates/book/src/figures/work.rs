//! Multiply-adds a token, by where they go, for sentences of several lengths.

use super::{Anchor, BLUE, Diagram, GREEN, GREY, ORANGE, PINK, Source};

const LENGTHS: [usize; 5] = [8, 32, 128, 256, 512];
const LEFT: f64 = 120.0;
const WIDTH: f64 = 560.0;

pub fn draw(source: &Source) -> Result<String, String> {
    let s = source.shapes;
    let mut d = Diagram::new(
        (760, 320),
        "Million multiply-adds a token by product, for sentences of 8 to 512 tokens",
    );
    let products = s.products();
    let colours = [BLUE, GREEN, ORANGE, PINK];
    let millions = |count: usize| count as f64 / 1e6;
    let longest: usize = products.iter().map(|p| p.multiply_adds() * s.layers).sum::<usize>()
        + s.attention(512) * s.layers;
    let scale = WIDTH / millions(longest);
    d.text((20.0, 30.0), Anchor::Start, 16, "Million multiply-adds a token, all layers");
    let mut x = 20.0;
    for (product, colour) in products.iter().zip(colours) {
        d.rect((x, 46.0), (12.0, 12.0), colour);
        d.text((x + 18.0, 57.0), Anchor::Start, 13, product.name);
        x += 36.0 + 7.5 * product.name.len() as f64;
    }
    d.rect((x, 46.0), (12.0, 12.0), GREY);
    d.text((x + 18.0, 57.0), Anchor::Start, 13, "attention");
    for (i, length) in LENGTHS.into_iter().enumerate() {
        let y = 84.0 + 44.0 * i as f64;
        d.text((LEFT - 10.0, y + 20.0), Anchor::End, 14, &format!("{length} tokens"));
        let parts = products.iter().map(|p| p.multiply_adds() * s.layers).zip(colours);
        let mut at = LEFT;
        let mut total = 0;
        for (count, colour) in parts.chain([(s.attention(length) * s.layers, GREY)]) {
            d.rect((at, y), (millions(count) * scale, 30.0), colour);
            at += millions(count) * scale;
            total += count;
        }
        d.text((at + 8.0, y + 20.0), Anchor::Start, 14, &format!("{:.1}", millions(total)));
    }
    Ok(d.finish())
}
