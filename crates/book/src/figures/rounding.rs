//! The largest magnitude of each channel, before a rotation and after it.
//!
//! In the book: `docs/16-rounding.md`.

use super::{Anchor, BLUE, Diagram, ORANGE, Source, heads::ids};
use minilm_kernels::{Level, naive};
use minilm_model::{Batch, Bert};

/// Texts of one word, which have the largest values.
const WORDS: [&str; 8] = ["yes", "no", "thanks", ".", "ok", "hello", "why", "sorry"];
/// The layer whose feed-forward takes the rows.
const LAYER: usize = 1;
/// Pixels of a channel, and of the value 1.
const WIDTH: f64 = 2.0;
const HEIGHT: f64 = 7.0;

pub fn draw(source: &Source) -> Result<String, String> {
    let channels = source.config.hidden_size;
    let rows = rows(source)?; // [T, H]
    let largest = |rows: &[Vec<f64>]| -> Vec<f64> {
        let of =
            |channel: usize| rows.iter().fold(0.0_f64, |most, row| most.max(row[channel].abs()));
        (0..channels).map(of).collect()
    };
    let plain: Vec<Vec<f64>> =
        rows.iter().map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect();
    // The kernel's rotation stretches by the power of two in the number of registers.
    let stretch = f64::from(1 << (channels / 16).trailing_zeros());
    let rotated: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| naive::rotate(row).into_iter().map(|x| x / stretch).collect())
        .collect();
    let about = format!(
        "The largest magnitude of each of {channels} channels before and after the rotation"
    );
    let (left, width) = (60.0, WIDTH * channels as f64);
    let mut d = Diagram::new(((left + width) as u32 + 30, 440), &about);
    let title = format!(
        "What the feed-forward of layer {LAYER} takes, for texts of one word: the largest \
         magnitude of each channel"
    );
    d.text((16.0, 28.0), Anchor::Start, 16, &title);
    let parts =
        [("as it is", largest(&plain), 270.0, ORANGE), ("rotated", largest(&rotated), 410.0, BLUE)];
    for (name, values, base, colour) in parts {
        let (channel, most) =
            values.iter().copied().enumerate().fold((0, 0.0), |a, b| if b.1 > a.1 { b } else { a });
        let mean = values.iter().sum::<f64>() / channels as f64;
        let text = format!(
            "{name}: at most {most:.1}, in channel {channel}; {mean:.2} on average; a step of int8 \
             is {:.3}",
            most / 127.0
        );
        let top = base - HEIGHT * most;
        d.text((left, top.min(base - 50.0) - 8.0), Anchor::Start, 13, &text);
        for (i, value) in values.iter().enumerate() {
            let height = HEIGHT * value;
            d.bar((left + WIDTH * i as f64, base - height), (WIDTH - 0.5, height), colour);
        }
        d.text((left - 8.0, base), Anchor::End, 11, "0");
        d.text((left - 8.0, top + 8.0), Anchor::End, 11, &format!("{most:.0}"));
    }
    d.text((left, 428.0), Anchor::Start, 11, "channel 0");
    d.text((left + width, 428.0), Anchor::End, 11, &format!("channel {}", channels - 1));
    Ok(d.finish())
}

/// The rows that the feed-forward of the layer takes, of all texts.
fn rows(source: &Source) -> Result<Vec<Vec<f32>>, String> {
    let bert = Bert::load(source.weights, Level::detect()).map_err(|error| error.to_string())?;
    let plain = bert.plain().map_err(|error| error.to_string())?;
    let mut batch = Batch::default();
    for word in WORDS {
        batch.push(&ids(source, &["[CLS]", word, "[SEP]"])?);
    }
    let activations = plain.forward(&batch).map_err(|error| error.to_string())?;
    let rows = activations.layers[LAYER].attention_output.chunks(source.config.hidden_size);
    Ok(rows.map(<[f32]>::to_vec).collect())
}
