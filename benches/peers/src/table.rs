//! The results as Markdown that reads well in a terminal.

use crate::{
    agreement::Agreement,
    compare::{Limit, Outcome, Row},
    sets::{Kind, Set},
};
use std::fmt::Write;

const HEADER: [&str; 9] = [
    "engine",
    "median",
    "best",
    "tokens/s",
    "× minilm",
    "% of limit",
    "mean cosine",
    "smallest cosine",
    "largest difference",
];

/// A table for each set, and the engines that are missing.
pub fn tables(outcome: &Outcome, sets: &[Set]) -> String {
    let mut text = String::new();
    let threads = if outcome.threads == 1 {
        "1 thread".to_owned()
    } else {
        format!("{} threads", outcome.threads)
    };
    for (i, set) in sets.iter().enumerate() {
        let (count, tokens) = (set.texts.len(), set.tokens());
        let title = match set.kind {
            Kind::Texts => {
                format!("{}: {count} texts, {tokens} tokens, text in and vectors out", set.name)
            }
            Kind::One => format!("{}, text in and vector out, warm", set.name),
            Kind::Ids => format!("{} token ids", set.name),
            Kind::Search => format!("{} vectors, the nearest rows of each query", set.name),
            Kind::Step => format!("{}, {tokens} token ids", set.name),
            Kind::Pairs => format!("{} a step, {count} texts, {tokens} tokens", set.name),
        };
        text += &format!("\n### {title}, {threads}\n\n");
        let (limit, rows) = (outcome.limit(i, set), outcome.rows(i));
        text += &markdown(&lines(set, &limit, &rows));
        if set.kind == Kind::Search {
            text += &beside_the_peak(outcome.at_peak(set), &limit, &rows);
        }
    }
    for runner in &outcome.runners {
        if let Some(why) = &runner.failure {
            text += &format!("\nNot measured with {threads}: {}: {why}\n", runner.rival.name);
        }
    }
    let peak = outcome.peak / 1e9;
    text + &format!(
        "\nlimit: FLOPs of the linear layers and of attention at {peak:.1} GFLOP/s a core, the \
         most measured in this run; of a search, reading all \
         rows by a plain sum, or the product alone\n"
    )
}

/// The cells of a set's table, the header first.
fn lines(set: &Set, limit: &Limit, rows: &[Row]) -> Vec<[String; 9]> {
    let (unit, scale) =
        if matches!(set.kind, Kind::Texts | Kind::Pairs) { ("s", 1.0) } else { ("ms", 1e3) };
    let ours = rows.iter().find(|row| row.name == "minilm").map_or(f64::NAN, |row| row.median);
    let (speed_unit, amount) = amount(set);
    let speed = |seconds: f64| {
        [seconds * scale, amount / seconds, seconds / ours, 100.0 * limit.median / seconds]
    };

    let mut header = HEADER.map(str::to_owned);
    header[1] += &format!(" {unit}");
    header[2] += &format!(" {unit}");
    header[3] = speed_unit.to_owned();
    if set.kind == Kind::Search {
        header[6] = "–".to_owned();
        header[7] = "same rows".to_owned();
    } else if set.kind.is_training() {
        header[6] = "memory MB".to_owned();
    }
    let mut lines = vec![header, {
        let [seconds, speed, ratio, percent] = speed(limit.median);
        let dash = || "–".to_owned();
        [
            "limit".to_owned(),
            format!("{seconds:.3}"),
            format!("{:.3}", limit.best * scale),
            decimals(speed),
            format!("{ratio:.2}"),
            format!("{percent:.0}"),
            dash(),
            dash(),
            dash(),
        ]
    }];
    for row in rows {
        let [seconds, speed, ratio, percent] = speed(row.median);
        let agreement = row.agreement;
        let [mean, same] = match agreement {
            Agreement::Vectors { mean_cosine, min_cosine, .. } => {
                let [mean, smallest] = [mean_cosine, min_cosine].map(|cos| format!("{cos:.7}"));
                let memory = row.memory.map(|bytes| (bytes / 1_000_000).to_string());
                [memory.unwrap_or(mean), smallest]
            }
            Agreement::Hits { same_rows, .. } => {
                ["–".to_owned(), format!("{:.2} %", 100.0 * same_rows)]
            }
        };
        lines.push([
            format!("{} {}", row.name, row.version),
            format!("{seconds:.3}"),
            format!("{:.3}", row.best * scale),
            decimals(speed),
            format!("{ratio:.2}"),
            format!("{percent:.0}"),
            mean,
            same,
            format!("{:.1e}{}", agreement.max_difference(), if row.agrees() { "" } else { " (!)" }),
        ]);
    }
    lines
}

/// The amount of work of a call, and its unit per second.
fn amount(set: &Set) -> (&'static str, f64) {
    match &set.search {
        Some(lookup) if lookup.queries == 1 => ("GB/s", lookup.bytes() / 1e9),
        Some(_) => ("GFLOP/s", set.flop / 1e9),
        None => ("tokens/s", set.tokens() as f64),
    }
}

/// Small numbers with a digit more.
fn decimals(number: f64) -> String {
    let digits = usize::from(number < 1000.0);
    format!("{number:.digits$}")
}

/// The parts of the multiply-add peak that a search and its limit reach.
fn beside_the_peak(seconds: f64, limit: &Limit, rows: &[Row]) -> String {
    let ours = rows.iter().find(|row| row.name == "minilm").map_or(f64::NAN, |row| row.median);
    let [limit, ours] = [limit.median, ours].map(|median| 100.0 * seconds / median);
    format!("\nOf the multiply-add peak the limit has {limit:.1} %, minilm {ours:.1} %.\n")
}

/// Cells in columns: the first to the left, numbers to the right.
fn markdown(lines: &[[String; 9]]) -> String {
    let width =
        |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 9] = std::array::from_fn(width);
    let mut text = String::new();
    for (i, cells) in lines.iter().enumerate() {
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let written = if column == 0 {
                write!(text, "| {cell:width$} ")
            } else {
                write!(text, "| {cell:>width$} ")
            };
            written.expect("a String takes everything");
        }
        text += "|\n";
        if i == 0 {
            for (column, width) in widths.into_iter().enumerate() {
                text += &if column == 0 {
                    format!("|-{}-", "-".repeat(width))
                } else {
                    format!("|-{}:", "-".repeat(width))
                };
            }
            text += "|\n";
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn columns_line_up() {
        let line = |first: &str| {
            std::array::from_fn(|i| if i == 0 { first.to_owned() } else { "×".repeat(i) })
        };
        let table = markdown(&[line("engine"), line("a"), line("longest name")]);
        let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths.len(), 4);
        assert!(widths.iter().all(|&width| width == widths[0]), "{table}");
    }
}
