//! JSON: an object a line, or a list of objects. What Python writes is read too: `NaN` and
//! `Infinity`, and halves of surrogate pairs, which become U+FFFD.

use super::{Draft, Name, array::Array};
use crate::{
    Error, list,
    text::{MARK, Text, read_line},
};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, BufRead},
};

/// The objects of a file. Empty lines are passed over.
pub(super) struct Objects {
    reader: Text,
    fields: Vec<(String, bool)>, // and whether it is kept as it is
    form: Form,
    line: u64,
    longest: usize, // object
}

enum Form {
    /// A list, if it begins with a bracket; else lines.
    Unknown,
    Lines,
    List(Array),
}

impl Objects {
    /// Lines of objects; if `may_be_list`, also a list.
    pub(super) fn new(reader: Text, fields: &[Name], may_be_list: bool, longest: usize) -> Objects {
        let is_kept = |field: &Name| matches!(field, Name::Kept(_));
        let fields = fields.iter().map(|it| (it.text().to_owned(), is_kept(it))).collect();
        let form = if may_be_list { Form::Unknown } else { Form::Lines };
        Objects { reader, fields, form, line: 0, longest }
    }

    pub(super) fn found(&self) -> Vec<String> {
        self.reader.found()
    }

    pub(super) fn read(&mut self, name: &str) -> Result<Option<Draft>, Error> {
        if matches!(self.form, Form::Unknown) {
            let begun = self.begin();
            self.form = begun.map_err(|source| Error::read(name, source))?;
        }
        let raw = match &mut self.form {
            Form::List(array) => {
                let next = array.next(&mut self.reader, name)?;
                self.line = array.line();
                next
            }
            _ => self.next_line(name)?,
        };
        let Some(raw) = raw else { return Ok(None) };
        let text = raw.strip_prefix(MARK).filter(|_| self.line == 1).unwrap_or(&raw);
        let text = text.trim_end_matches(['\r', '\n']);
        let fields = self
            .texts(text)
            .map_err(|reason| Error::Content(format!("line {} of {name}: {reason}", self.line)))?;
        Ok(Some(Draft { line: self.line, fields, raw }))
    }

    /// Passes over white space and a byte order mark, and looks at what follows.
    fn begin(&mut self) -> io::Result<Form> {
        let mut lines = 0;
        while let Some(&byte) = self.reader.fill_buf()?.first() {
            match byte {
                b'[' => return Ok(Form::List(Array::new(lines + 1, self.longest))),
                b'\n' => lines += 1,
                b' ' | b'\t' | b'\r' | 0xef | 0xbb | 0xbf => {}
                _ => break,
            }
            self.reader.consume(1);
        }
        self.line = lines;
        Ok(Form::Lines)
    }

    fn next_line(&mut self, name: &str) -> Result<Option<String>, Error> {
        loop {
            self.line += 1;
            let Some(line) = read_line(&mut self.reader, name, self.line, self.longest)? else {
                return Ok(None);
            };
            if !line.text().trim().is_empty() {
                return Ok(Some(line.raw));
            }
        }
    }

    fn texts(&self, written: &str) -> Result<Vec<Result<String, String>>, String> {
        let plain = plain(written);
        let fields = fields(&plain)?;
        self.fields
            .iter()
            .map(|(path, is_kept)| match find(&fields, path)? {
                Some(value) if *is_kept && value.get().starts_with(['{', '[']) => {
                    Ok(Ok(as_written(written, &plain, value).to_owned()))
                }
                Some(value) => text(path, value, as_written(written, &plain, value)),
                None => {
                    let names = list(fields.keys().map(String::as_str));
                    let reason = format!("there is no field {path:?}; the fields are {names}");
                    if *is_kept { Err(reason) } else { Ok(Err(reason)) }
                }
            })
            .collect()
    }
}

/// The fields of an object, each as it stands.
pub(crate) type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The fields of an object, or what is wrong with it.
pub(crate) fn fields(json: &str) -> Result<Fields<'_>, String> {
    let value: &RawValue = serde_json::from_str(json)
        // The line within the line is always 1.
        .map_err(|error| format!("no JSON from column {} on", error.column()))?;
    if !value.get().starts_with('{') {
        return Err(format!("{} is no JSON object", kind(value)));
    }
    serde_json::from_str(json).map_err(|error| format!("no JSON from column {} on", error.column()))
}

/// The field of that name, or where there is none, `a.b` as the field `b` of the object `a`.
pub(crate) fn find<'a>(fields: &Fields<'a>, path: &str) -> Result<Option<&'a RawValue>, String> {
    if let Some(value) = fields.get(path) {
        return Ok(Some(value));
    }
    for (dot, _) in path.match_indices('.') {
        if let Some(value) = fields.get(&path[..dot])
            && value.get().starts_with('{')
        {
            return find(&self::fields(value.get())?, &path[dot + 1..]);
        }
    }
    Ok(None)
}

