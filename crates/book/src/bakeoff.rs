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

/// The gain of other lengths of a chain over the shipped one, in percent, by medians: a row per
/// level and length.
pub fn chains(record: &Value) -> Result<String, String> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut head = vec!["level".to_owned(), "chains of".to_owned()];
    for level in list(record, "levels")? {
        let variants = list(level, "variants")?;
        // The shipped loop comes first, then the variant with the same choices.
        let [_, base, ..] = variants else { return Err("there are no variants".to_owned()) };
        let layers = list(base, "layers")?;
        head.truncate(2);
        for layer in layers {
            head.push(format!("{} rows", string(layer, "rows")?));
        }
        let with_chains = format!("{}, chains of ", string(base, "name")?);
        for variant in variants {
            let name = string(variant, "name")?;
            let Some(length) = name.strip_prefix(&with_chains) else { continue };
            let mut row = vec![string(level, "level")?, length.to_owned()];
            for (layer, base) in list(variant, "layers")?.iter().zip(layers) {
                let ratio = number(layer, "median_percent")? / number(base, "median_percent")?;
                row.push(format!("{:+.1} %", 100.0 * (ratio - 1.0)));
            }
            rows.push(row);
        }
    }
    let mut table = Table::new(head).left(1);
    rows.into_iter().for_each(|row| table.row(row));
    Ok(table.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn chains_are_compared_with_the_variant_of_the_shipped_choices() {
        let variant = |name: &str, medians: [f64; 2]| {
            let layer = |(rows, percent)| json!({ "rows": rows, "median_percent": percent });
            let [few, many] = medians;
            json!({ "name": name, "layers": [layer((8, few)), layer((64, many))] })
        };
        let variants = [
            variant("shipped", [1.0, 1.0]),
            variant("8 × 3", [80.0, 90.0]),
            variant("9 × 3", [2.0, 2.0]),
            variant("8 × 3, chains of 64", [76.0, 91.8]),
        ];
        let record = json!({ "levels": [{ "level": "avx512", "variants": variants }] });
        let expected = "\
| level | chains of | 8 rows | 64 rows |
|---|---:|---:|---:|
| avx512 | 64 | -5.0 % | +2.0 % |
";
        assert_eq!(chains(&record).as_deref(), Ok(expected));
    }

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
