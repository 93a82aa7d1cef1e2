//! Manual pages of the program, made by the program: it alone knows its options.

use crate::{
    Outcome,
    cargo::{self, Workspace},
};
use std::{env, ffi::OsStr, fs, process::Command};

/// Writes `minilm.1` and a page for each command.
pub fn write(workspace: &Workspace) -> Outcome {
    workspace.cargo(["build", "--quiet", "--package", "minilm-cli"])?;
    let program = workspace.target.join("debug").join(format!("minilm{}", env::consts::EXE_SUFFIX));
    let directory = workspace.target.join("man/man1");
    let _ = fs::remove_dir_all(&directory); // of the last run, if there was one
    cargo::run(Command::new(program).args(["man".as_ref(), directory.as_os_str()] as [&OsStr; 2]))?;
    let pages = fs::read_dir(&directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?
        .count();
    Ok(format!(
        "{pages} pages in {0}; `man -M {1} minilm` shows one",
        directory.display(),
        workspace.target.join("man").display()
    ))
}
