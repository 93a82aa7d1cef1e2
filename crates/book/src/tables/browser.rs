//! The npm package beside onnxruntime-web, in a browser.

use crate::{
    records::{list, number, string},
    table::Table,
};
use serde_json::Value;

/// A row for each engine and precision, with its times and its accuracy.
pub fn browser(record: &Value) -> Result<String, String> {
    let head = ["in the browser", "256 texts", "one text", "least cosine with f32 graph"];
    let mut table = Table::new(head).left(1);
    for row in list(record, "rows")? {
        let all = format!("{:.2} s", number(row, "all")? / 1e3);
        let one = format!("{:.1} ms", number(row, "one")?);
        table.row([string(row, "name")?, all, one, format!("{:.4}", number(row, "cosine")?)]);
    }
    let [machine, date, place, other] =
        ["machine", "date", "place", "onnxruntime"].map(|field| string(record, field));
    let place = format!("Measured on {}, {}:\n{}, {}.\n", machine?, date?, place?, other?);
    Ok(format!("{}\n{place}", table.text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn engines_have_their_times_and_cosines() {
        let row = json!({ "name": "minilm f32", "all": 1234.5, "one": 5.55, "cosine": 0.99999 });
        let record = json!({ "machine": "m", "place": "Chromium 1", "onnxruntime": "x 2",
            "date": "d", "rows": [row] });
        let text = browser(&record).unwrap();
        assert!(text.contains("| minilm f32 | 1.23 s | 5.5 ms | 1.0000 |\n"), "{text}");
        assert!(text.ends_with("Measured on m, d:\nChromium 1, x 2.\n"), "{text}");
        assert!(browser(&json!({ "rows": [] })).is_err());
    }
}
