//! What a training run has changed.

use crate::{
    records::{list, string},
    table::Table,
};
use serde_json::Value;

/// A row for each number of each evaluation, in percent.
pub fn training(record: &Value) -> Result<String, String> {
    let mut table = Table::new(["number", "before", "after"]).left(1);
    for (before, after) in list(record, "before")?.iter().zip(list(record, "after")?) {
        for (before, after) in list(before, "values")?.iter().zip(list(after, "values")?) {
            let percent = |pair: &Value| {
                let value = pair.get(1).and_then(Value::as_f64).ok_or("a score is no number")?;
                Ok::<_, String>(format!("{:.2}", 100.0 * value))
            };
            let name = before.get(0).and_then(Value::as_str).ok_or("a score has no name")?;
            table.row([&format!("`{name}`"), &percent(before)?, &percent(after)?]);
        }
    }
    let weights = string(record, "weights_sha256")?;
    Ok(format!("{}\nSHA-256 of the trained weights: `{weights}`\n", table.text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_number_has_a_row() {
        let scores = |value: f64| json!([{ "name": "x", "values": [["accuracy", value]] }]);
        let record =
            json!({ "before": scores(0.84031), "after": scores(0.9), "weights_sha256": "ab12" });
        let text = training(&record).unwrap();
        assert!(text.contains("| `accuracy` | 84.03 | 90.00 |\n"), "{text}");
        assert!(text.ends_with("`ab12`\n"), "{text}");
        assert!(training(&json!({ "before": [] })).is_err());
    }
}
