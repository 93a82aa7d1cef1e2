//! Records to SVG: on a background of their own, so that they are read in a light page and in a
//! dark one.

mod bars;
mod peak;
mod roofline;
mod training;

use crate::{ladder, records::Maker};
use plotters::{
    coord::{CoordTranslate, Shift},
    prelude::*,
};

pub const PLOTS: [Maker; 5] = [
    Maker { name: "peers", record: "peers", make: bars::peers },
    Maker { name: "gemm-peak", record: "bench", make: peak::gemm },
    Maker { name: "roofline", record: "bench", make: roofline::roofline },
    Maker { name: "ladder-gemm", record: "ladder", make: ladder::gemm_bars },
    Maker { name: "training", record: "training", make: training::training },
];

const PAPER: RGBColor = RGBColor(250, 250, 250);
const INK: RGBColor = RGBColor(40, 40, 40);
const FAINT: RGBColor = RGBColor(215, 215, 215);
/// Colours that most colour-blind people tell apart (M. Okabe and K. Ito, 2008).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];
const GREY: RGBColor = RGBColor(150, 150, 150);

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// An error of drawing as a string.
trait OrText<T> {
    fn or_text(self) -> Result<T, String>;
}

impl<T, E: std::fmt::Display> OrText<T> for Result<T, E> {
    fn or_text(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// An SVG of `size` that `draw` fills.
fn svg(
    size: (u32, u32),
    draw: impl FnOnce(&Canvas) -> Result<(), String>,
) -> Result<String, String> {
    let mut text = String::new();
    {
        let canvas = SVGBackend::with_string(&mut text, size).into_drawing_area();
        canvas.fill(&PAPER).or_text()?;
        draw(&canvas)?;
        canvas.present().or_text()?;
    }
    Ok(text)
}

/// The legend of a chart's lines and dots, in its lower right corner.
fn legend<'a, C: CoordTranslate>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, C>,
) -> Result<(), String> {
    let mut labels = chart.configure_series_labels();
    labels
        .position(SeriesLabelPosition::LowerRight)
        .background_style(PAPER)
        .border_style(FAINT)
        .label_font(font(15));
    labels.draw().or_text()
}

fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

#[cfg(test)]
mod tests {
    use super::PLOTS;
    use crate::records::{Maker, Records};
    use serde_json::{Value, json};

    fn bench() -> Value {
        let kernel = |name: &str| {
            json!({
                "name": name, "case": "x", "flop": 1e6, "bytes": 1e5, "flops_per_second": 5e10
            })
        };
        let product = |rows: u32| {
            json!({
                "inputs": 384, "outputs": 1536, "rows": rows, "percent": 80.0, "flop": 1e8,
                "bytes": 1e6, "flops_per_second": 9e10
            })
        };
        let forward = json!({
            "tokens": 16, "sentences": 1, "flop": 3e8, "bytes": 4e7, "flops_per_second": 9e10
        });
        let read =
            [16_384, 268_435_456].map(|bytes| json!({ "bytes": bytes, "bytes_per_second": 2e10 }));
        json!({
            "ceilings": { "flops_per_second": 1.1e11, "read": read },
            "gemm": [product(8), product(64)], "forward": [forward],
            "kernels": [kernel("gelu"), kernel("a < b")]
        })
    }

    fn peers() -> Value {
        let engines = json!([
            { "name": "minilm", "median_seconds": 2.0 }, { "name": "a & b", "median_seconds": 3.0 }
        ]);
        json!({
            "texts": [{ "set": "short", "threads": 1, "limit_seconds": 1.5, "engines": engines }]
        })
    }

    fn ladder() -> Value {
        let rung = json!({ "name": "a & c", "value": 2.0, "cores": 1, "lines": 9 });
        let case = json!({
            "name": "gemm", "case": "384 → 1536, 8 rows", "ceiling": 100.0, "rungs": [rung],
            "yardstick": rung
        });
        json!({ "ladders": [case] })
    }

    fn training() -> Value {
        let log = json!([
            { "step": 0, "scores": [{ "values": [["accuracy_1nn", 0.5]] }] },
            { "step": 1, "loss": 0.5 }, { "step": 2, "loss": 0.25 },
            { "step": 2, "scores": [{ "values": [["accuracy_1nn", 0.75]] }] }
        ]);
        json!({ "log_history": log })
    }

    fn drawn(plot: &Maker) -> String {
        let made = [
            ("bench", bench()),
            ("peers", peers()),
            ("ladder", ladder()),
            ("training", training()),
        ];
        let records = Records::of("here", &made);
        plot.of(&records, "here").unwrap().unwrap()
    }

    #[test]
    fn every_plot_is_an_svg_with_its_background_and_words() {
        for (plot, words) in PLOTS.iter().zip([
            &["minilm", "a &amp; b", "limit"][..],
            &["384 → 1536", "64", "100"],
            &["gelu", "a &lt; b", "GFLOP/s"],
            &["a &amp; c", "8 rows"],
            &["loss", "accuracy_1nn", "75.0 %"],
        ]) {
            let svg = drawn(plot);
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
            assert!(svg.contains("#FAFAFA"), "{}: {svg}", plot.name);
            for word in words {
                assert!(svg.contains(word), "{}: no {word} in {svg}", plot.name);
            }
            assert!(!svg.contains("NaN"), "{svg}");
        }
    }

    #[test]
    fn the_same_record_gives_the_same_bytes() {
        PLOTS.iter().for_each(|plot| assert_eq!(drawn(plot), drawn(plot)));
    }

    #[test]
    fn all_text_is_sans_serif() {
        for plot in &PLOTS {
            let svg = drawn(plot);
            assert_eq!(
                svg.matches("<text ").count(),
                svg.matches("font-family=\"sans-serif\"").count()
            );
        }
    }
}
