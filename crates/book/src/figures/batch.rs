//! The batch: sentences padded to the longest, and end to end.

use super::{Anchor, BLUE, Diagram, FAINT, GREEN, ORANGE, PINK, Source};

/// Tokens of the sentences: the unequal batch of the ladder `attention`.
const LENGTHS: [usize; 8] = [4, 7, 9, 12, 14, 19, 23, 40];
const COLOURS: [&str; 4] = [BLUE, ORANGE, GREEN, PINK];

pub fn draw(_: &Source) -> Result<String, String> {
    let about = "Eight sentences padded to the longest, the same end to end, and the scores of \
        attention as blocks on a diagonal";
    let mut d = Diagram::new((800, 420), about);
    let (tokens, longest) =
        (LENGTHS.iter().sum::<usize>(), LENGTHS.into_iter().fold(0, usize::max));
    let rows = LENGTHS.len() * longest;
    let unit = 8.0;
    d.text(
        (30.0, 32.0),
        Anchor::Start,
        15,
        &format!("padded to the longest: {rows} rows, {tokens} of them tokens"),
    );
    for (i, length) in LENGTHS.into_iter().enumerate() {
        let y = 46.0 + 26.0 * i as f64;
        d.rect((30.0, y), (unit * longest as f64, 20.0), FAINT);
        d.rect((30.0, y), (unit * length as f64, 20.0), COLOURS[i % 4]);
    }
    d.text(
        (30.0, 310.0),
        Anchor::Start,
        15,
        &format!("the batch: the same sentences end to end, {tokens} rows"),
    );
    let side = 260.0;
    let (left, top) = (500.0, 60.0);
    d.text((left, 32.0), Anchor::Start, 15, "attention of the batch:");
    d.text((left, 50.0), Anchor::Start, 13, "a query (row) sees the keys of its sentence");
    d.rect((left, top), (side, side), "#FFFFFF");
    let (strip, scale) = (450.0 / tokens as f64, side / tokens as f64);
    let mut start = 0;
    for (i, length) in LENGTHS.into_iter().enumerate() {
        let (from, size) = (start as f64, length as f64);
        d.rect((30.0 + strip * from, 324.0), (strip * size, 24.0), COLOURS[i % 4]);
        d.rect(
            (left + scale * from, top + scale * from),
            (scale * size, scale * size),
            COLOURS[i % 4],
        );
        start += length;
    }
    d.text(
        (30.0, 376.0),
        Anchor::Start,
        13,
        "a row is a row: GEMM, LayerNorm and GELU do not look where a sentence ends",
    );
    let scores = LENGTHS.iter().map(|length| length * length).sum::<usize>();
    let padded = LENGTHS.len() * longest * longest;
    d.text(
        (left, 342.0),
        Anchor::Start,
        13,
        &format!("{scores} scores per head; padded: {padded}"),
    );
    Ok(d.finish())
}
