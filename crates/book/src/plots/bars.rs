//! Engines as horizontal bars, the shortest on top.

use super::{COLOURS, Canvas, GREY, INK, OrText, font, svg};
use crate::{
    records::{list, number, string},
    tables::{OURS, threads_of},
};
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use serde_json::Value;

const WIDTH: u32 = 760;
/// Height of a bar with its distance, and of the part above the bars.
const BAR: u32 = 26;
const FRAME: u32 = 60;

struct Bars {
    title: String,
    limit: f64,
    bars: Vec<(String, f64)>,
}

/// Seconds of every engine with the fewest threads that were tried, one panel for each file of
/// texts.
pub fn peers(record: &Value) -> Result<String, String> {
    let runs = list(record, "texts")?;
    let mut panels = Vec::new();
    let mut fewest = f64::INFINITY;
    for run in runs {
        fewest = fewest.min(number(run, "threads")?);
    }
    for run in runs.iter().filter(|run| run["threads"].as_f64() == Some(fewest)) {
        let bar = |engine: &Value| Ok((string(engine, "name")?, number(engine, "median_seconds")?));
        let mut bars = list(run, "engines")?.iter().map(bar).collect::<Result<Vec<_>, String>>()?;
        bars.sort_by(|a, b| a.1.total_cmp(&b.1));
        let title = format!("{} texts, {}: seconds", string(run, "set")?, threads_of(fewest));
        panels.push(Bars { title, limit: number(run, "limit_seconds")?, bars });
    }
    let heights: Vec<u32> =
        panels.iter().map(|panel| panel.bars.len() as u32 * BAR + FRAME).collect();
    svg((WIDTH, heights.iter().sum()), |canvas| {
        let mut rest = canvas.clone();
        for (panel, height) in panels.iter().zip(heights) {
            let (top, below) = rest.split_vertically(height);
            draw(&top, panel)?;
            rest = below;
        }
        Ok(())
    })
}

fn draw(canvas: &Canvas, panel: &Bars) -> Result<(), String> {
    let longest = panel.bars.iter().map(|(_, seconds)| *seconds).fold(panel.limit, f64::max);
    let n = panel.bars.len() as f64;
    let mut chart = ChartBuilder::on(canvas);
    // Names stand on the left of zero, numbers on the right of the bars.
    let mut chart = chart
        .margin(8)
        .caption(&panel.title, font(18))
        .build_cartesian_2d(-0.36 * longest..1.1 * longest, n..-0.7)
        .or_text()?;
    let anchored = |h| font(15).pos(Pos::new(h, VPos::Center));
    for (i, (name, seconds)) in panel.bars.iter().enumerate() {
        let (top, middle, bottom) = (i as f64 + 0.12, i as f64 + 0.5, i as f64 + 0.88);
        let colour = if name == OURS { COLOURS[0] } else { GREY };
        let bar = Rectangle::new([(0.0, top), (*seconds, bottom)], colour.filled());
        let name = Text::new(name.clone(), (-0.01 * longest, middle), anchored(HPos::Right));
        let number = Text::new(
            format!("{seconds:.2}"),
            (seconds + 0.01 * longest, middle),
            anchored(HPos::Left),
        );
        chart.draw_series([bar]).or_text()?;
        chart.draw_series([name, number]).or_text()?;
    }
    let line = [(panel.limit, -0.2), (panel.limit, n)];
    chart.draw_series(DashedLineSeries::new(line, 4, 3, INK.into())).or_text()?;
    let limit = format!("limit {:.2}", panel.limit);
    chart
        .draw_series([Text::new(
            limit,
            (panel.limit, -0.45),
            font(13).pos(Pos::new(HPos::Center, VPos::Center)),
        )])
        .or_text()?;
    Ok(())
}
