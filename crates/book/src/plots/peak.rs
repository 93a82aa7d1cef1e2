//! The part of the peak that GEMM reaches, by rows.

use super::{COLOURS, FAINT, INK, OrText, PAPER, font, legend, svg};
use crate::records::{list, number, string, unique};
use plotters::prelude::*;
use serde_json::Value;

/// One line for each product; rows stand at equal distances.
pub fn gemm(record: &Value) -> Result<String, String> {
    let products = list(record, "gemm")?;
    let shape = |product: &Value| {
        Ok(format!("{} → {}", string(product, "inputs")?, string(product, "outputs")?))
    };
    let shapes = unique(products, shape)?;
    let rows = unique(products, |product| string(product, "rows"))?;
    let place = |product: &Value| -> Result<f64, String> {
        Ok(rows
            .iter()
            .position(|rows| string(product, "rows").as_ref() == Ok(rows))
            .unwrap_or_default() as f64)
    };
    let mut lines = Vec::new();
    for name in &shapes {
        let line = products.iter().filter(|product| shape(product).as_ref() == Ok(name));
        lines.push(
            line.map(|product| Ok((place(product)?, number(product, "percent")?)))
                .collect::<Result<Vec<_>, String>>()?,
        );
    }
    let last = (rows.len() - 1) as f64;
    svg((760, 420), |canvas| {
        let mut chart = ChartBuilder::on(canvas);
        let chart = chart
            .margin(12)
            .caption("GEMM alone, one thread: percent of the measured multiply-add peak", font(18));
        let chart = chart.x_label_area_size(44).y_label_area_size(52);
        let mut chart = chart.build_cartesian_2d(-0.2..last + 0.2, 0.0..105.0).or_text()?;
        let label = |x: &f64| {
            if x.fract() == 0.0 {
                rows.get(*x as usize).cloned().unwrap_or_default()
            } else {
                String::new()
            }
        };
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh()
            .light_line_style(PAPER)
            .bold_line_style(FAINT)
            .axis_style(INK)
            .label_style(font(15));
        mesh.x_desc("rows").y_desc("percent").x_labels(2 * rows.len()).x_label_formatter(&label);
        mesh.y_labels(11).y_label_formatter(&|y| format!("{y:.0}")).draw().or_text()?;
        for (i, (name, line)) in shapes.iter().zip(lines).enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let dots = line.clone().into_iter().map(|at| Circle::new(at, 4, colour.filled()));
            chart.draw_series(dots).or_text()?;
            let series =
                chart.draw_series(LineSeries::new(line, colour.stroke_width(2))).or_text()?;
            series.label(name).legend(move |(x, y)| {
                PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3))
            });
        }
        legend(&mut chart)
    })
}
