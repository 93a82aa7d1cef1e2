//! What is seen of a run while it goes on.

use crate::{error::Error, notes::message, progress::Progress, progress::Size, show::Page};
use minilm_train::{Event, Scores, Step, Trainer};
use serde_json::json;
use std::time::{Duration, Instant};

/// A line on the terminal, and JSON if it is asked for.
pub(super) struct Watch {
    progress: Progress,
    quiet: bool,
    json: bool,
    started: Instant,
    first_step: usize,
    tokens: usize,
    busy: f64, // seconds of steps
    best: String,
}

impl Watch {
    pub(super) fn new(quiet: bool, json: bool, trainer: &Trainer) -> Watch {
        Watch {
            progress: Progress::new(!quiet, Size::Unknown),
            quiet,
            json,
            started: Instant::now(),
            first_step: trainer.step(),
            tokens: 0,
            busy: 0.0,
            best: String::new(),
        }
    }

    pub(super) fn show(&mut self, trainer: &Trainer, event: &Event) -> Result<(), Error> {
        if self.json {
            let mut page = Page::new();
            page.json(&as_json(event))?;
            page.finish()?;
        }
        match event {
            Event::Step(step) => {
                self.tokens += step.tokens;
                self.busy += step.seconds;
                let line = self.line(step, trainer.steps());
                self.progress.note(|| line);
            }
            Event::Evaluation { step, scores, is_best } => {
                let found = in_words(scores);
                if *is_best {
                    self.best = format!("  best {} (step {step})", first(scores));
                }
                if !self.quiet {
                    let when =
                        if *step == 0 { "before".to_owned() } else { format!("step {step}") };
                    self.progress.aside(|| message(&format!("{when}: {found}")));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// `step 37/79  loss 0.412  |g| 1.9  lr 1.3e-5  1530 tokens/s  left 1:02  best …`
    fn line(&self, step: &Step, steps: usize) -> String {
        let done = (step.step - self.first_step).max(1);
        let left = self.started.elapsed().as_secs_f64() / done as f64 * (steps - step.step) as f64;
        format!(
            "step {}/{steps}  loss {:.4}  |g| {:.2}  lr {:.2e}  {:.0} tokens/s  left {}{}",
            step.step,
            step.loss,
            step.grad_norm,
            step.learning_rate,
            self.tokens as f64 / self.busy.max(1e-9),
            clock(left),
            self.best
        )
    }

    pub(super) fn finish(&self) {
        self.progress.finish();
    }
}

fn as_json(event: &Event) -> serde_json::Value {
    match event {
        Event::Step(step) => json!(step),
        Event::Evaluation { step, scores, is_best } => {
            json!({ "step": step, "scores": scores, "best": is_best })
        }
        Event::Checkpoint { step, path } => json!({ "step": step, "checkpoint": path }),
        _ => json!({}),
    }
}

fn first(scores: &[Scores]) -> String {
    let first = scores.first().and_then(|scores| scores.values.first());
    first.map_or_else(String::new, |(name, value)| format!("{name} {value:.4}"))
}

/// All numbers of all evaluations.
fn in_words(scores: &[Scores]) -> String {
    let of = |scores: &Scores| {
        let values: Vec<String> =
            scores.values.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        format!("{} ({})", values.join(", "), scores.name)
    };
    scores.iter().map(of).collect::<Vec<_>>().join("; ")
}

/// `1:02`, or `2:05:00`.
pub(super) fn clock(seconds: f64) -> String {
    let seconds = Duration::from_secs_f64(seconds.clamp(0.0, 1e9)).as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::clock;

    #[test]
    fn times_are_those_of_a_clock() {
        let times = [0.4, 62.0, 3600.0, 7505.0].map(clock);
        assert_eq!(times, ["0:00", "1:02", "1:00:00", "2:05:05"]);
    }
}
