//! Messages on standard error.

use crate::terminal::printable;
use std::io::{self, Write};

/// Writes a line to standard error, without what a terminal would obey: names of files, columns and
/// models may come from strangers. A failure is ignored: there is no other place to report it.
pub(crate) fn message(text: &str) {
    let _ = writeln!(io::stderr(), "minilm: {}", printable(text));
}

/// Says which prompt is put before each of the texts.
pub(crate) fn note_prompt(quiet: bool, texts: &str, prompt: &str) {
    if !quiet && !prompt.is_empty() {
        message(&format!("the prompt {prompt:?} is put before {texts}"));
    }
}

/// After the last result: says once that some texts were not read to their end.
pub(crate) fn note_truncated(quiet: bool, texts: usize, limit: usize) {
    match texts {
        _ if quiet => {}
        0 => {}
        1 => {
            message(&format!("1 text was longer than {limit} tokens; the rest of it was not read"))
        }
        n => message(&format!("{n} texts were longer than {limit} tokens; the rest was not read")),
    }
}