/// A field's text, or why it is missing. A number or truth value is as it is written.
fn text(field: &str, value: &RawValue, written: &str) -> Result<Result<String, String>, String> {
    match value.get().as_bytes() {
        [b'"', ..] => serde_json::from_str(value.get())
            .map(Ok)
            .map_err(|error| format!("the field {field:?} is no JSON: {error}")),
        b"null" => Ok(Err(format!("the field {field:?} is null, not a text"))),
        _ if written == "NaN" => Ok(Err(format!("the field {field:?} is NaN, not a text"))),
        [b'{' | b'[', ..] => Err(format!("the field {field:?} is {}, not a text", kind(value))),
        _ => Ok(Ok(written.to_owned())),
    }
}

fn kind(value: &RawValue) -> &'static str {
    match value.get().as_bytes() {
        [b'n', ..] => "null",
        [b't' | b'f', ..] => "a truth value",
        [b'"', ..] => "a string",
        [b'[', ..] => "a list",
        [b'{', ..] => "an object",
        _ => "a number",
    }
}

/// What stands in `written` where `value` is in `plain`.
pub(crate) fn as_written<'a>(written: &'a str, plain: &str, value: &RawValue) -> &'a str {
    let at = value.get().as_ptr().addr() - plain.as_ptr().addr();
    &written[at..at + value.get().len()]
}

/// JSON of the same length without what only Python writes: numbers in the place of `NaN` and
/// `Infinity`, and `\ufffd` in that of half a surrogate pair.
pub(crate) fn plain(json: &str) -> Cow<'_, str> {
    if !["NaN", "Infinity", "\\ud", "\\uD"].iter().any(|part| json.contains(part)) {
        return Cow::Borrowed(json);
    }
    let mut bytes = json.as_bytes().to_vec();
    let (mut at, mut in_string) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        at += match byte {
            b'"' => {
                in_string = !in_string;
                1
            }
            b'\\' if in_string => match (unit(rest), rest.get(6..).and_then(unit)) {
                (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
                (Some(0xd800..0xe000), _) => {
                    bytes[at + 2..at + 6].copy_from_slice(b"fffd");
                    6
                }
                _ => 2,
            },
            b'N' if !in_string && rest.starts_with(b"NaN") => {
                bytes[at..at + 3].copy_from_slice(b"0.0");
                3
            }
            b'I' if !in_string && rest.starts_with(b"Infinity") => {
                bytes[at..at + 8].copy_from_slice(b"0.000000");
                8
            }
            _ => 1,
        };
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(json), Cow::Owned)
}

/// The number of an escape `\uXXXX`.
fn unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, field: &str) -> Result<String, String> {
        let plain = plain(json);
        assert_eq!(plain.len(), json.len());
        let fields = fields(&plain)?;
        let value = find(&fields, field)?.ok_or("none")?;
        text(field, value, as_written(json, &plain, value))?
    }

    #[test]
    fn what_python_writes_is_read() {
        assert_eq!(read(r#"{"t": "cut \ud83d"}"#, "t").as_deref(), Ok("cut \u{fffd}"));
        assert_eq!(read(r#"{"t": "\ude00\ud83d\ude00"}"#, "t").as_deref(), Ok("\u{fffd}😀"));
        assert_eq!(read(r#"{"t": "\\ud83d"}"#, "t").as_deref(), Ok("\\ud83d"));
        assert_eq!(read(r#"{"t": "NaN", "x": NaN}"#, "t").as_deref(), Ok("NaN"));
        assert_eq!(read(r#"{"t": -Infinity}"#, "t").as_deref(), Ok("-Infinity"));
        assert_eq!(read(r#"{"t": NaN}"#, "t").unwrap_err(), "the field \"t\" is NaN, not a text");
        assert!(read(r#"{"t": NaNa}"#, "t").unwrap_err().starts_with("no JSON"));
    }

    #[test]
    fn numbers_are_as_written() {
        for number in ["12345678901234567890123", "1e5", "1.0", "-0", "true"] {
            assert_eq!(read(&format!("{{\"t\": {number} }}"), "t").as_deref(), Ok(number));
        }
    }

    #[test]
    fn a_dot_leads_into_an_object() {
        let json = r#"{"a": {"b": "deep", "c": {"d": "deeper"}}, "a.b": "named", "x.y": {"z": 1}}"#;
        assert_eq!(read(json, "a.b").as_deref(), Ok("named"));
        assert_eq!(read(json, "a.c.d").as_deref(), Ok("deeper"));
        assert_eq!(read(json, "x.y.z").as_deref(), Ok("1"));
        assert_eq!(read(json, "a.e").unwrap_err(), "none");
    }
}
