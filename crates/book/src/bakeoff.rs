//! The bake-off of `minilm-ladder` as tables.

use crate::{
    records::{list, number, string},
    table::Table,
};
use serde_json::Value;

pub fn avx512(record: &Value) -> Result<String, String> {
    table(record, "avx512")
}

pub fn avx2(record: &Value) -> Result<String, String> {
    table(record, "avx2")
}

/// A row a variant, in the order in which they were measured: for each number of rows, the best and
/// the median.
fn table(record: &Value, level: &str) -> Result<String, String> {
    let levels = list(record, "levels")?;
    let found = levels
        .iter()
        .find(|found| found["level"] == level)
        .ok_or_else(|| format!("level {level} was not measured"))?;
    let variants = list(found, "variants")?;
    let mut head = vec!["tile".to_owned()];
    for layer in list(&variants[0], "layers")? {
        head.extend([format!("{} rows: best", string(layer, "rows")?), "median".to_owned()]);
    }
    let mut table = Table::new(head).left(1);
    for variant in variants {
        let mut row = vec![string(variant, "name")?];
        for layer in list(variant, "layers")? {
            for field in ["best_percent", "median_percent"] {
                row.push(format!("{:.1}", number(layer, field)?));
            }
        }
        table.row(row);
    }
    let (peak, rounds) = (number(found, "peak_flops")? / 1e9, number(record, "rounds")?);
    Ok(format!("{}\nLevel {level}: percent of {peak:.1} GFLOP/s; {rounds} rounds.\n", table.text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn variants_are_rows_and_numbers_of_rows_are_columns() {
        let layer = |rows: u32, best: f64| {
            json!({
                "rows": rows, "best_percent": best, "median_percent": best - 1.5
            })
        };
        let variant = |name: &str, best: f64| {
            json!({
                "name": name, "layers": [layer(8, best), layer(64, best + 2.0)]
            })
        };
        let avx2 = json!({
            "level": "avx2", "peak_flops": 118.2e9,
            "variants": [variant("shipped", 90.0), variant("3 × 2", 70.25)]
        });
        let expected = "\
| tile | 8 rows: best | median | 64 rows: best | median |
|---|---:|---:|---:|---:|
| shipped | 90.0 | 88.5 | 92.0 | 90.5 |
| 3 × 2 | 70.2 | 68.8 | 72.2 | 70.8 |

Level avx2: percent of 118.2 GFLOP/s; 7 rounds.
";
        let record = json!({ "rounds": 7, "levels": [avx2] });
        assert_eq!(super::avx2(&record).as_deref(), Ok(expected));
        assert_eq!(avx512(&record).unwrap_err(), "level avx512 was not measured");
    }
}
