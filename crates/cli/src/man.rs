//! `minilm man`: manual pages, for packages of the program. `cargo xtask man` calls it; the help
//! does not list it.

use crate::error::Error;
use clap::{Args, Command};
use std::{fs, path::PathBuf};

/// Write a manual page for each command to DIR
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct Man {
    /// The directory, which is made if need be
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// Writes the pages of `program`, the whole command line.
pub(crate) fn run(program: Command, command: &Man) -> Result<(), Error> {
    let pages = program.disable_help_subcommand(true);
    let written = fs::create_dir_all(&command.directory)
        .and_then(|()| clap_mangen::generate_to(pages, &command.directory));
    written.map_err(|source| Error::Write { name: command.directory.display().to_string(), source })
}
