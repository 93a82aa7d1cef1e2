//! The engine alone: products, other kernels and the whole model, beside the ceilings of the
//! machine.

use crate::{
    records::{list, number, string, unique},
    table::Table,
};
use serde_json::Value;

pub fn ceilings(record: &Value) -> Result<String, String> {
    let mut table = Table::new(["one core", "a second"]).left(1);
    table.row([
        "multiply-adds on registers",
        &format!("{:.1} GFLOP", number(record, "ceilings/flops_per_second")? / 1e9),
    ]);
    if let Ok(operations) = number(record, "ceilings/operations_per_second") {
        table.row(["vector operations on registers", &format!("{:.2} billion", operations / 1e9)]);
    }
    table.row([
        "divisions on registers",
        &format!("{:.1} billion", number(record, "ceilings/divisions_per_second")? / 1e9),
    ]);
    for read in list(record, "ceilings/read")? {
        let kib = number(read, "bytes")? / 1024.0;
        let size =
            if kib < 1024.0 { format!("{kib} KiB") } else { format!("{} MiB", kib / 1024.0) };
        table.row([
            &format!("reading {size} again and again"),
            &format!("{:.1} GB", number(read, "bytes_per_second")? / 1e9),
        ]);
    }
    Ok(table.text())
}

pub fn gemm(record: &Value) -> Result<String, String> {
    let products = list(record, "gemm")?;
    let shape = |product: &Value| {
        Ok(format!("{} → {}", string(product, "inputs")?, string(product, "outputs")?))
    };
    let shapes = unique(products, shape)?;
    let mut table = Table::new(["rows".to_owned()].into_iter().chain(shapes.iter().cloned()));
    for rows in unique(products, |product| string(product, "rows"))? {
        let mut row = vec![rows.clone()];
        for column in &shapes {
            let product = products.iter().find(|p| {
                string(p, "rows").as_ref() == Ok(&rows) && shape(p).as_ref() == Ok(column)
            });
            row.push(product.map_or(Ok("–".to_owned()), percent)?);
        }
        table.row(row);
    }
    Ok(table.text())
}

pub fn model(record: &Value) -> Result<String, String> {
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

pub fn latency(record: &Value) -> Result<String, String> {
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

pub fn start(record: &Value) -> Result<String, String> {
    let mut table =
        Table::new(["threads", "weights alone", "encoder: weights and tokenizer", "first text"]);
    for start in list(record, "start")? {
        let ms = |field| Ok::<_, String>(format!("{:.1}", number(start, field)? * 1e3));
        table.row([string(start, "threads")?, ms("weights")?, ms("encoder")?, ms("text")?]);
    }
    Ok(table.text())
}

pub fn throughput(record: &Value) -> Result<String, String> {
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

pub fn kernels(record: &Value) -> Result<String, String> {
    let mut table =
        Table::new(["kernel", "on", "ns", "slots measured", "slots at the least", "percent"])
            .left(2);
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

fn percent(value: &Value) -> Result<String, String> {
    Ok(format!("{:.1} %", number(value, "percent")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn products_are_columns_and_rows_are_rows() {
        let product = |outputs: u32, rows: u32, percent: f64| {
            json!({
                "inputs": 384, "outputs": outputs, "rows": rows, "percent": percent
            })
        };
        let record = json!({
            "gemm": [product(384, 8, 80.0), product(1152, 8, 85.04), product(384, 16, 90.0)]
        });
        let expected = "\
| rows | 384 → 384 | 384 → 1152 |
|---:|---:|---:|
| 8 | 80.0 % | 85.0 % |
| 16 | 90.0 % | – |
";
        assert_eq!(gemm(&record).as_deref(), Ok(expected));
    }

    #[test]
    fn times_are_in_milliseconds() {
        let record = json!({
            "latency": [{ "tokens": 8, "threads": 1, "p50": 0.0021, "p90": 0.0025, "p99": 0.003,
            "max": 0.01 }]
        });
        assert!(latency(&record).unwrap().ends_with("| 8 | 1 | 2.10 | 2.50 | 3.00 | 10.00 |\n"));
        let record = json!({
            "forward": [{ "sentences": 16, "tokens": 8, "best_seconds": 0.03,
            "flops_per_second": 9e10, "percent": 77.25 }]
        });
        assert!(model(&record).unwrap().ends_with("| 16 × 8 | 30.00 | 90.0 | 77.2 % |\n"));
    }

    #[test]
    fn kernels_stand_beside_their_least() {
        let kernel = json!({
            "name": "exp", "case": "8 × 384", "nanoseconds": 4.0, "slots": 15.0,
            "least_slots": 13.0, "percent": 86.67
        });
        let text = kernels(&json!({ "kernels": [kernel] })).unwrap();
        assert!(text.ends_with("| `exp` | 8 × 384 | 4.00 | 15.0 | 13.0 | 87 % |\n"), "{text}");
    }
}
