//! The machine that the numbers are from.

use crate::{
    records::{list, number, string},
    table::Table,
};
use serde_json::Value;

pub fn machine(record: &Value) -> Result<String, String> {
    let or_unknown = |field: &str| string(record, field).unwrap_or_else(|_| "unknown".to_owned());
    let caches = list(record, "caches").unwrap_or_default().iter();
    let caches = caches.map(|cache| {
        Ok(format!(
            "L{} {} {}",
            string(cache, "level")?,
            string(cache, "type")?,
            string(cache, "size")?
        ))
    });
    let levels = list(record, "levels")?.iter().filter_map(Value::as_str);
    let mut table = Table::new(["machine", or_unknown("cpu").as_str()]).left(2);
    let family = ["vendor", "family", "model"].map(or_unknown);
    table.row(["", &format!("{}, family {}, model {}", family[0], family[1], family[2])]);
    table.row(["CPUs", &or_unknown("cpus")]);
    table.row(["caches of one", &caches.collect::<Result<Vec<_>, String>>()?.join(", ")]);
    table.row([
        "memory",
        &number(record, "memory_bytes")
            .map_or("unknown".to_owned(), |bytes| format!("{:.0} GiB", bytes / 1_073_741_824.0)),
    ]);
    table.row(["levels", &levels.collect::<Vec<_>>().join(", ")]);
    table.row(["system", &format!("{}, Linux {}", or_unknown("os"), or_unknown("kernel"))]);
    table.row(["compiler", &or_unknown("rustc")]);
    table.row(["commit", &format!("{}, {}", or_unknown("commit"), or_unknown("date"))]);
    Ok(table.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_machine_is_described_as_far_as_it_is_known() {
        let cache = json!({ "level": "1", "type": "Data", "size": "32K" });
        let record = json!({
            "cpu": "A | B", "family": 25, "caches": [cache], "levels": ["avx2", "portable"],
            "memory_bytes": 8_589_934_592_u64
        });
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
}
