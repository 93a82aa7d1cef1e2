//! Pictures that need no script.

use super::measure::Size;
use crate::html::escape;
use minilm::{Trace, ndarray::ArrayD};
use std::fmt::Write;

/// The length of each token's vector along the residual stream: a thin line a token, a thick one for their mean.
pub(super) fn stream(trace: &Trace, sizes: &[Size]) -> String {
    const W: f64 = 760.0;
    const H: f64 = 300.0;
    const LEFT: f64 = 44.0;
    const BOTTOM: f64 = 46.0;
    let most = sizes.iter().map(Size::most).fold(1e-9, f64::max);
    let step = tick(most);
    let top = (most / step).ceil() * step;
    let x = |i: usize| LEFT + (W - LEFT - 16.0) * i as f64 / (sizes.len().max(2) - 1) as f64;
    let y = |length: f64| 10.0 + (H - BOTTOM - 10.0) * (1.0 - length / top);

    let about = format!("Length of the token vectors, {:.2} on average at the beginning", sizes[0].mean());
    let about = format!("{about}, {:.2} at the end", sizes[sizes.len() - 1].mean());
    let mut svg = format!("<svg id=\"stream-chart\" viewBox=\"0 0 {W} {H}\" role=\"img\" aria-label=\"{about}\">\n");
    for k in 0..=(top / step).round() as usize {
        let (length, at) = (k as f64 * step, y(k as f64 * step));
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{}\"/>", W - 16.0);
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{length}</text>", LEFT - 8.0, at + 4.0);
    }
    for i in 0..sizes.len() {
        let label = ["emb", "attn", "ffn"][if i == 0 { 0 } else { 2 - i % 2 }];
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", x(i), H - BOTTOM + 18.0);
        if i % 2 == 1 && i + 1 < sizes.len() {
            let (middle, layer) = ((x(i) + x(i + 1)) / 2.0, i / 2);
            let _ = writeln!(
                svg,
                "<text x=\"{middle:.1}\" y=\"{}\" text-anchor=\"middle\" class=\"layer\">layer {layer}</text>",
                H - 8.0
            );
        }
    }
    let line = |lengths: &mut dyn Iterator<Item = f64>| {
        let points = lengths.enumerate().map(|(i, length)| format!("{:.1},{:.1}", x(i), y(length)));
        points.collect::<Vec<_>>().join(" ")
    };
    for (t, token) in trace.tokens.iter().enumerate() {
        let points = line(&mut sizes.iter().map(|size| size.lengths[t]));
        let _ = writeln!(svg, "<polyline class=\"one\" points=\"{points}\"><title>{}</title></polyline>", escape(token));
    }
    let _ = writeln!(svg, "<polyline class=\"mean\" points=\"{}\"/>", line(&mut sizes.iter().map(Size::mean)));
    let peaks =
        sizes.iter().enumerate().flat_map(|(i, size)| size.lengths.iter().enumerate().map(move |(t, &length)| (i, t, length)));
    if let Some((i, t, length)) = peaks.max_by(|a, b| a.2.total_cmp(&b.2)) {
        let name = escape(&trace.tokens[t]);
        let _ = writeln!(svg, "<text class=\"layer\" x=\"{:.1}\" y=\"{:.1}\">{name}</text>", x(i) + 8.0, y(length) + 4.0);
    }
    svg + "</svg>\n"
}

/// A round distance of grid lines, at most seven of them up to `most`.
fn tick(most: f64) -> f64 {
    let power = 10_f64.powf((most / 4.0).log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
    factors.into_iter().map(|factor| factor * power).find(|step| most / step <= 6.5).unwrap_or(10.0 * power)
}

/// A vector as squares whose areas are its values: full ones are positive, hollow ones negative.
pub(super) fn vector(values: &ArrayD<f32>) -> String {
    const CELL: f64 = 16.0;
    let columns = [32, 24, 16].into_iter().find(|&columns| values.len().is_multiple_of(columns)).unwrap_or(32);
    let rows = values.len().div_ceil(columns);
    let largest = values.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
    let (width, height) = (columns as f64 * CELL, rows as f64 * CELL);
    let about = format!("{} values, full squares positive, hollow ones negative", values.len());
    let mut svg = format!("<svg id=\"vector\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{about}\">\n");
    for (i, &value) in values.iter().enumerate() {
        let side = (CELL - 2.0) * f64::from((value.abs() / largest).sqrt());
        let (x, y) = ((i % columns) as f64 * CELL + CELL / 2.0, (i / columns) as f64 * CELL + CELL / 2.0);
        let (side, class) = if value < 0.0 { ((side - 1.5).max(0.0), "minus") } else { (side, "plus") };
        let (left, top) = (x - side / 2.0, y - side / 2.0);
        let _ =
            writeln!(svg, "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{side:.1}\" height=\"{side:.1}\"/>");
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::tick;

    #[test]
    fn grid_lines_are_round_and_few() {
        for (most, step) in [(9.7, 2.0), (1.0, 0.2), (23.0, 5.0), (30.3, 5.0), (0.004, 0.001)] {
            assert!((tick(most) - step).abs() < 1e-12, "{most}: {}", tick(most));
        }
    }
}
