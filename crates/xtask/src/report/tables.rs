//! Records to Markdown.

use super::{
    Maker, bakeoff, ladder,
    records::{list, number, string, unique},
};
use serde_json::Value;

pub const TABLES: [Maker; 17] = [
    Maker { name: "machine", record: "machine", make: machine },
    Maker { name: "peers-texts", record: "peers", make: peers_texts },
    Maker { name: "peers-ids", record: "peers", make: peers_ids },
    Maker { name: "bench-ceilings", record: "bench", make: ceilings },
    Maker { name: "bench-gemm", record: "bench", make: gemm },
    Maker { name: "bench-model", record: "bench", make: model },
    Maker { name: "bench-latency", record: "bench", make: latency },
    Maker { name: "bench-throughput", record: "bench", make: throughput },
    Maker { name: "kernels", record: "bench", make: kernels },
    Maker { name: "ladder-gemm", record: "ladder", make: ladder::gemm_table },
    Maker { name: "ladder-layer_norm", record: "ladder", make: ladder::layer_norm_table },
    Maker { name: "ladder-softmax", record: "ladder", make: ladder::softmax_table },
    Maker { name: "ladder-gelu", record: "ladder", make: ladder::gelu_table },
    Maker { name: "ladder-exp", record: "ladder", make: ladder::exp_table },
    Maker { name: "ladder-attention", record: "ladder", make: ladder::attention_table },
    Maker { name: "bakeoff-avx512", record: "bakeoff", make: bakeoff::avx512 },
    Maker { name: "bakeoff-avx2", record: "bakeoff", make: bakeoff::avx2 },
];

/// What the engine of this repository is called among its rivals.
pub const OURS: &str = "minilm";

fn machine(record: &Value) -> Result<String, String> {
    let or_unknown = |field: &str| string(record, field).unwrap_or_else(|_| "unknown".to_owned());
    let caches = list(record, "caches").unwrap_or_default().iter();
    let caches =
        caches.map(|cache| Ok(format!("L{} {} {}", string(cache, "level")?, string(cache, "type")?, string(cache, "size")?)));
    let levels = list(record, "levels")?.iter().filter_map(Value::as_str);
    let mut table = Table::new(["machine", or_unknown("cpu").as_str()]).left(2);
    let family = ["vendor", "family", "model"].map(or_unknown);
    table.row(["", &format!("{}, family {}, model {}", family[0], family[1], family[2])]);
    table.row(["CPUs", &or_unknown("cpus")]);
    table.row(["caches of one", &caches.collect::<Result<Vec<_>, String>>()?.join(", ")]);
    table.row([
        "memory",
        &number(record, "memory_bytes").map_or("unknown".to_owned(), |bytes| format!("{:.0} GiB", bytes / 1_073_741_824.0)),
    ]);
    table.row(["levels", &levels.collect::<Vec<_>>().join(", ")]);
    table.row(["system", &format!("{}, Linux {}", or_unknown("os"), or_unknown("kernel"))]);
    table.row(["compiler", &or_unknown("rustc")]);
    table.row(["commit", &format!("{}, {}", or_unknown("commit"), or_unknown("date"))]);
    Ok(table.text())
}

/// Seconds of each engine for each file of texts, and how many times ours that is.
fn peers_texts(record: &Value) -> Result<String, String> {
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
        Ok(format!("*{}*: {} texts with {} tokens", string(run, "set")?, string(run, "texts")?, string(run, "tokens")?))
    })?;
    Ok(format!("{}\n{}. Medians.\n", table.text(), sets.join("; ")))
}

/// Milliseconds of each engine for each batch of token ids.
fn peers_ids(record: &Value) -> Result<String, String> {
    let runs = list(record, "ids")?;
    let names = engines(runs)?;
    let head = ["texts × tokens", "threads", "limit"].map(str::to_owned).into_iter().chain(names.iter().cloned());
    let mut table = Table::new(head);
    for run in runs {
        let of_ours = ours(run, "median_ms")?;
        let case = format!("{} × {}", string(run, "batch")?, string(run, "tokens")?);
        let mut row = vec![case, string(run, "threads")?, decimals(number(run, "limit_ms")?)];
        for name in &names {
            row.push(match engine(run, name)? {
                Some(engine) if name == OURS => decimals(number(engine, "median_ms")?),
                Some(engine) => {
                    let ms = number(engine, "median_ms")?;
                    format!("{} ({})", decimals(ms), times(ms, of_ours))
                }
                None => "–".to_owned(),
            });
        }
        table.row(row);
    }
    Ok(format!("{}\nMedians in milliseconds; in brackets, how many times ours.\n", table.text()))
}

