//! A bar on standard error for work that takes long.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

/// How much there is to do, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Texts(u64),
    /// Of a computation.
    Steps,
    Bytes(u64),
    Unknown,
}

/// Work that is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(2);

/// The time between two frames of a spinner.
const TICK: Duration = Duration::from_millis(250);

/// The progress of a command, if standard error is a terminal.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
    size: Size,
    texts: u64,
    tokens: u64,
}

impl Progress {
    /// Shown if `wanted` and standard error is a terminal, once the work has taken a while.
    pub(crate) fn new(wanted: bool, size: Size) -> Progress {
        let bar = (wanted && io::stderr().is_terminal()).then(|| {
            let (length, style) = match size {
                Size::Texts(n) => {
                    (Some(n), "{elapsed_precise} {wide_bar} {pos} of {len}, {msg}, {eta} to go")
                }
                Size::Bytes(n) => {
                    (Some(n), "{elapsed_precise} {wide_bar} {percent} %, {msg}, {eta} to go")
                }
                Size::Steps => {
                    (Some(0), "{elapsed_precise} {wide_bar} step {pos} of {len}, {eta} to go")
                }
                Size::Unknown => (None, "{elapsed_precise} {spinner} {msg}"),
            };
            let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
            bar.set_style(ProgressStyle::with_template(style).expect("a template of ours"));
            bar
        });
        Progress { bar, started: Instant::now(), size, texts: 0, tokens: 0 }
    }

    /// Work that is a single call, so that only a spinner can be shown.
    pub(crate) fn busy(wanted: bool, what: String) -> Progress {
        let progress = Progress::new(wanted, Size::Unknown);
        if let Some(bar) = &progress.bar {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.set_message(what);
            bar.enable_steady_tick(TICK);
        }
        progress
    }

    /// One text more is done, of so many bytes in its file and so many tokens.
    pub(crate) fn advance(&mut self, bytes: usize, tokens: usize) {
        self.texts += 1;
        self.tokens += tokens as u64;
        let Some(bar) = &self.bar else { return };
        match self.size {
            Size::Bytes(_) => bar.inc(bytes as u64),
            _ => bar.inc(1),
        }
        self.show(|| rates(self.texts, self.tokens, self.started.elapsed()));
    }

    /// So many steps are done.
    pub(crate) fn step(&mut self, done: usize, of: usize) {
        let Some(bar) = &self.bar else { return };
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        self.show(String::new);
    }

    /// Something without a count goes on.
    pub(crate) fn note(&self, what: impl FnOnce() -> String) {
        self.show(what);
    }

    fn show(&self, what: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar
            && self.started.elapsed() >= PATIENCE
        {
            if bar.is_hidden() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.set_message(what());
        }
    }

    /// Runs `write`, which prints to the terminal, without the bar in its way.
    pub(crate) fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// The number of texts and tokens so far, and the speed.
fn rates(texts: u64, tokens: u64, elapsed: Duration) -> String {
    let rate = texts as f64 / elapsed.as_secs_f64();
    format!("{texts} texts, {tokens} tokens, {rate:.0} texts/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second() {
        let line = rates(300, 9000, Duration::from_millis(1500));
        assert_eq!(line, "300 texts, 9000 tokens, 200 texts/s");
    }
}
