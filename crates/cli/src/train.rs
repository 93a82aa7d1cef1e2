//! `minilm train`: a model of the user's own, from pairs, triplets, scores or labels.
//!
//! ```text
//! options.rs   the options, and what they mean to the library
//! data.rs      a file → a dataset: what its columns are
//! check.rs     how long it will take, and how much memory
//! given.rs     options that would have no effect
//! watch.rs     events → a line on the terminal, JSON
//! report.rs    curves, histograms, pairs that changed: a page
//! head.rs      a classifier on embeddings
//! ```

mod chart;
mod check;
mod data;
mod given;
mod head;
mod options;
mod report;
mod watch;

pub(crate) use data::{Columns, read};
pub(crate) use options::Train;

use crate::{
    args::{Cli, Command},
    error::Error,
    interrupt::Interrupt,
    model,
    notes::message,
    options::Common,
    output::Page as File,
    show::{Page, Style, count},
};
use clap::Parser;
use minilm_train::{Evaluation, Outcome, Setup, Trainer};
use serde_json::json;
use std::{
    env,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

pub(crate) fn run(common: &Common, command: &Train) -> Result<(), Error> {
    model::share_threads(common);
    if let Some(output) = &command.resume {
        given::only_with("--resume", &["resume"])?;
        return resume(common, output);
    }
    let (Some(file), Some(output)) = (&command.file, &command.output) else {
        return Err(Error::Usage("FILE and --output DIR are needed, or --resume DIR".to_owned()));
    };
    let base = model::directory(common)?;
    if command.head {
        given::only_with("--head", &head::OPTIONS)?;
        return head::run(common, command, file, output, &base);
    }
    let setup = setup(common, command, file, output, &base, origin(&base))?;
    if command.check {
        return check::run(setup);
    }
    // A page that cannot be written is known before the first step.
    let page = command.report.as_deref().map(File::open).transpose()?;
    let trainer = Trainer::new(setup.clone())?;
    go_on(common, command, setup, trainer, page)
}

/// What a run needs to know to go on: its command line, where it was given, and the base.
fn origin(base: &Path) -> serde_json::Value {
    let arguments: Vec<String> =
        env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let quoted: Vec<String> = arguments.iter().map(|word| shell_word(word)).collect();
    json!({
        "command": format!("minilm {}", quoted.join(" ")),
        "arguments": arguments,
        "directory": env::current_dir().unwrap_or_default(),
        "base": base.canonicalize().unwrap_or_else(|_| base.to_owned()),
    })
}

/// A word as a shell reads it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn setup(
    common: &Common,
    command: &Train,
    file: &Path,
    output: &Path,
    base: &Path,
    origin: serde_json::Value,
) -> Result<Setup, Error> {
    let data = data::read(file, &command.columns, common.quiet)?;
    let mut setup = Setup::new(base, data, output);
    setup.loss = command.loss(&setup.loss)?;
    setup.arguments = command.arguments();
    setup.average = command.average;
    if let Some(teacher) = &command.teacher {
        let teacher = model::builder(common)?.load(teacher)?;
        setup.vectors = Some(teacher.encode(setup.data.texts())?);
    }
    setup.level = model::level(common)?.unwrap_or_default();
    setup.kept_tokens = command.kept_tokens.map(NonZeroUsize::get);
    setup.origin = origin;
    for file in &command.eval {
        let data = data::read(file, &Columns::default(), common.quiet)?;
        setup.evaluations.push(Evaluation { name: file.display().to_string(), data });
    }
    Ok(setup)
}

/// Goes on with the command line of the run that stopped.
fn resume(common: &Common, output: &Path) -> Result<(), Error> {
    let origin = Trainer::origin(output)?;
    let here = env::current_dir().unwrap_or_default();
    let output = here.join(output);
    let broken = || {
        Error::Input(format!("{}: its checkpoint does not name a command line", output.display()))
    };
    let text = |name: &str| origin[name].as_str().map(PathBuf::from).ok_or_else(broken);
    let words = origin["arguments"].as_array().ok_or_else(broken)?;
    let words = words.iter().filter_map(|word| word.as_str());
    let cli = Cli::try_parse_from(["minilm"].into_iter().chain(words)).map_err(|_| broken())?;
    let Command::Train(command) = cli.command else { return Err(broken()) };
    let directory = text("directory")?;
    env::set_current_dir(&directory)
        .map_err(|source| Error::Read { name: directory.display().to_string(), source })?;
    let file = command.file.clone().ok_or_else(broken)?;
    let setup = setup(common, &command, &file, &output, &text("base")?, origin.clone())?;
    let page = command.report.as_deref().map(File::open).transpose()?;
    let trainer = Trainer::resume(setup.clone())?;
    if !common.quiet {
        message(&format!("going on after step {} of {}", trainer.step(), trainer.steps()));
    }
    go_on(common, &command, setup, trainer, page)
}

