//! The curves of a training run: the loss of each step, and the scores of each evaluation.

use super::{COLOURS, Canvas, FAINT, INK, OrText, PAPER, font, legend, svg};
use crate::records::{list, number, unique};
use plotters::prelude::*;
use serde_json::Value;

/// The points of a line, with its name.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

pub fn training(record: &Value) -> Result<String, String> {
    let log = list(record, "log_history")?;
    let steps = log.iter().filter(|line| line.get("loss").is_some());
    let points = steps.map(|step| Ok((number(step, "step")?, number(step, "loss")?)));
    let loss = Line { name: "loss".to_owned(), points: points.collect::<Result<_, String>>()? };
    let scores = scores(log)?;
    svg((860, 360), |canvas| {
        let halves = canvas.split_evenly((1, 2));
        curves(&halves[0], "Loss of the batch", &[loss], |y| format!("{y:.1}"))?;
        curves(&halves[1], "Test texts", &scores, |y| format!("{:.1} %", 100.0 * y))
    })
}

/// A line for each number of the first evaluation.
fn scores(log: &[Value]) -> Result<Vec<Line>, String> {
    let mut points = Vec::new();
    for line in log.iter().filter(|line| line.get("scores").is_some()) {
        let step = number(line, "step")?;
        let first = list(line, "scores")?.first().ok_or("an evaluation has no scores")?;
        for pair in list(first, "values")? {
            let name = pair.get(0).and_then(Value::as_str).ok_or("a score has no name")?;
            let value = pair.get(1).and_then(Value::as_f64).ok_or("a score is no number")?;
            points.push((name, (step, value)));
        }
    }
    let names = unique(&points, |(name, _)| Ok((*name).to_owned()))?;
    let line = |name: String| {
        let own = points.iter().filter(|(other, _)| *other == name);
        let points = own.map(|&(_, point)| point).collect();
        Line { name, points }
    };
    Ok(names.into_iter().map(line).collect())
}

/// Lines over the steps, with some air above and below.
fn curves(
    canvas: &Canvas,
    title: &str,
    lines: &[Line],
    label: fn(&f64) -> String,
) -> Result<(), String> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let last = points().fold(1.0_f64, |most, point| most.max(point.0));
    let (least, most) = points()
        .fold((f64::MAX, f64::MIN), |(least, most), point| (least.min(point.1), most.max(point.1)));
    let air = 0.1 * (most - least).max(1e-3);
    let mut chart = ChartBuilder::on(canvas);
    let chart = chart.margin(12).caption(title, font(18));
    let chart = chart.x_label_area_size(40).y_label_area_size(56);
    let mut chart = chart.build_cartesian_2d(0.0..last, least - 4.0 * air..most + air).or_text()?;
    let mut mesh = chart.configure_mesh();
    mesh.disable_x_mesh().light_line_style(PAPER).bold_line_style(FAINT);
    mesh.axis_style(INK).label_style(font(15)).x_desc("steps").y_label_formatter(&label);
    mesh.x_label_formatter(&|x| format!("{x:.0}")).draw().or_text()?;
    for (i, line) in lines.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let drawn = LineSeries::new(line.points.iter().copied(), colour.stroke_width(2));
        let series = chart.draw_series(drawn).or_text()?;
        series
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
    }
    legend(&mut chart)
}
