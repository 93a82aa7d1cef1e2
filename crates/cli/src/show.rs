//! Results for people: colours on a terminal, bars.

use crate::{error::Error, options::Color, terminal};
use serde::Serialize;
use std::io::{self, BufWriter, StdoutLock, Write};

/// Standard output.
pub(crate) struct Page {
    out: BufWriter<StdoutLock<'static>>,
    colour: bool,
}

/// The style of a word on a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    Bold,
    Dim,
    /// By a score from 0 to 1.
    Score(f32),
}

impl Page {
    /// Colours if it is a terminal, and `NO_COLOR` is not set (<https://no-color.org>).
    pub(crate) fn new() -> Page {
        Page {
            out: BufWriter::new(io::stdout().lock()),
            colour: terminal::is_coloured(Color::Auto),
        }
    }

    /// A line.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Error> {
        writeln!(self.out, "{line}").map_err(Error::Stdout)
    }

    /// A record that may bring the end of its line along.
    pub(crate) fn record(&mut self, record: &str) -> Result<(), Error> {
        let end = if record.ends_with(['\n', '\r']) { "" } else { "\n" };
        write!(self.out, "{record}{end}").map_err(Error::Stdout)
    }

    /// A value as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Error> {
        let json = serde_json::to_string(value).expect("plain data");
        self.line(&json)
    }

    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.out.flush().map_err(Error::Stdout)
    }

    pub(crate) fn style(&self, style: Style, text: &str) -> String {
        let code = match style {
            _ if !self.colour => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Score(score) if score >= 0.6 => "32",
            Style::Score(score) if score >= 0.3 => "33",
            Style::Score(_) => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A score and its bar, of ten letters.
    pub(crate) fn score(&self, score: f32) -> String {
        self.style(Style::Score(score), &format!("{score:7.4} {}", bar(score)))
    }
}

/// A bar of ten letters for a score from 0 to 1, in steps of an eighth of a letter.
fn bar(score: f32) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (score.clamp(0.0, 1.0) * 80.0).round() as usize;
    format!("{:<10}", "█".repeat(eighths / 8) + EIGHTHS[eighths % 8])
}

/// `1 text`, `2 texts`.
pub(crate) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn bars_have_one_width_and_grow() {
        let bars: Vec<String> = (-2..=12).map(|tenth| bar(tenth as f32 / 10.0)).collect();
        assert!(bars.iter().all(|bar| bar.chars().count() == 10), "{bars:?}");
        assert_eq!((bars[0].as_str(), bars[14].as_str()), ("          ", "██████████"));
        assert_eq!(bar(0.45), "████▌     ");
        assert_eq!(bar(f32::NAN).chars().count(), 10);
    }
}