/// Trains to the end, or until a signal asks to stop.
fn go_on(
    common: &Common,
    command: &Train,
    setup: Setup,
    mut trainer: Trainer,
    page: Option<File>,
) -> Result<(), Error> {
    let setup = Setup { vectors: None, ..setup }; // the trainer has the teacher's vectors
    if !common.quiet {
        trainer.findings().iter().for_each(|finding| message(&finding.to_string()));
    }
    let interrupt = Interrupt::watch().map_err(|source| Error::Signals { source })?;
    let mut watch = watch::Watch::new(common.quiet, command.json, &trainer);
    while let Some(event) = trainer.next() {
        let event = event.map_err(|error| lost(error, &setup.output))?;
        watch.show(&trainer, &event)?;
        if interrupt.asked() {
            watch.finish();
            let step = trainer.step();
            trainer.stop()?;
            let output = setup.output.display();
            return Err(Error::Interrupted(format!(
                "stopped after step {step}; {output} holds the model as it is now; to go on, run \
                 `minilm train --resume {}`",
                shell_word(&output.to_string())
            )));
        }
    }
    watch.finish();
    let log = trainer.log().to_vec();
    let (out, all) = trainer.masked();
    if out > 0 && !common.quiet {
        let share = 100.0 * out as f64 / all as f64;
        message(&format!(
            "{share:.1} % of the negatives in the batches were left out: they are right"
        ));
    }
    let outcome = trainer.finish().map_err(|error| lost(error, &setup.output))?;
    interrupt.stop_at_once();
    if let Some(page) = page {
        page.write(&report::page(common, &setup, &log, &outcome)?)?;
    }
    summary(command, &setup, &outcome)
}

/// An error of training, with what is left of it.
fn lost(error: minilm_train::Error, output: &Path) -> Error {
    if Trainer::origin(output).is_err() {
        return error.into(); // there is no checkpoint
    }
    let output = output.display();
    match error {
        minilm_train::Error::NotFinite { .. } => {
            Error::Input(format!("{error}; the last checkpoint is in {output}"))
        }
        minilm_train::Error::Write { ref source, .. } => Error::Input(format!(
            "{error}: {source}; to go on, run `minilm train --resume {}`",
            shell_word(&output.to_string())
        )),
        other => other.into(),
    }
}

/// What has come of it.
fn summary(command: &Train, setup: &Setup, outcome: &Outcome) -> Result<(), Error> {
    let mut page = Page::new();
    if command.json {
        page.json(&json!({
            "model": setup.output,
            "step": outcome.step,
            "sha256": outcome.digest,
            "before": outcome.before,
            "after": outcome.after,
        }))?;
        return page.finish();
    }
    let title = format!("{}, after {}", setup.output.display(), count(outcome.step, "step"));
    page.line(&page.style(Style::Bold, &title))?;
    let rows = outcome.after.iter().flat_map(|scores| {
        let old = outcome.before.iter().find(|old| old.name == scores.name);
        scores.values.iter().enumerate().map(move |(i, (name, value))| {
            let old = old.and_then(|old| old.values.get(i)).map(|(_, value)| *value);
            (&scores.name, name, old, *value)
        })
    });
    for (data, name, old, value) in rows {
        let old = old.map_or_else(|| "–".to_owned(), |old| format!("{:.2}", 100.0 * old));
        page.line(&format!("  {name:20} {old:>6} → {:<6.2} {data}", 100.0 * value))?;
    }
    page.line(&format!("  SHA-256 of the weights: {}", outcome.digest))?;
    page.line(&format!(
        "  Vectors of the base do not fit this model: make indexes again with \
         `minilm index --model {}`",
        setup.output.display()
    ))?;
    page.finish()
}
