//! The ladders of `minilm-ladder` as tables, and that of GEMM as bars.

use crate::{
    figures::{Anchor, BLUE, Diagram, GREEN, GREY, INK, ORANGE},
    records::{list, number, string},
    table::Table,
};
use minilm_ladder::STEPS;
use serde_json::Value;

/// The product of the model's largest layer.
const PRODUCT: &str = "384 → 1536";

pub fn gemm_table(record: &Value) -> Result<String, String> {
    table(record, "gemm", |case| case.starts_with(PRODUCT))
}

pub fn layer_norm_table(record: &Value) -> Result<String, String> {
    table(record, "layer_norm", |_| true)
}

pub fn softmax_table(record: &Value) -> Result<String, String> {
    table(record, "softmax", |_| true)
}

pub fn gelu_table(record: &Value) -> Result<String, String> {
    table(record, "gelu", |_| true)
}

pub fn exp_table(record: &Value) -> Result<String, String> {
    table(record, "exp", |_| true)
}

pub fn attention_table(record: &Value) -> Result<String, String> {
    table(record, "attention", |_| true)
}

/// The cases of a ladder that are wanted.
fn cases<'a>(
    record: &'a Value,
    ladder: &str,
    wanted: fn(&str) -> bool,
) -> Result<Vec<&'a Value>, String> {
    let is_wanted =
        |case: &&Value| case["name"] == ladder && case["case"].as_str().is_some_and(wanted);
    let cases: Vec<&Value> = list(record, "ladders")?.iter().filter(is_wanted).collect();
    if cases.is_empty() { Err(format!("no ladder is called {ladder}")) } else { Ok(cases) }
}

/// The rungs of a case and the rival's function, if there is one.
fn rows(case: &Value) -> Result<Vec<&Value>, String> {
    let rungs = list(case, "rungs")?;
    let own = rungs.iter().any(|rung| rung["name"] == case["yardstick"]["name"]);
    Ok(rungs.iter().chain((!own).then_some(&case["yardstick"])).collect())
}

/// Lines of code of a rung as it is now, whenever its time was recorded; none for a rival.
fn lines(ladder: &str, name: &str) -> Option<usize> {
    let step = STEPS.iter().find(|step| step.ladder == ladder && step.name == name)?;
    Some(step.lines())
}

/// A row per rung: the values of all cases, then the last value as a part of the ceiling and of the
/// others.
fn table(record: &Value, ladder: &str, wanted: fn(&str) -> bool) -> Result<String, String> {
    let cases = cases(record, ladder, wanted)?;
    let (Some(last), unit) = (cases.last(), string(cases[0], "unit")?) else {
        return Err("no case".to_owned());
    };
    let names = cases.iter().map(|case| string(case, "case")).collect::<Result<Vec<_>, _>>()?;
    let (common, own) = common(&names);
    let heads = ["rung"].into_iter().chain(own.iter().copied());
    let mut table =
        Table::new(heads.chain(["% of ceiling", "% of yardstick", "× last rung", "lines"])).left(1);
    // More is better for one unit, less for the other.
    let ratio =
        |value: f64, other: f64| if unit == "GFLOP/s" { value / other } else { other / value };
    let (ceiling, yardstick) = (number(last, "ceiling")?, number(last, "yardstick/value")?);
    let mut before: Option<f64> = None;
    for (i, rung) in rows(last)?.into_iter().enumerate() {
        let (value, cores) = (number(rung, "value")?, number(rung, "cores")?);
        let name = string(rung, "name")?;
        let lines = lines(ladder, &name);
        let mut row = vec![if cores > 1.0 { format!("{name} ({cores})") } else { name }];
        for case in &cases {
            row.push(format!("{:.2}", number(rows(case)?[i], "value")?));
        }
        row.push(format!("{:.1}", 100.0 * ratio(value, ceiling) / cores));
        row.push(format!("{:.0}", 100.0 * ratio(value, yardstick)));
        row.push(
            before
                .filter(|_| lines.is_some())
                .map_or(String::new(), |before| format!("{:.2}", ratio(value, before))),
        );
        row.push(lines.map_or(String::new(), |lines| lines.to_string()));
        table.row(row);
        before = Some(value);
    }
    let (of, level) = (string(last, "yardstick/name")?, string(record, "level")?);
    let of_last = if own.len() > 1 {
        format!("; percentages and ratios: {}", own[own.len() - 1])
    } else {
        String::new()
    };
    Ok(format!(
        "{}\n{common}{unit}, medians, level {level}; yardstick: {of}{of_last}.\n",
        table.text()
    ))
}

/// The common beginning of all names, up to a comma, and the rest of each.
fn common(names: &[String]) -> (String, Vec<&str>) {
    let split: Option<Vec<(&str, &str)>> = names.iter().map(|name| name.split_once(", ")).collect();
    match split {
        Some(parts) if parts.iter().all(|part| part.0 == parts[0].0) => {
            (format!("{}: ", parts[0].0), parts.into_iter().map(|part| part.1).collect())
        }
        _ => (String::new(), names.iter().map(String::as_str).collect()),
    }
}

