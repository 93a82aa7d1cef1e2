//! Callers that share an encoder for minutes: the test `soak`, with the release's optimisation.

use super::Counts;
use crate::cargo::{self, Workspace};
use std::process::Command;

pub fn run(workspace: &Workspace, minutes: f64) -> Result<Counts, String> {
    let mut command: Command = cargo::cargo(&workspace.root);
    command.args(["test", "--release", "--quiet", "--package", "minilm", "--test", "soak"]);
    command.args(["--", "--ignored", "--nocapture"]);
    command.env("MINILM_SOAK_SECONDS", format!("{}", (minutes * 60.0).round()));
    let printed = cargo::run(&mut command)?;
    let line = printed.lines().find_map(|line| line.strip_prefix("soak: "));
    let line = line.ok_or_else(|| format!("the soak has said nothing:\n{printed}"))?;
    println!("{line}");
    let number = |name: &str| {
        let before = line.split(name).next()?;
        before.trim_end().rsplit(' ').next()?.parse().ok()
    };
    let calls = number("calls").ok_or_else(|| format!("how many calls are {line:?}?"))?;
    Ok(vec![("seconds", (minutes * 60.0).round() as u64), ("calls", calls)])
}
