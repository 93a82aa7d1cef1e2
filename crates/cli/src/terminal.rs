//! The terminal: its width, its colours, and texts that cannot disturb it.

use crate::options::Color;
use std::{
    env,
    io::{self, IsTerminal},
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The width where neither `COLUMNS` nor the terminal gives one.
const WIDTH: usize = 80;

/// Columns of standard output: `COLUMNS`, or what the terminal says.
pub(crate) fn width() -> usize {
    let said = env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .filter(|&columns| columns > 0);
    let asked =
        || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    said.or_else(asked).unwrap_or(WIDTH)
}

/// Whether to colour standard output (<https://no-color.org>).
pub(crate) fn is_coloured(color: Color) -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            !is_set("NO_COLOR")
                && env::var_os("TERM").is_none_or(|term| term != "dumb")
                && io::stdout().is_terminal()
        }
    }
}

/// A text on one line, without letters that would move the cursor or change colours. Those that
/// would show other letters in another order are spelt out.
pub(crate) fn printable(text: &str) -> String {
    let mut visible = printable_part(text);
    visible.truncate(visible.trim_end().len());
    visible
}

fn printable_part(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            letter if letter.is_control() => visible.push(' '),
            // Marks, embeddings, overrides and isolates of bidirectional text; ends of lines.
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                visible.extend(letter.escape_unicode());
            }
            letter => visible.push(letter),
        }
    }
    visible
}

/// [`printable`] text that may have several lines, each of which may have tabs.
pub(crate) fn printable_lines(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(printable_part).collect::<Vec<_>>().join("\t");
    text.split_inclusive('\n')
        .map(|whole| {
            let text = whole.trim_end_matches(['\r', '\n']);
            line(text) + &whole[text.len()..]
        })
        .collect()
}

/// The beginning of `text` that fits in `width` columns, with `…` if it is not all.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let text = printable(text);
    if text.width() <= width {
        return text;
    }
    let mut kept = String::new();
    for c in text.chars() {
        if kept.width() + c.width().unwrap_or(0) + 1 > width {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

/// [`cut`], filled up with spaces on the left.
pub(crate) fn right(text: &str, width: usize) -> String {
    let text = cut(text, width);
    " ".repeat(width.saturating_sub(text.width())) + &text
}

/// [`cut`], filled up with spaces on the right.
pub(crate) fn left(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let space = " ".repeat(width.saturating_sub(text.width()));
    text + &space
}

#[cfg(test)]
mod tests {
    use super::{cut, left, printable, printable_lines, right};

    #[test]
    fn every_cell_is_as_wide_as_asked_for() {
        for text in ["", "a", "東京タワー", "a long word", "\u{1b}[31m"] {
            for width in 1..20 {
                for cell in [left(text, width), right(text, width)] {
                    assert_eq!(
                        unicode_width::UnicodeWidthStr::width(cell.as_str()),
                        width,
                        "{text:?} in {width}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_cut_says_so_and_what_a_terminal_would_obey_is_gone() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("東京タワー", 5), "東京…");
        assert_eq!(cut("\u{1b}[0m", 9), " [0m");
    }

    #[test]
    fn no_text_can_disturb_a_terminal() {
        assert_eq!(printable("a\tb\u{1b}[31m\r\nc\u{9b}\n"), "a b [31m  c");
        assert_eq!(
            printable("a\u{202e}b\u{2066}c\u{2028}d\u{200f} "),
            "a\\u{202e}b\\u{2066}c\\u{2028}d\\u{200f}"
        );
        assert_eq!(printable_lines("a\tb \u{1b}[31m\r\nc \n"), "a\tb  [31m\r\nc \n");
    }
}
