//! `minilm serve` and another server under load.

use crate::{
    records::{list, number, string},
    table::Table,
};
use serde_json::Value;

/// A row for each server and number of connections.
pub fn server(record: &Value) -> Result<String, String> {
    let head = ["server", "connections", "texts/s", "of the library", "p50", "p99", "errors"];
    let mut table = Table::new(head).left(1);
    let library = number(record, "library")?;
    for row in list(record, "rows")? {
        let rate = number(row, "rate")?;
        let share = format!("{:.0} %", 100.0 * rate / library);
        let milliseconds = |field| number(row, field).map(|value| format!("{value:.1} ms"));
        let [connections, errors] =
            ["connections", "errors"].map(|field| number(row, field).map(|n| n.to_string()));
        let [p50, p99] = ["p50", "p99"].map(milliseconds);
        let rate = format!("{rate:.0}");
        table.row([string(row, "name")?, connections?, rate, share, p50?, p99?, errors?]);
    }
    let [machine, date] = ["machine", "date"].map(|field| string(record, field));
    let place = format!("Measured on {}, {}.\n", machine?, date?);
    let library = format!("The library alone embeds {library:.0} texts per second.");
    Ok(format!("{}\n{library}\n{place}", table.text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn servers_have_their_share_of_the_library() {
        let row = json!({ "name": "minilm serve", "connections": 8, "rate": 450.4, "p50": 17.0,
            "p99": 20.04, "errors": 0 });
        let record = json!({ "machine": "m", "date": "d", "library": 500.0, "rows": [row] });
        let text = server(&record).unwrap();
        assert!(
            text.contains("| minilm serve | 8 | 450 | 90 % | 17.0 ms | 20.0 ms | 0 |\n"),
            "{text}"
        );
        assert!(text.ends_with("embeds 500 texts per second.\nMeasured on m, d.\n"), "{text}");
        assert!(server(&json!({ "library": 1.0, "rows": [] })).is_err());
    }
}
