//! The record of `benches/peers` to Markdown: our engine and its rivals, in the same run.

use crate::{
    records::{list, number, string, unique},
    table::Table,
};
use serde_json::Value;

/// The name of this repository's engine among its rivals.
pub const OURS: &str = "minilm";

/// Seconds of each engine for each file of texts, and the ratio to ours.
pub fn texts(record: &Value) -> Result<String, String> {
    let runs = list(record, "texts")?;
    let mut head = vec!["engine".to_owned()];
    for run in runs {
        let (set, threads) = (string(run, "set")?, number(run, "threads")?);
        head.push(format!("{set}, {}: s", threads_of(threads)));
        head.push("× ours".to_owned());
    }
    let mut table = Table::new(head).left(1);
    let mut limit = vec!["limit: all multiply-adds at the measured peak".to_owned()];
    for run in runs {
        let seconds = number(run, "limit_seconds")?;
        limit.extend([decimals(seconds), times(seconds, ours(run, "median_seconds")?)]);
    }
    table.row(limit);
    for name in engines(runs)? {
        let mut row = vec![labelled(runs, &name)?];
        for run in runs {
            match engine(run, &name)? {
                Some(engine) => {
                    let seconds = number(engine, "median_seconds")?;
                    row.extend([decimals(seconds), times(seconds, ours(run, "median_seconds")?)]);
                }
                None => row.extend(["–".to_owned(), "–".to_owned()]),
            }
        }
        table.row(row);
    }
    let sets = unique(runs, |run| {
        Ok(format!(
            "*{}*: {} texts with {} tokens",
            string(run, "set")?,
            string(run, "texts")?,
            string(run, "tokens")?
        ))
    })?;
    Ok(format!("{}\n{}. Medians.\n", table.text(), sets.join("; ")))
}

/// Seconds of each engine for each file of texts, with the cosines of its vectors to ours in `f32`:
/// of the run `precisions`, if the record has one apart.
pub fn precisions(record: &Value) -> Result<String, String> {
    let runs = list(record.get("precisions").unwrap_or(record), "texts")?;
    let columns = ["s", "× f32", "mean", "least"];
    let heads = |run: &Value| {
        let set = string(run, "set")?;
        Ok(columns.map(|column| format!("{set}: {column}")))
    };
    let heads = runs.iter().map(heads).collect::<Result<Vec<_>, String>>()?;
    let threads = unique(runs, |run| Ok(threads_of(number(run, "threads")?)))?.join(", ");
    let mut table = Table::new(["engine".to_owned()].into_iter().chain(heads.concat())).left(1);
    for name in engines(runs)? {
        let mut row = vec![labelled(runs, &name)?];
        for run in runs {
            let Some(engine) = engine(run, &name)? else {
                row.extend(columns.map(|_| "–".to_owned()));
                continue;
            };
            let seconds = number(engine, "median_seconds")?;
            row.extend([decimals(seconds), times(seconds, ours(run, "median_seconds")?)]);
            for field in ["mean_cosine", "min_cosine"] {
                row.push(format!("{:.6}", number(engine, field)?));
            }
        }
        table.row(row);
    }
    Ok(format!(
        "{}\nMedians, {threads}; *× f32*: the time as a multiple of minilm's in f32; *mean* and \
         *least*: the cosine of each text's vector with minilm's in f32.\n",
        table.text()
    ))
}

/// Milliseconds of each engine for each batch of token ids.
pub fn ids(record: &Value) -> Result<String, String> {
    let runs = list(record, "ids")?;
    let names = engines(runs)?;
    let head = ["texts × tokens", "threads", "limit"]
        .map(str::to_owned)
        .into_iter()
        .chain(names.iter().cloned());
    let mut table = Table::new(head);
    for run in runs {
        let case = format!("{} × {}", string(run, "batch")?, string(run, "tokens")?);
        let mut row = vec![case, string(run, "threads")?, decimals(number(run, "limit_ms")?)];
        row.extend(beside_ours(run, &names, "median_ms", 1.0)?);
        table.row(row);
    }
    Ok(format!("{}\nMedians in milliseconds; in brackets, how many times ours.\n", table.text()))
}

