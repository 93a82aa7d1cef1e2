//! `minilm completions`: what a shell needs to complete command lines.

use crate::error::Error;
use clap::{Args, Command};
use clap_complete::Shell;
use std::io::{self, Write};

/// Print a script that completes command lines in your shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  minilm completions bash > ~/.local/share/bash-completion/completions/minilm
  minilm completions zsh > \"${fpath[1]}/_minilm\"
  minilm completions fish > ~/.config/fish/completions/minilm.fish";

/// Prints the script for `program`, the whole command line.
pub(crate) fn run(mut program: Command, command: &Completions) -> Result<(), Error> {
    let mut script = Vec::new(); // the generator panics if it cannot write
    clap_complete::generate(command.shell, &mut program, "minilm", &mut script);
    io::stdout().write_all(&script).map_err(Error::Stdout)
}
