//! Pictures that need no script.

use super::measure::Size;
use crate::html::escape;
use minilm::{Trace, ndarray::ArrayD};
use std::fmt::Write;

/// The chart of the residual stream: its size, and the room for labels on the left and below.
const W: f64 = 760.0;
const H: f64 = 300.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 46.0;

/// The scales of the chart.
struct Chart {
    /// Points along the stream.
    points: usize,
    /// Distance of grid lines, and the length at the top.
    step: f64,
    top: f64,
}

impl Chart {
    fn x(&self, i: usize) -> f64 {
        LEFT + (W - LEFT - 16.0) * i as f64 / (self.points.max(2) - 1) as f64
    }

    fn y(&self, length: f64) -> f64 {
        10.0 + (H - BOTTOM - 10.0) * (1.0 - length / self.top)
    }

    /// Grid lines with their lengths, and the names of the steps.
    fn axes(&self) -> String {
        let mut svg = String::new();
        for k in 0..=(self.top / self.step).round() as usize {
            let (length, y) = (k as f64 * self.step, self.y(k as f64 * self.step));
            let _ = writeln!(svg, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{}\"/>", W - 16.0);
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{length}</text>",
                LEFT - 8.0,
                y + 4.0
            );
        }
        let mut below = |x: f64, y: f64, class: &str, label: &str| {
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\"{class}>{label}</text>"
            );
        };
        for i in 0..self.points {
            let label = ["emb", "attn", "ffn"][if i == 0 { 0 } else { 2 - i % 2 }];
            below(self.x(i), H - BOTTOM + 18.0, "", label);
            if i % 2 == 1 && i + 1 < self.points {
                below(
                    (self.x(i) + self.x(i + 1)) / 2.0,
                    H - 8.0,
                    " class=\"layer\"",
                    &format!("layer {}", i / 2),
                );
            }
        }
        svg
    }

    fn line(&self, class: &str, lengths: impl Iterator<Item = f64>, title: &str) -> String {
        let points = lengths
            .enumerate()
            .map(|(i, length)| format!("{:.1},{:.1}", self.x(i), self.y(length)));
        let points = points.collect::<Vec<_>>().join(" ");
        format!(
            "<polyline class=\"{class}\" points=\"{points}\"><title>{title}</title></polyline>\n"
        )
    }
}

/// The length of each token's vector along the residual stream: a thin line per token, a thick line
/// for their mean.
pub(super) fn stream(trace: &Trace, sizes: &[Size]) -> String {
    let most = sizes.iter().map(Size::most).fold(1e-9, f64::max);
    let step = tick(most);
    let chart = Chart { points: sizes.len(), step, top: (most / step).ceil() * step };
    let [first, last] =
        [&sizes[0], &sizes[sizes.len() - 1]].map(|size| format!("{:.2}", size.mean()));
    let about = format!(
        "Length of the token vectors, {first} on average at the beginning, {last} at the end"
    );

    let mut svg = format!(
        "<svg id=\"stream-chart\" viewBox=\"0 0 {W} {H}\" role=\"img\" aria-label=\"{about}\">\n"
    );
    svg += &chart.axes();
    for (t, token) in trace.tokens.iter().enumerate() {
        svg += &chart.line("one", sizes.iter().map(|size| size.lengths[t]), &escape(token));
    }
    svg += &chart.line("mean", sizes.iter().map(Size::mean), "mean");
    // The longest vector of all has its name beside it.
    let lengths = sizes.iter().enumerate().flat_map(|(i, size)| {
        size.lengths.iter().enumerate().map(move |(t, &length)| (i, t, length))
    });
    if let Some((i, t, length)) = lengths.max_by(|a, b| a.2.total_cmp(&b.2)) {
        let (x, y, name) = (chart.x(i) + 8.0, chart.y(length) + 4.0, escape(&trace.tokens[t]));
        let _ = writeln!(svg, "<text class=\"layer\" x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>");
    }
    svg + "</svg>\n"
}

/// A round distance of grid lines, at most seven of them up to `most`.
fn tick(most: f64) -> f64 {
    let power = 10_f64.powf((most / 4.0).log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
    factors
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| most / step <= 6.5)
        .unwrap_or(10.0 * power)
}

/// A vector as squares whose areas are its values: full ones are positive, hollow ones negative.
pub(super) fn vector(values: &ArrayD<f32>) -> String {
    const CELL: f64 = 16.0;
    let columns = [32, 24, 16]
        .into_iter()
        .find(|&columns| values.len().is_multiple_of(columns))
        .unwrap_or(32);
    let rows = values.len().div_ceil(columns);
    let largest = values.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
    let (width, height) = (columns as f64 * CELL, rows as f64 * CELL);
    let about = format!("{} values, full squares positive, hollow ones negative", values.len());
    let mut svg = format!(
        "<svg id=\"vector\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{about}\">\n"
    );
    for (i, &value) in values.iter().enumerate() {
        let side = (CELL - 2.0) * f64::from((value.abs() / largest).sqrt());
        let (x, y) =
            ((i % columns) as f64 * CELL + CELL / 2.0, (i / columns) as f64 * CELL + CELL / 2.0);
        let (side, class) =
            if value < 0.0 { ((side - 1.5).max(0.0), "minus") } else { (side, "plus") };
        let (left, top) = (x - side / 2.0, y - side / 2.0);
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" \
             width=\"{side:.1}\" height=\"{side:.1}\"/>"
        );
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
