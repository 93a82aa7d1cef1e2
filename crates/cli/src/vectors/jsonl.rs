//! JSON lines: objects with `embedding` and perhaps `text`, as `minilm embed` writes them, or lists
//! of numbers.

use super::{Row, Source, Wrong};
use serde::{Deserialize, de::IgnoredAny};
use std::io::BufRead;

pub(super) struct Objects<R> {
    from: R,
    line: u64,
}

/// A byte order mark.
const MARK: &[u8] = "\u{feff}".as_bytes();

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Object { text: Option<String>, embedding: Vec<f32> },
    List(Vec<f32>),
}

impl<R> Objects<R> {
    pub(super) fn new(from: R) -> Objects<R> {
        Objects { from, line: 0 }
    }
}

impl<R: BufRead> Source for Objects<R> {
    fn next(&mut self) -> Result<Option<Row>, Wrong> {
        let mut line = Vec::new();
        while line.trim_ascii().is_empty() {
            line.clear();
            self.line += 1;
            if self.from.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            if self.line == 1 && line.starts_with(MARK) {
                line.drain(..MARK.len());
            }
        }
        match serde_json::from_slice(&line) {
            Ok(Line::Object { text, embedding }) => Ok(Some(Row { text, values: embedding })),
            Ok(Line::List(values)) => Ok(Some(Row { text: None, values })),
            Err(_) => Err(Wrong::Content(reason(&line))),
        }
    }

    fn place(&self, _row: usize) -> String {
        format!("line {}", self.line)
    }
}

/// What is wrong with a line that is no row.
fn reason(line: &[u8]) -> String {
    match serde_json::from_slice::<IgnoredAny>(line) {
        Err(error) => format!("no JSON from column {} on", error.column()),
        Ok(_) => "neither an object with an embedding, nor a list of numbers".to_owned(),
    }
}
