//! The roofline: the operations per byte, and their speed.

use super::{COLOURS, FAINT, GREY, INK, OrText, PAPER, font, legend, svg};
use crate::records::{list, number, string};
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use serde_json::Value;

/// FLOP per byte, from and to.
const INTENSITY: (f64, f64) = (0.2, 300.0);

type LogLog<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<LogCoord<f64>, LogCoord<f64>>>;

/// A kernel on the plane.
struct Point {
    label: String,
    /// FLOP per byte, GFLOP/s.
    at: (f64, f64),
}

/// The ceilings as lines; the model and GEMM, whose weights come from beyond the caches, and the
/// kernels, whose data is near.
pub fn roofline(record: &Value) -> Result<String, String> {
    let peak = number(record, "ceilings/flops_per_second")? / 1e9;
    let products = points(record, "gemm", |_| Ok(String::new()))?;
    let forward = points(record, "forward", |value| {
        let tokens = number(value, "sentences")? * number(value, "tokens")?;
        Ok(format!("{tokens} tokens"))
    })?;
    let kernels = points(record, "kernels", |value| match string(value, "name")?.as_str() {
        "attention" => Ok(format!("attention, {}", string(value, "case")?)),
        name => Ok(name.to_owned()),
    })?;
    svg((760, 520), |canvas| {
        let mut chart = ChartBuilder::on(canvas);
        let chart = chart
            .margin(12)
            .caption("Roofline of one core", font(18))
            .x_label_area_size(44)
            .y_label_area_size(58);
        let x = (INTENSITY.0..INTENSITY.1).log_scale();
        let mut chart =
            chart.build_cartesian_2d(x, (peak / 100.0..peak * 1.6).log_scale()).or_text()?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(PAPER).bold_line_style(FAINT).axis_style(INK).label_style(font(15));
        mesh.x_desc("FLOP per byte")
            .y_desc("GFLOP/s")
            .x_label_formatter(&|x| format!("{x}"))
            .y_label_formatter(&|y| format!("{y}"));
        mesh.draw().or_text()?;
        for (i, read) in list(record, "ceilings/read")?.iter().enumerate() {
            ceiling(
                &mut chart,
                i,
                number(read, "bytes")?,
                number(read, "bytes_per_second")? / 1e9,
                peak,
            )?;
        }
        let above = peak * 1.15; // the line of the peak: the labels of what touches it
        chart
            .draw_series([words(
                format!("multiply-adds, {peak:.1} GFLOP/s"),
                (0.45, above),
                HPos::Left,
            )])
            .or_text()?;
        scatter(&mut chart, "GEMM alone", &products, COLOURS[2], 3)?;
        scatter(&mut chart, "whole model, so many tokens together", &forward, COLOURS[0], 5)?;
        scatter(&mut chart, "other kernels", &kernels, COLOURS[1], 5)?;
        let labels = kernels
            .iter()
            .map(|k| words(k.label.clone(), (k.at.0 * 1.05, k.at.1 * 0.86), HPos::Left));
        chart.draw_series(labels).or_text()?;
        // Batches of the same number of tokens read the same weights, so their points coincide.
        let first = forward
            .iter()
            .enumerate()
            .filter(|(i, point)| forward[..*i].iter().all(|p| p.label != point.label));
        let labels =
            first.map(|(_, point)| words(point.label.clone(), (point.at.0, above), HPos::Center));
        chart.draw_series(labels).or_text()?;
        legend(&mut chart)
    })
}

fn points(
    record: &Value,
    field: &str,
    label: impl Fn(&Value) -> Result<String, String>,
) -> Result<Vec<Point>, String> {
    let point = |value: &Value| {
        let intensity = number(value, "flop")? / number(value, "bytes")?;
        Ok(Point {
            label: label(value)?,
            at: (intensity, number(value, "flops_per_second")? / 1e9),
        })
    };
    list(record, field)?.iter().map(point).collect()
}

/// min(peak, intensity × bandwidth)
fn ceiling(
    chart: &mut LogLog,
    i: usize,
    bytes: f64,
    gigabytes: f64,
    peak: f64,
) -> Result<(), String> {
    let ridge = (peak / gigabytes).clamp(INTENSITY.0, INTENSITY.1);
    let line =
        [(INTENSITY.0, INTENSITY.0 * gigabytes), (ridge, ridge * gigabytes), (INTENSITY.1, peak)];
    chart
        .draw_series(LineSeries::new(line, if i == 0 { INK } else { GREY }.stroke_width(2)))
        .or_text()?;
    let size = if bytes < 1_048_576.0 {
        format!("{:.0} KiB", bytes / 1024.0)
    } else {
        format!("{:.0} MiB", bytes / 1_048_576.0)
    };
    // On the line, on a piece of paper.
    let (x, y) = (INTENSITY.0 * 1.8, INTENSITY.0 * 1.8 * gigabytes);
    chart
        .draw_series([Rectangle::new([(x / 1.62, y / 1.1), (x * 1.62, y * 1.1)], PAPER.filled())])
        .or_text()?;
    chart
        .draw_series([words(format!("{size}: {gigabytes:.0} GB/s"), (x, y), HPos::Center)])
        .or_text()?;
    Ok(())
}

fn scatter(
    chart: &mut LogLog,
    name: &str,
    points: &[Point],
    colour: RGBColor,
    size: i32,
) -> Result<(), String> {
    let dots = points.iter().map(|point| Circle::new(point.at, size, colour.filled()));
    let series = chart.draw_series(dots).or_text()?;
    series.label(name).legend(move |(x, y)| Circle::new((x + 9, y), 5, colour.filled()));
    Ok(())
}

fn words(text: String, at: (f64, f64), side: HPos) -> Text<'static, (f64, f64), String> {
    Text::new(text, at, font(13).pos(Pos::new(side, VPos::Center)))
}
