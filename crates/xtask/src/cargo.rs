//! The workspace as `cargo metadata` tells it, and commands run in it.

use serde_json::Value;
use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// The workspace that `cargo xtask` was called in.
pub struct Workspace {
    /// The repository.
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
    /// Every package of the dependency graph, those of the workspace among them.
    pub packages: Vec<Value>,
}

impl Workspace {
    pub fn load() -> Result<Workspace, String> {
        let metadata = run(cargo(Path::new(".")).args([
            "metadata",
            "--all-features",
            "--format-version",
            "1",
            "--locked",
        ]))?;
        let metadata: Value =
            serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
        Ok(Workspace {
            root: text(&metadata, "workspace_root").into(),
            target: text(&metadata, "target_directory").into(),
            packages: metadata["packages"].as_array().cloned().unwrap_or_default(),
        })
    }

    /// The packages of this repository.
    pub fn members(&self) -> impl Iterator<Item = &Value> {
        self.packages
            .iter()
            .filter(|package| Path::new(text(package, "manifest_path")).starts_with(&self.root))
    }

    /// Runs cargo at the root: its standard output, or all it printed if it fails.
    pub fn cargo<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<String, String> {
        run(cargo(&self.root).args(arguments))
    }
}

/// The cargo that called us, to be run in `directory`.
pub fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(directory);
    command
}

/// Whether the compiler that cargo calls can compile for the target.
pub fn has_standard_library(target: &str) -> Result<bool, String> {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into()));
    let directory = run(rustc.args(["--print", "target-libdir", "--target", target]))?;
    Ok(Path::new(directory.trim()).is_dir())
}

/// The standard output of `command`; all it printed if it fails.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}\n{stdout}{stderr}{}", output.status))
}

/// A field that is a string; empty if it is missing or null.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// The targets of a package whose kind is among `kinds`.
pub fn targets<'a>(package: &'a Value, kinds: &'a [&str]) -> impl Iterator<Item = &'a Value> {
    let targets = package["targets"].as_array().into_iter().flatten();
    targets.filter(move |target| {
        let kind = target["kind"].as_array().into_iter().flatten();
        kind.filter_map(Value::as_str).any(|kind| kinds.contains(&kind))
    })
}
