//! The checks of the compiler's own tools: layout, lints, documentation.
//!
//! Lints are denied behind `--`, where they reach only the workspace's packages: `RUSTFLAGS` would
//! rebuild every dependency.

use crate::{
    Outcome,
    cargo::{self, Workspace},
    width,
};

pub fn format(workspace: &Workspace) -> Outcome {
    workspace.cargo(["fmt", "--all", "--check"])?;
    width::check(workspace)
}

pub fn clippy(workspace: &Workspace) -> Outcome {
    let denied = ["--", "-Dwarnings", "-Dmissing_docs", "-Dclippy::incompatible_msrv"];
    for features in [&[][..], &["--all-features"]] {
        let command = ["clippy", "--workspace", "--all-targets", "--quiet"];
        workspace.cargo(command.iter().chain(features).chain(&denied))?;
    }
    Ok(String::new())
}

pub fn docs(workspace: &Workspace) -> Outcome {
    let mut command = cargo::cargo(&workspace.root);
    command
        .args(["doc", "--workspace", "--all-features", "--no-deps"])
        .env("RUSTDOCFLAGS", "-Dwarnings");
    cargo::run(&mut command).map(|_| String::new())
}
