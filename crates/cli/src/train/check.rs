//! `--check`: the plan of a run, with the time and memory of one step of it.

use super::watch::clock;
use crate::{
    error::Error,
    show::{Page, Style},
};
use minilm_train::{Event, Setup, Trainer};

pub(super) fn run(mut setup: Setup) -> Result<(), Error> {
    // Evaluations were read, so that they are known to be fine; they are no part of a step.
    let evaluations = std::mem::take(&mut setup.evaluations).len();
    let mut trainer = Trainer::new(setup.clone())?;
    let mut page = Page::new();
    page.line(&page.style(Style::Bold, &format!("{} steps", trainer.steps())))?;
    let data = &setup.data;
    let rows = data.epoch(setup.arguments.seed, 0).len();
    let tokens = trainer.tokens_of_epoch();
    let mut say = |name: &str, value: String| page.line(&format!("  {name:12} {value}"));
    say(
        "data",
        format!(
            "{rows} {} an epoch, {} texts, {tokens} tokens",
            data.kind().name(),
            data.texts().len()
        ),
    )?;
    say("loss", setup.loss.name().to_owned())?;
    let arguments = &setup.arguments;
    say(
        "batch",
        format!(
            "{} rows, {} batches a step",
            arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps
        ),
    )?;
    say("rate", format!("{:e}, warm-up {}", arguments.learning_rate, arguments.warmup_steps))?;
    if evaluations > 0 {
        say("evaluations", format!("{evaluations}, not counted in the time"))?;
    }
    for finding in trainer.findings() {
        say("note", finding.to_string())?;
    }
    let Some(event) = trainer.next() else { return page.finish() };
    if let Event::Step(step) = event? {
        let rate = step.tokens as f64 / step.seconds;
        let time = clock(step.seconds * trainer.steps() as f64);
        let told = format!("about {time}, as the first step with {rate:.0} tokens/s");
        page.line(&format!("  {:12} {told}", "time"))?;
    }
    if let Some(mebibytes) = peak() {
        page.line(&format!("  {:12} {mebibytes} MiB at the peak of a step", "memory"))?;
    }
    page.finish()
}

/// The most memory that the process has had, in MiB, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024)
}
