//! Options of `minilm train` that would have no effect are refused.

use super::Columns;
use crate::{args::Cli, error::Error};
use clap::{ArgMatches, Args, Command, CommandFactory, parser::ValueSource};
use std::env;

/// Refuses the options on the command line that have no effect with `mode`: all but `allowed`, and
/// with `--head` those about the columns of the file.
pub(super) fn only_with(mode: &str, allowed: &[&str]) -> Result<(), Error> {
    let Ok(matches) = Cli::command().try_get_matches_from(env::args_os()) else { return Ok(()) };
    let Some(("train", given)) = matches.subcommand() else { return Ok(()) };
    match useless(given, allowed) {
        None => Ok(()),
        Some(option) => Err(Error::Usage(format!("{option} has no effect with {mode}"))),
    }
}

/// The first option that was given and is not allowed.
fn useless(given: &ArgMatches, allowed: &[&str]) -> Option<String> {
    let cli = Cli::command();
    let train = cli.find_subcommand("train")?;
    let columns = Columns::augment_args(Command::new("columns"));
    let about_columns = |id: &str| columns.get_arguments().any(|arg| arg.get_id() == id);
    let is_useless = |arg: &&clap::Arg| {
        let id = arg.get_id().as_str();
        let known = allowed.contains(&id) || (allowed.contains(&"columns") && about_columns(id));
        !known && given.value_source(id) == Some(ValueSource::CommandLine)
    };
    let found = train.get_arguments().find(is_useless)?;
    Some(found.get_long().map_or_else(|| found.get_id().to_string(), |long| format!("--{long}")))
}
