//! `minilm man`: manual pages, for those who package the program. `cargo xtask man` calls it; the
//! help does not list it.

use crate::{args::Cli, error::Error};
use clap::{Args, CommandFactory};
use std::{fs, path::PathBuf};

/// Write a manual page for each command to DIR
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct Man {
    /// The directory, which is made if need be
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

pub(crate) fn run(command: &Man) -> Result<(), Error> {
    let pages = Cli::command().disable_help_subcommand(true);
    let written = fs::create_dir_all(&command.directory)
        .and_then(|()| clap_mangen::generate_to(pages, &command.directory));
    written.map_err(|source| Error::Write { name: command.directory.display().to_string(), source })
}
