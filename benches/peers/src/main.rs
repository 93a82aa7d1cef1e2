//! # peers
//!
//! minilm and its rivals on the same texts, in one run. The page for readers is README.md.
//!
//! ```text
//! args.rs      the command line
//! texts.rs     made-up sentences                 sets.rs       the sets, and their FLOPs
//! python.rs    the rivals of Python, the graphs  cpus.rs       pinning, stopping
//! engines.rs   the rivals of Rust                worker.rs     an engine as a process, from inside
//! process.rs   the same from outside             compare.rs    rounds, turns
//! vectors.rs   made-up vectors to search in      lessons.rs    pairs to train on
//! report.rs    JSON                              agreement.rs  are the answers minilm's?
//! table.rs     Markdown
//! ```
//!
//! Tables go to standard output, everything else to standard error. Exit status 0 is fine, 1 failed
//! (also if an engine's vectors are not minilm's), 2 misused.
#![forbid(unsafe_code)]

mod agreement;
mod args;
mod compare;
mod cpus;
mod engines;
mod error;
mod lessons;
mod process;
mod python;
mod report;
mod sets;
mod table;
mod texts;
mod vectors;
mod worker;

use args::{Cli, Command, Options};
use clap::Parser;
use engines::Rival;
use error::Error;
use process::Place;
use report::Report;
use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::Worker(arguments)) = cli.command {
        return worker::serve(&arguments);
    }
    match run(&cli.options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::from(if matches!(error, Error::Usage(_)) { 2 } else { 1 })
        }
    }
}

fn run(options: &Options) -> Result<(), Error> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut rivals = chosen(options)?;
    let comparisons = cpus::choose(options)?;
    let model = here.join("../../weights/all-MiniLM-L6-v2");
    // The program is target/release/peers: what is made once stays in the same target directory.
    let program = env::current_exe().map_err(Error::at(Path::new("this program")))?;
    let home = program.ancestors().nth(2).unwrap_or(here).join("peers");
    let sets = sets::all(options, &model, &home.join("vectors"))?;
    rivals.retain(|rival| sets.iter().any(|set| rival.takes(set)));
    let python = python::prepare(here, &home, &model, &rivals, options.no_python);
    let temporary = tempfile::tempdir().map_err(Error::at(&env::temp_dir()))?;
    let place = Place { program, model, home, temporary: temporary.path().to_owned(), python };
    place.write_sets(&sets)?;

    let mut report = Report::new()?;
    for cpus in comparisons {
        cpus::pin(&cpus)?;
        let outcome = compare::compare(&place, &rivals, &sets, cpus.len(), options.rounds.into())?;
        print!("{}", table::tables(&outcome, &sets));
        report.add(&outcome, &sets);
        if let Some(path) = &options.json {
            report.write(path)?; // what there is so far
        }
    }
    report.verdict()
}

/// The engines asked for, minilm first.
fn chosen(options: &Options) -> Result<Vec<&'static Rival>, Error> {
    let names: Vec<&str> = options.engines.iter().flatten().map(String::as_str).collect();
    if let Some(unknown) =
        names.iter().find(|name| engines::RIVALS.iter().all(|rival| rival.name != **name))
    {
        let known: Vec<_> = engines::RIVALS.iter().map(|rival| rival.name).collect();
        return Err(Error::Usage(format!(
            "no engine is called {unknown:?}; there are: {}",
            known.join(", ")
        )));
    }
    let wanted =
        |rival: &&Rival| rival.is_minilm() || names.is_empty() || names.contains(&rival.name);
    let here = |rival: &&Rival| !(options.no_python && rival.python);
    Ok(engines::RIVALS.iter().filter(wanted).filter(here).collect())
}
