//! JSON lines.

use super::{Name, Record, list};
use crate::{error::Error, input};
use serde_json::{Map, Value};
use std::io::BufRead;

/// An object a line. Empty lines are passed over.
pub(super) struct Objects {
    reader: Box<dyn BufRead>,
    fields: Vec<(String, bool)>, // and whether it may be missing
    line: u64,
}

impl Objects {
    pub(super) fn new(reader: Box<dyn BufRead>, fields: &[Name]) -> Objects {
        let fields =
            fields.iter().map(|field| (field.text().to_owned(), field.is_optional())).collect();
        Objects { reader, fields, line: 0 }
    }

    pub(super) fn read(&mut self, name: &str) -> Result<Option<Record>, Error> {
        loop {
            self.line += 1;
            let Some(raw) = input::read_line(&mut self.reader, name, self.line as usize)? else {
                return Ok(None);
            };
            if raw.trim().is_empty() {
                continue;
            }
            let wrong =
                |reason: String| Error::Input(format!("line {} of {name}: {reason}", self.line));
            let object: Map<String, Value> = match serde_json::from_str(&raw) {
                Ok(Value::Object(object)) => object,
                Ok(other) => return Err(wrong(format!("{} is no JSON object", kind(&other)))),
                // The line within the line is always 1.
                Err(error) => {
                    return Err(wrong(format!("no JSON from column {} on", error.column())));
                }
            };
            let text = |(field, may_miss): &(String, bool)| text(&object, field, *may_miss);
            let fields = self.fields.iter().map(text).collect::<Result<_, _>>().map_err(wrong)?;
            return Ok(Some(Record { line: self.line, fields, raw }));
        }
    }
}

/// A field's text. A number or truth value is as JSON writes it.
fn text(object: &Map<String, Value>, field: &str, may_miss: bool) -> Result<String, String> {
    match object.get(field) {
        None | Some(Value::Null) if may_miss => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
        Some(other) => Err(format!("the field {field:?} is {}, not a text", kind(other))),
        None => Err(format!(
            "there is no field {field:?}; the fields are {}",
            list(object.keys().map(String::as_str))
        )),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
