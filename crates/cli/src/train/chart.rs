//! Curves and histograms as pictures that need no script.

use crate::html::escape;
use std::fmt::Write;

const W: f64 = 640.0;
const H: f64 = 220.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 30.0;
const TOP: f64 = 10.0;
const RIGHT: f64 = 12.0;

/// A place in a chart.
pub(super) type Point = (f64, f64);

/// One or more curves with the same scales, each with its name and class.
pub(super) fn curves(title: &str, curves: &[(&str, &str, Vec<Point>)]) -> String {
    let all = || curves.iter().flat_map(|(_, _, points)| points);
    let (left, right) = range(all().map(|point| point.0));
    let (low, high) = range(all().map(|point| point.1));
    let x = |value: f64| LEFT + (W - LEFT - RIGHT) * (value - left) / (right - left);
    let y = |value: f64| TOP + (H - TOP - BOTTOM) * (high - value) / (high - low);
    let mut svg = begin(title);
    for share in [0.0, 0.5, 1.0] {
        let value = low + share * (high - low);
        grid(&mut svg, y(value), &number(value));
        let step = (left + share * (right - left)).round();
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{step}</text>",
            x(step),
            H - 8.0
        );
    }
    for (name, class, points) in curves {
        let places: Vec<String> =
            points.iter().map(|&(a, b)| format!("{:.1},{:.1}", x(a), y(b))).collect();
        let _ = writeln!(
            svg,
            "<polyline class=\"{class}\" points=\"{}\"><title>{}</title></polyline>",
            places.join(" "),
            escape(name)
        );
    }
    svg + "</svg>\n"
}

/// How many values are in each of forty parts of −1 to 1, before (hollow) and after (full).
pub(super) fn histogram(title: &str, before: &[f64], after: &[f64]) -> String {
    const PARTS: usize = 40;
    let counts = |values: &[f64]| {
        let mut counts = [0_usize; PARTS];
        for value in values {
            let part = ((value + 1.0) / 2.0 * PARTS as f64) as usize;
            counts[part.min(PARTS - 1)] += 1;
        }
        counts
    };
    let (before, after) = (counts(before), counts(after));
    let most = before.iter().chain(&after).max().copied().unwrap_or(0).max(1) as f64;
    let width = (W - LEFT - RIGHT) / PARTS as f64;
    let mut svg = begin(title);
    grid(&mut svg, H - BOTTOM, "0");
    grid(&mut svg, TOP, &format!("{most}"));
    for (class, counts) in [("after", after), ("before", before)] {
        for (part, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let height = (H - TOP - BOTTOM) * count as f64 / most;
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" \
                 height=\"{height:.1}\"><title>{count}, {class}</title></rect>",
                LEFT + width * part as f64 + 1.0,
                H - BOTTOM - height,
                width - 2.0
            );
        }
    }
    for cosine in [-1.0, -0.5, 0.0, 0.5, 1.0_f64] {
        let x = LEFT + (W - LEFT - RIGHT) * (cosine + 1.0) / 2.0;
        let label = crate::html::signed(&format!("{cosine}"));
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            H - 8.0
        );
    }
    svg + "</svg>\n"
}

fn begin(title: &str) -> String {
    let title = escape(title);
    format!("<svg viewBox=\"0 0 {W} {H}\" role=\"img\" aria-label=\"{title}\">\n")
}

fn grid(svg: &mut String, y: f64, label: &str) {
    let _ = writeln!(svg, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{}\"/>", W - RIGHT);
    let (x, y) = (LEFT - 8.0, y + 4.0);
    let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>");
}

/// The least and the largest value, never the same.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    match high - low {
        width if width > 0.0 => (low, high),
        _ if low.is_finite() => (low - 0.5, high + 0.5),
        _ => (0.0, 1.0),
    }
}

fn number(value: f64) -> String {
    let text = if value != 0.0 && value.abs() < 1e-3 {
        format!("{value:.1e}")
    } else {
        format!("{value:.4}")
    };
    crate::html::signed(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_stay_in_their_picture() {
        let svg = curves(
            "loss",
            &[("loss", "one", vec![(1.0, 3.0), (2.0, f64::NAN.min(1.0)), (3.0, 1.0)])],
        );
        let points = svg.split("points=\"").nth(1).and_then(|rest| rest.split('"').next());
        for point in points.expect("a curve").split(' ') {
            let (x, y) = point.split_once(',').expect("a place");
            let (x, y): (f64, f64) = (x.parse().expect("a number"), y.parse().expect("a number"));
            assert!((LEFT..=W).contains(&x) && (TOP..=H).contains(&y), "{point}");
        }
    }

    #[test]
    fn histograms_count_everything() {
        let svg = histogram("cosines", &[-1.0, 1.0, 1.0], &[0.0]);
        assert_eq!(svg.matches("class=\"before\"").count(), 2);
        assert_eq!(svg.matches("class=\"after\"").count(), 1);
        assert!(svg.contains("<title>2, before</title>"));
    }
}
