//! JSON lines: objects with a field `embedding`, or one of another name, and perhaps `text`, as
//! `minilm embed` writes them, or lists of numbers.

use super::{Row, Source, Wrong};
use crate::{
    list,
    records::json::{as_written, fields, find, plain},
};
use serde_json::value::RawValue;
use std::io::{BufRead, Read};

/// A byte order mark.
const MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) struct Objects<R> {
    from: R,
    field: Option<String>,
    line: u64,
    longest: usize,
}

impl<R> Objects<R> {
    /// The vectors of this field, or of `embedding`.
    pub(super) fn new(from: R, field: Option<&str>, longest: usize) -> Objects<R> {
        Objects { from, field: field.map(str::to_owned), line: 0, longest }
    }
}

impl<R: BufRead> Source for Objects<R> {
    fn next(&mut self) -> Result<Option<Row>, Wrong> {
        let mut line = Vec::new();
        while line.trim_ascii().is_empty() {
            line.clear();
            self.line += 1;
            let most = (self.longest as u64).saturating_add(1);
            if self.from.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            if line.len() > self.longest {
                let longest = self.longest;
                return Err(Wrong::Content(format!("it is longer than {longest} bytes")));
            }
            if self.line == 1 && line.starts_with(MARK) {
                line.drain(..MARK.len());
            }
        }
        let line =
            str::from_utf8(&line).map_err(|_| Wrong::Content("it is not UTF-8".to_owned()))?;
        row(line, self.field.as_deref()).map(Some).map_err(Wrong::Content)
    }

    fn place(&self, _row: usize) -> String {
        format!("line {}", self.line)
    }
}

/// The row of a line, or what is wrong with it.
fn row(written: &str, field: Option<&str>) -> Result<Row, String> {
    let plain = plain(written);
    if field.is_none() && plain.trim_start().starts_with('[') {
        let value: &RawValue = serde_json::from_str(&plain)
            .map_err(|error| format!("no JSON from column {} on", error.column()))?;
        let values = numbers(value, as_written(written, &plain, value));
        let reason =
            || "neither an object with an embedding, nor a list of finite numbers".to_owned();
        return Ok(Row { text: None, values: values.ok_or_else(reason)? });
    }
    let fields = fields(&plain)?;
    let field = field.unwrap_or("embedding");
    let Some(value) = find(&fields, field)? else {
        let names = list(fields.keys().map(String::as_str));
        return Err(format!("there is no field {field:?}; the fields are {names}"));
    };
    let values = numbers(value, as_written(written, &plain, value))
        .ok_or_else(|| format!("the field {field:?} is no list of finite numbers"))?;
    let text = fields.get("text").map(|text| serde_json::from_str::<Option<String>>(text.get()));
    let text = text.transpose().map_err(|_| "the field \"text\" is no text".to_owned())?;
    Ok(Row { text: text.flatten(), values })
}

/// The numbers of a list. `NaN` and `Infinity`, which Python writes, are none.
fn numbers(value: &RawValue, written: &str) -> Option<Vec<f32>> {
    if written != value.get() {
        return None;
    }
    serde_json::from_str(value.get()).ok()
}