/// GFLOP/s of every rung for the numbers of rows that were measured, beside the core's peak.
pub fn gemm_bars(record: &Value) -> Result<String, String> {
    const LEFT: f64 = 150.0;
    const WIDTH: f64 = 520.0;
    let cases = cases(record, "gemm", |case| case.starts_with(PRODUCT))?;
    let names = rows(cases[0])?;
    let mut most = number(cases[0], "ceiling")?;
    let peak = most;
    for case in &cases {
        for row in rows(case)? {
            most = most.max(number(row, "value")?);
        }
    }
    let step = 16.0 * cases.len() as f64 + 12.0;
    let height = 110.0 + step * names.len() as f64;
    let about = format!("GFLOP/s of every rung of the ladder gemm for {PRODUCT}");
    let mut d = Diagram::new((760, height as u32), &about);
    d.text((20.0, 30.0), Anchor::Start, 16, &format!("{about}, by rows"));
    let colours = [GREY, GREEN, BLUE, ORANGE];
    for (i, case) in cases.iter().enumerate() {
        let colour = colours[i % colours.len()];
        let x = LEFT + 130.0 * i as f64;
        d.rect((x, 46.0), (12.0, 12.0), colour);
        let case_name = string(case, "case")?;
        d.text(
            (x + 18.0, 57.0),
            Anchor::Start,
            13,
            case_name.rsplit(", ").next().unwrap_or_default(),
        );
        for (j, row) in rows(case)?.into_iter().enumerate() {
            let (value, y) = (number(row, "value")?, 78.0 + step * j as f64 + 16.0 * i as f64);
            d.rect((LEFT, y), (WIDTH * value / most, 13.0), colour);
            d.text(
                (LEFT + WIDTH * value / most + 5.0, y + 11.0),
                Anchor::Start,
                11,
                &format!("{value:.1}"),
            );
        }
    }
    for (j, row) in names.into_iter().enumerate() {
        let cores = number(row, "cores")?;
        let name = string(row, "name")?;
        let name = if cores > 1.0 { format!("{name} ({cores} cores)") } else { name };
        d.text((LEFT - 8.0, 78.0 + step * j as f64 + step / 2.0), Anchor::End, 13, &name);
    }
    let x = LEFT + WIDTH * peak / most;
    d.line(&[(x, 68.0), (x, height - 26.0)], INK, 1.2);
    d.text((x, height - 10.0), Anchor::Middle, 12, &format!("peak of one core: {peak:.1}"));
    Ok(d.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record() -> Value {
        let rung = |name: &str, value: f64, cores: u32| {
            let mut rung = json!({ "name": name, "value": value });
            rung["cores"] = cores.into();
            rung
        };
        let case = |rows: u32| {
            json!({
                "name": "gemm", "case": format!("384 → 1536, {rows} rows"), "unit": "GFLOP/s",
                "ceiling": 100.0,
                "rungs": [rung("naive", 2.0, 1), rung("threads", 120.0, 2)],
                "yardstick": rung("theirs", 60.0, 1)
            })
        };
        let exp = json!({
            "name": "exp", "case": "64 × 384", "unit": "ns per element", "ceiling": 0.5,
            "rungs": [rung("library", 4.0, 1), rung("shipped", 1.0, 1)],
            "yardstick": rung("library", 4.0, 1)
        });
        json!({ "level": "avx2", "ladders": [case(8), case(64), exp] })
    }

    #[test]
    fn a_rate_is_better_when_it_is_larger() {
        let [naive, threads] = ["naive", "threads"].map(|name| lines("gemm", name).unwrap());
        let expected = format!(
            "\
| rung | 8 rows | 64 rows | % of ceiling | % of yardstick | × last rung | lines |
|---|---:|---:|---:|---:|---:|---:|
| naive | 2.00 | 2.00 | 2.0 | 3 |  | {naive} |
| threads (2) | 120.00 | 120.00 | 60.0 | 200 | 60.00 | {threads} |
| theirs | 60.00 | 60.00 | 60.0 | 100 |  |  |

384 → 1536: GFLOP/s, medians, level avx2; yardstick: theirs; percentages and ratios: 64 rows.
"
        );
        assert_eq!(gemm_table(&record()), Ok(expected));
    }

    #[test]
    fn a_time_is_better_when_it_is_smaller() {
        let text = exp_table(&record()).unwrap();
        let [library, shipped] = ["library", "shipped"].map(|name| lines("exp", name).unwrap());
        let expected = format!(
            "| library | 4.00 | 12.5 | 100 |  | {library} |\n\
             | shipped | 1.00 | 50.0 | 400 | 4.00 | {shipped} |\n"
        );
        assert!(text.contains(&expected), "{text}");
        assert_eq!(gelu_table(&record()).unwrap_err(), "no ladder is called gelu");
    }

    #[test]
    fn bars_name_every_rung_and_the_peak() {
        let svg = gemm_bars(&record()).unwrap();
        for word in ["naive", "threads (2 cores)", "theirs", "8 rows", "64 rows", "100.0"] {
            assert!(svg.contains(word), "{word}: {svg}");
        }
    }
}