fn ceilings(record: &Value) -> Result<String, String> {
    let mut table = Table::new(["one core", "a second"]).left(1);
    table.row(["multiply-adds on registers", &format!("{:.1} GFLOP", number(record, "ceilings/flops_per_second")? / 1e9)]);
    table.row(["divisions on registers", &format!("{:.1} billion", number(record, "ceilings/divisions_per_second")? / 1e9)]);
    for read in list(record, "ceilings/read")? {
        let kib = number(read, "bytes")? / 1024.0;
        let size = if kib < 1024.0 { format!("{kib} KiB") } else { format!("{} MiB", kib / 1024.0) };
        table.row([&format!("reading {size} again and again"), &format!("{:.1} GB", number(read, "bytes_per_second")? / 1e9)]);
    }
    Ok(table.text())
}

fn gemm(record: &Value) -> Result<String, String> {
    let products = list(record, "gemm")?;
    let shape = |product: &Value| Ok(format!("{} → {}", string(product, "inputs")?, string(product, "outputs")?));
    let shapes = unique(products, shape)?;
    let mut table = Table::new(["rows".to_owned()].into_iter().chain(shapes.iter().cloned()));
    for rows in unique(products, |product| string(product, "rows"))? {
        let mut row = vec![rows.clone()];
        for column in &shapes {
            let product = products.iter().find(|p| string(p, "rows").as_ref() == Ok(&rows) && shape(p).as_ref() == Ok(column));
            row.push(product.map_or(Ok("–".to_owned()), percent)?);
        }
        table.row(row);
    }
    Ok(table.text())
}

fn model(record: &Value) -> Result<String, String> {
    let mut table = Table::new(["sentences × tokens", "ms", "GFLOP/s", "of the peak"]);
    for forward in list(record, "forward")? {
        table.row([
            format!("{} × {}", string(forward, "sentences")?, string(forward, "tokens")?),
            format!("{:.2}", number(forward, "best_seconds")? * 1e3),
            format!("{:.1}", number(forward, "flops_per_second")? / 1e9),
            percent(forward)?,
        ]);
    }
    Ok(table.text())
}

fn latency(record: &Value) -> Result<String, String> {
    let mut table = Table::new(["tokens", "threads", "half", "90 %", "99 %", "all"]);
    for latency in list(record, "latency")? {
        let mut row = vec![string(latency, "tokens")?, string(latency, "threads")?];
        for field in ["p50", "p90", "p99", "max"] {
            row.push(format!("{:.2}", number(latency, field)? * 1e3));
        }
        table.row(row);
    }
    Ok(table.text())
}

fn throughput(record: &Value) -> Result<String, String> {
    let mut table = Table::new(["threads", "texts", "tokens", "s", "tokens/s", "of the peak"]);
    for all in list(record, "throughput")? {
        table.row([
            string(all, "threads")?,
            string(all, "texts")?,
            string(all, "tokens")?,
            format!("{:.3}", number(all, "best_seconds")?),
            format!("{:.0}", number(all, "tokens_per_second")?),
            percent(all)?,
        ]);
    }
    Ok(table.text())
}

fn kernels(record: &Value) -> Result<String, String> {
    let mut table = Table::new(["kernel", "on", "ns", "slots measured", "slots at the least", "percent"]).left(2);
    for kernel in list(record, "kernels")? {
        table.row([
            format!("`{}`", string(kernel, "name")?),
            string(kernel, "case")?,
            format!("{:.2}", number(kernel, "nanoseconds")?),
            format!("{:.1}", number(kernel, "slots")?),
            format!("{:.1}", number(kernel, "least_slots")?),
            format!("{:.0} %", number(kernel, "percent")?),
        ]);
    }
    Ok(table.text())
}

/// All engines, ours first.
pub fn engines(runs: &[Value]) -> Result<Vec<String>, String> {
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
pub fn engine<'a>(run: &'a Value, name: &str) -> Result<Option<&'a Value>, String> {
    Ok(list(run, "engines")?.iter().find(|engine| engine["name"] == name))
}

fn ours(run: &Value, field: &str) -> Result<f64, String> {
    engine(run, OURS)?.map_or_else(|| Err(format!("{OURS} is not among the engines")), |engine| number(engine, field))
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

fn percent(value: &Value) -> Result<String, String> {
    Ok(format!("{:.1} %", number(value, "percent")?))
}

fn times(value: f64, ours: f64) -> String {
    format!("{:.2}×", value / ours)
}

/// Three digits or so.
fn decimals(value: f64) -> String {
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$}")
}

/// A Markdown table; columns are on the right but for the first few.
pub struct Table {
    rows: Vec<Vec<String>>,
    left: usize,
}

impl Table {
    pub fn new<S: ToString>(head: impl IntoIterator<Item = S>) -> Table {
        Table { rows: vec![head.into_iter().map(|cell| cell.to_string()).collect()], left: 0 }
    }

    pub fn left(self, columns: usize) -> Table {
        Table { left: columns, ..self }
    }

