//! # minilm
//!
//! The command line: a thin skin over the library of the same name.
//!
//! ```text
//! args.rs        the list of commands
//! options.rs     options that commands share
//! model.rs       options → an encoder
//! built_in.rs    the model that is a part of the program
//! texts.rs       arguments, file or pipe → texts
//! output.rs      embeddings → text, jsonl, csv or npy, on standard output or in a file
//! records.rs  vectors.rs   options of reading files; the readers are in `minilm-readers`
//! corpus.rs      files of texts → their embeddings
//! fields.rs      columns that stay with each text, and are shown with results
//! notes.rs       messages on standard error
//! show.rs  table.rs  terminal.rs  html.rs    the look of results
//! embed.rs  similarity.rs  explain.rs  trace.rs  map.rs  verify.rs  index.rs  …     the commands
//! ```
//!
//! Results go to standard output, everything else to standard error. Exit status 0 is fine, 1
//! failed, 2 misused, 130 stopped by a signal.
#![forbid(unsafe_code)]

mod about;
mod args;
mod bench;
mod built_in;
mod classify;
mod cluster;
mod completions;
mod convert;
mod corpus;
mod dedupe;
mod embed;
mod error;
mod eval;
mod explain;
mod fields;
mod html;
mod index;
mod interrupt;
mod licenses;
mod locate;
mod man;
mod map;
mod model;
mod negatives;
mod notes;
mod options;
mod output;
mod pairs;
mod progress;
mod quantize;
mod quantize_model;
mod records;
mod sample;
mod search;
#[cfg(feature = "serve")]
mod serve;
mod show;
mod similarity;
mod table;
mod terminal;
mod texts;
mod trace;
mod train;
mod vectors;
mod verify;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use error::Error;
use notes::message;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of standard output has closed it, as `head` does.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            message(&error::chain(&error));
            ExitCode::from(error.exit_status())
        }
    }
}

fn run(cli: &Cli) -> Result<(), Error> {
    match &cli.command {
        Command::Embed(command) => embed::run(&cli.common, command),
        Command::Similarity(command) => similarity::run(&cli.common, command),
        Command::Explain(command) => explain::run(&cli.common, command),
        Command::Trace(command) => trace::run(&cli.common, command),
        Command::Model(command) => about::run(&cli.common, command),
        Command::Verify(command) => verify::run(&cli.common, command),
        Command::Bench(command) => bench::run(&cli.common, command),
        Command::Index(command) => index::run(&cli.common, command),
        Command::Search(command) => search::run(&cli.common, command),
        Command::Pairs(command) => pairs::run(&cli.common, command),
        Command::Cluster(command) => cluster::run(&cli.common, command),
        Command::Map(command) => map::run(&cli.common, command),
        Command::Dedupe(command) => dedupe::run(&cli.common, command),
        Command::Eval(command) => eval::run(&cli.common, command),
        Command::Train(command) => train::run(&cli.common, command),
        Command::Negatives(command) => negatives::run(&cli.common, command),
        Command::Classify(command) => classify::run(&cli.common, command),
        Command::Quantize(command) => quantize::run(&cli.common, command),
        Command::QuantizeModel(command) => quantize_model::run(&cli.common, command),
        Command::Convert(command) => convert::run(&cli.common, command),
        #[cfg(feature = "serve")]
        Command::Serve(command) => serve::run(&cli.common, command),
        Command::Completions(command) => completions::run(Cli::command(), command),
        Command::Licenses(_) => licenses::run(),
        Command::Man(command) => man::run(Cli::command(), command),
    }
}
