//! `minilm licenses`: the licences that the program is passed on with.

use crate::error::Error;
use clap::Args;
use std::io::{self, Write};

/// That of the program.
const OURS: &str = include_str!("../LICENSE");

/// Those of the packages that it is built from. `cargo xtask licenses` writes the file.
const THIRD_PARTY: &str = include_str!("../THIRD-PARTY-LICENSES");

/// Print the licences of this program and of the packages in it
#[derive(Debug, Args)]
pub(crate) struct Licenses {}

/// Prints both.
pub(crate) fn run() -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let written = out.write_all(OURS.as_bytes()).and_then(|()| out.write_all(b"\n"));
    written.and_then(|()| out.write_all(THIRD_PARTY.as_bytes())).map_err(Error::Stdout)
}