    pub fn row<S: ToString>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }

    pub fn text(&self) -> String {
        let line = |cells: &[String]| {
            format!("| {} |\n", cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "))
        };
        let rules = (0..self.rows[0].len()).map(|column| if column < self.left { "---" } else { "---:" });
        let rules: String = rules.map(|rule| format!("{rule}|")).collect();
        let rows: String = self.rows[1..].iter().map(|row| line(row)).collect();
        format!("{}|{rules}\n{rows}", line(&self.rows[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn engines_are_compared_with_ours_in_the_same_run() {
        let engine = |name: &str, seconds: f64| json!({ "name": name, "version": "1.2", "median_seconds": seconds });
        let run = |set: &str, engines: &[Value]| json!({ "set": set, "texts": 10, "tokens": 200, "threads": 1, "limit_seconds": 1.0, "engines": engines });
        let short = run("short", &[engine("other", 3.0), engine("minilm", 2.0)]);
        let mixed = run("mixed", &[engine("minilm", 20.0), engine("third", 30.0)]);
        let expected = "\
| engine | short, one thread: s | × ours | mixed, one thread: s | × ours |
|---|---:|---:|---:|---:|
| limit: all multiply-adds at the measured peak | 1.00 | 0.50× | 1.00 | 0.05× |
| minilm 1.2 | 2.00 | 1.00× | 20.0 | 1.00× |
| other 1.2 | 3.00 | 1.50× | – | – |
| third 1.2 | – | – | 30.0 | 1.50× |

*short*: 10 texts with 200 tokens; *mixed*: 10 texts with 200 tokens. Medians.
";
        assert_eq!(peers_texts(&json!({ "texts": [short, mixed] })).as_deref(), Ok(expected));
        let without = json!({ "texts": [run("short", &[engine("other", 3.0)])] });
        assert_eq!(peers_texts(&without).unwrap_err(), "minilm is not among the engines");
    }

    #[test]
    fn batches_of_ids_are_rows() {
        let engines = json!([{ "name": "minilm", "median_ms": 2.0 }, { "name": "other", "median_ms": 3.5 }]);
        let record = json!({ "ids": [{ "batch": 1, "tokens": 8, "threads": 2, "limit_ms": 1.5, "engines": engines }] });
        let expected = "\
| texts × tokens | threads | limit | minilm | other |
|---:|---:|---:|---:|---:|
| 1 × 8 | 2 | 1.50 | 2.00 | 3.50 (1.75×) |

Medians in milliseconds; in brackets, how many times ours.
";
        assert_eq!(peers_ids(&record).as_deref(), Ok(expected));
    }

    #[test]
    fn products_are_columns_and_rows_are_rows() {
        let product = |outputs: u32, rows: u32, percent: f64| json!({ "inputs": 384, "outputs": outputs, "rows": rows, "percent": percent });
        let record = json!({ "gemm": [product(384, 8, 80.0), product(1152, 8, 85.04), product(384, 16, 90.0)] });
        let expected = "\
| rows | 384 → 384 | 384 → 1152 |
|---:|---:|---:|
| 8 | 80.0 % | 85.0 % |
| 16 | 90.0 % | – |
";
        assert_eq!(gemm(&record).as_deref(), Ok(expected));
    }

    #[test]
    fn a_machine_is_described_as_far_as_it_is_known() {
        let cache = json!({ "level": "1", "type": "Data", "size": "32K" });
        let record = json!({ "cpu": "A | B", "family": 25, "caches": [cache], "levels": ["avx2", "portable"], "memory_bytes": 8_589_934_592_u64 });
        let text = machine(&record).unwrap();
        for line in [
            "| machine | A \\| B |",
            "unknown, family 25, model unknown",
            "| caches of one | L1 Data 32K |",
            "8 GiB",
            "avx2, portable",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    #[test]
    fn times_are_in_milliseconds() {
        let record =
            json!({ "latency": [{ "tokens": 8, "threads": 1, "p50": 0.0021, "p90": 0.0025, "p99": 0.003, "max": 0.01 }] });
        assert!(latency(&record).unwrap().ends_with("| 8 | 1 | 2.10 | 2.50 | 3.00 | 10.00 |\n"));
        let record = json!({ "forward": [{ "sentences": 16, "tokens": 8, "best_seconds": 0.03, "flops_per_second": 9e10, "percent": 77.25 }] });
        assert!(model(&record).unwrap().ends_with("| 16 × 8 | 30.00 | 90.0 | 77.2 % |\n"));
    }

    #[test]
    fn kernels_stand_beside_their_least() {
        let kernel =
            json!({ "name": "exp", "case": "8 × 384", "nanoseconds": 4.0, "slots": 15.0, "least_slots": 13.0, "percent": 86.67 });
        let text = kernels(&json!({ "kernels": [kernel] })).unwrap();
        assert!(text.ends_with("| `exp` | 8 × 384 | 4.00 | 15.0 | 13.0 | 87 % |\n"), "{text}");
    }
}
