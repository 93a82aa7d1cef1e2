//! What the compiler's own tools find: layout, lints, documentation.
//!
//! Lints are denied behind `--`, where they reach only the workspace's packages: `RUSTFLAGS` would rebuild every dependency.

use crate::{
    Outcome,
    cargo::{self, Workspace},
};

pub fn format(workspace: &Workspace) -> Outcome {
    workspace.cargo(["fmt", "--all", "--check"]).map(|_| String::new())
}

pub fn clippy(workspace: &Workspace) -> Outcome {
    let command = ["clippy", "--workspace", "--all-targets", "--quiet", "--"];
    let denied = ["-Dwarnings", "-Dmissing_docs", "-Dclippy::incompatible_msrv"];
    workspace.cargo(command.iter().chain(&denied)).map(|_| String::new())
}

pub fn docs(workspace: &Workspace) -> Outcome {
    let mut command = cargo::cargo(&workspace.root);
    command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings");
    cargo::run(&mut command).map(|_| String::new())
}
