//! Multiply-adds per token, by product, for sentences of several lengths.

use super::{Anchor, BLUE, Diagram, GREEN, GREY, ORANGE, PINK, Source};
use crate::shapes::{LINEAR, attention};

const LENGTHS: [usize; 5] = [8, 32, 128, 256, 512];
const LEFT: f64 = 120.0;
const WIDTH: f64 = 560.0;

pub fn draw(source: &Source) -> Result<String, String> {
    let layers = source.config.num_hidden_layers as u64;
    let mut d = Diagram::new(
        (760, 320),
        "Million multiply-adds a token by product, for sentences of 8 to 512 tokens",
    );
    let colours = [BLUE, GREEN, ORANGE, PINK];
    let linear = source.config.linear_layers().map(|layer| layer.weights() * layers);
    let attention = |length| attention(source.config, length) * layers;
    let millions = |count: u64| count as f64 / 1e6;
    let scale = WIDTH / millions(linear.iter().sum::<u64>() + attention(512));
    d.text((20.0, 30.0), Anchor::Start, 16, "Million multiply-adds a token, all layers");
    let mut x = 20.0;
    for (name, colour) in LINEAR.into_iter().zip(colours) {
        d.rect((x, 46.0), (12.0, 12.0), colour);
        d.text((x + 18.0, 57.0), Anchor::Start, 13, name);
        x += 36.0 + 7.5 * name.len() as f64;
    }
    d.rect((x, 46.0), (12.0, 12.0), GREY);
    d.text((x + 18.0, 57.0), Anchor::Start, 13, "attention");
    for (i, length) in LENGTHS.into_iter().enumerate() {
        let y = 84.0 + 44.0 * i as f64;
        d.text((LEFT - 10.0, y + 20.0), Anchor::End, 14, &format!("{length} tokens"));
        let mut at = LEFT;
        let mut total = 0;
        for (count, colour) in linear.into_iter().zip(colours).chain([(attention(length), GREY)]) {
            d.rect((at, y), (millions(count) * scale, 30.0), colour);
            at += millions(count) * scale;
            total += count;
        }
        d.text((at + 8.0, y + 20.0), Anchor::Start, 14, &format!("{:.1}", millions(total)));
    }
    Ok(d.finish())
}
