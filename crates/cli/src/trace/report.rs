//! The trace for the terminal.

use super::measure::{Measures, range};
use crate::{table::Table, terminal};
use minilm::Trace;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// First values of each tensor: at the least, at the most, and the columns of one.
const VALUES: std::ops::RangeInclusive<usize> = 3..=8;
const VALUE: usize = 8;

/// Columns of the terminal before the first values.
const BEFORE_VALUES: usize = 68;

/// Length of the longest bar.
const BAR: f64 = 24.0;

pub(super) fn report(trace: &Trace, measures: &Measures, width: usize) -> String {
    let (t, ms) = (trace.tokens.len(), measures.total.as_secs_f64() * 1e3);
    let head = format!(
        "{t} tokens through {} layers of {} heads: {ms:.2} ms, one thread of {} (medians of {} \
         passes)\n",
        trace.layers, trace.heads, measures.level, trace.passes
    );
    let parts =
        [head, tokens(trace, width), tensors(trace, width), stream(measures), kernels(measures)];
    parts.join("\n")
}

/// `[CLS] 101, hello 7592, …`, as many on a line as fit.
fn tokens(trace: &Trace, width: usize) -> String {
    let mut text = String::from("tokens and their ids\n");
    let mut line = String::new();
    for (token, id) in trace.tokens.iter().zip(&trace.ids) {
        let entry = format!("  {} {id}", terminal::printable(token));
        if !line.is_empty() && line.width() + entry.width() > width {
            let _ = writeln!(text, "{line}");
            line.clear();
        }
        line += &entry;
    }
    text + &line + "\n"
}

fn tensors(trace: &Trace, width: usize) -> String {
    let count = (width.saturating_sub(BEFORE_VALUES) / VALUE).clamp(*VALUES.start(), *VALUES.end());
    let mut table = Table::new(["tensor", "shape", "min", "max", "first values"]).left(2);
    for tensor in &trace.tensors {
        let (least, most, _) = range(tensor.values.iter());
        let first =
            tensor.values.iter().take(count).map(|x| format!("{x:>7.3} ")).collect::<String>();
        let shape = format!("{:?}", tensor.values.shape());
        table.row([
            tensor.name.clone(),
            shape,
            format!("{least:.3}"),
            format!("{most:.3}"),
            first + "…",
        ]);
    }
    table.text()
}

fn stream(measures: &Measures) -> String {
    let mut table = Table::new([
        "residual stream",
        "length of a token's vector",
        "mean",
        "least",
        "most",
        "change",
        "alike",
    ])
    .left(2);
    let largest = measures.stream.iter().map(|size| size.mean()).fold(f64::MIN_POSITIVE, f64::max);
    let percent =
        |part: Option<f64>| part.map_or(String::new(), |part| format!("{:.0} %", 100.0 * part));
    for size in &measures.stream {
        let bar = "█".repeat((BAR * size.mean() / largest).round() as usize);
        let [mean, least, most] =
            [size.mean(), size.least(), size.most()].map(|length| format!("{length:.2}"));
        let alike = size.alike.map_or(String::new(), |alike| format!("{alike:.2}"));
        table.row([size.name.clone(), bar, mean, least, most, percent(size.change), alike]);
    }
    table.text() + "change: |x − before| / |before|; alike: mean cosine of two tokens\n"
}

fn kernels(measures: &Measures) -> String {
    let mut table =
        Table::new(["kernel, all layers", "ms", "share", "MFLOP", "GFLOP/s", "of peak"]).left(1);
    let mut row = |name: String, seconds: f64, percent: f64, flop: u64| {
        let speed = flop as f64 / seconds.max(1e-9);
        table.row([
            name,
            format!("{:.3}", seconds * 1e3),
            format!("{percent:.1} %"),
            format!("{:.2}", flop as f64 * 1e-6),
            format!("{:.1}", speed * 1e-9),
            format!("{:.0} %", 100.0 * speed / measures.peak),
        ]);
    };
    for cost in &measures.operations {
        row(
            cost.operation.to_string(),
            cost.time.as_secs_f64(),
            measures.percent(cost.time),
            cost.flop,
        );
    }
    row("all".to_owned(), measures.total.as_secs_f64(), 100.0, measures.flop());
    let peak = format!(
        "peak: {:.1} GFLOP/s, multiply-adds on registers alone, just measured\n",
        measures.peak * 1e-9
    );
    table.text() + &peak
}
