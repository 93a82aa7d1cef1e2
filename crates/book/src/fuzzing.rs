//! What the fuzz targets have run.

use crate::{records::number, shapes::grouped, table::Table};
use serde_json::Value;

/// A row for each target, and one for all of them.
pub fn table(record: &Value) -> Result<String, String> {
    let targets = record.as_object().filter(|targets| !targets.is_empty()).ok_or("no targets")?;
    let mut table = Table::new(["target", "inputs", "edges", "features"]).left(1);
    let mut all = 0;
    for (name, counts) in targets {
        let count = |field: &str| number(counts, field).map(|count| count as u64);
        let inputs = count("executions")?;
        all += inputs;
        let counts = [inputs, count("edges")?, count("features")?].map(grouped);
        table.row([format!("`{name}`")].into_iter().chain(counts));
    }
    table.row(["together".to_owned(), grouped(all), String::new(), String::new()]);
    Ok(table.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn targets_have_their_counts_and_a_sum() {
        let counts = |n: u64| json!({ "executions": n, "edges": 12, "features": 3456 });
        let made = table(&json!({ "csv": counts(1_234_567), "npy": counts(89) })).unwrap();
        let made = made.replace('\u{202f}', " ");
        assert!(made.contains("| `csv` | 1 234 567 | 12 | 3 456 |\n"), "{made}");
        assert!(made.ends_with("| together | 1 234 656 |  |  |\n"), "{made}");
        assert_eq!(table(&json!({})).unwrap_err(), "no targets");
        assert!(table(&json!({ "csv": { "edges": 1 } })).is_err());
    }
}