/// Milliseconds of each engine for each search, and the distance of ours from its limit.
pub fn search(record: &Value) -> Result<String, String> {
    let (runs, peak) = (list(record, "search")?, number(record, "peak_flops")?);
    let names = engines(runs)?;
    let head = ["queries × rows", "threads", "limit", "of it", "of the peak"].map(str::to_owned);
    let mut table = Table::new(head.into_iter().chain(names.iter().cloned()));
    for run in runs {
        let (limit, of_ours) = (number(run, "limit_seconds")?, ours(run, "median_seconds")?);
        let at_peak = number(run, "flop")? / (peak * number(run, "threads")?);
        let mut row = vec![
            format!("{} × {}", string(run, "queries")?, string(run, "rows")?),
            string(run, "threads")?,
        ];
        row.push(decimals(1e3 * limit));
        row.extend([limit, at_peak].map(|least| format!("{:.1} %", 100.0 * least / of_ours)));
        row.extend(beside_ours(run, &names, "median_seconds", 1e3)?);
        table.row(row);
    }
    Ok(format!(
        "{}\nMedians in milliseconds; in brackets, how many times ours. Percentages are ours.\n",
        table.text()
    ))
}

/// Tokens per second of each engine for each kind of training, and its memory.
pub fn training(record: &Value) -> Result<String, String> {
    let runs = list(record, "training")?;
    let names = engines(runs)?;
    let head = ["work", "threads", "of the limit"].map(str::to_owned);
    let mut table = Table::new(head.into_iter().chain(names.iter().cloned())).left(1);
    for run in runs {
        let (tokens, ours) = (number(run, "tokens")?, ours(run, "median_seconds")?);
        let mut row = vec![string(run, "set")?, string(run, "threads")?];
        row.push(format!("{:.0} %", 100.0 * number(run, "limit_seconds")? / ours));
        for name in &names {
            row.push(match engine(run, name)? {
                Some(engine) => {
                    let seconds = number(engine, "median_seconds")?;
                    let memory = number(engine, "bytes")? / 1e9;
                    let ratio = if name == OURS { String::new() } else { times(seconds, ours) };
                    let ratio = ratio.replace('×', "× as long, ");
                    format!("{:.0} ({ratio}{memory:.2} GB)", tokens / seconds)
                }
                None => "–".to_owned(),
            });
        }
        table.row(row);
    }
    Ok(format!(
        "{}\nTokens per second, medians; in brackets, how many times as long as ours it takes, and \
         the most memory of the process.\n",
        table.text()
    ))
}

/// A cell for each engine: its time in milliseconds, and the ratio to ours.
fn beside_ours(
    run: &Value,
    names: &[String],
    field: &str,
    scale: f64,
) -> Result<Vec<String>, String> {
    let of_ours = ours(run, field)?;
    let cell = |name: &String| {
        Ok(match engine(run, name)? {
            Some(engine) if name == OURS => decimals(scale * number(engine, field)?),
            Some(engine) => {
                let time = number(engine, field)?;
                format!("{} ({})", decimals(scale * time), times(time, of_ours))
            }
            None => "–".to_owned(),
        })
    };
    names.iter().map(cell).collect()
}

/// All engines, ours first.
fn engines(runs: &[Value]) -> Result<Vec<String>, String> {
    let mut names = vec![OURS.to_owned()];
    for run in runs {
        for engine in list(run, "engines")? {
            let name = string(engine, "name")?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Ok(names)
}

/// An engine of a run, if it took part.
fn engine<'a>(run: &'a Value, name: &str) -> Result<Option<&'a Value>, String> {
    Ok(list(run, "engines")?.iter().find(|engine| engine["name"] == name))
}

fn ours(run: &Value, field: &str) -> Result<f64, String> {
    engine(run, OURS)?.map_or_else(
        || Err(format!("{OURS} is not among the engines")),
        |engine| number(engine, field),
    )
}

/// Name and version.
fn labelled(runs: &[Value], name: &str) -> Result<String, String> {
    let entries = runs.iter().map(|run| engine(run, name)).collect::<Result<Vec<_>, _>>()?;
    let version = entries.into_iter().flatten().find_map(|engine| engine["version"].as_str());
    Ok(version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}")))
}

pub fn threads_of(threads: f64) -> String {
    if threads == 1.0 { "one thread".to_owned() } else { format!("{threads} threads") }
}

fn times(value: f64, ours: f64) -> String {
    format!("{:.2}×", value / ours)
}

/// Three digits or so.
fn decimals(value: f64) -> String {
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests;
