//! Advisories about dependencies: those that are known, and those that cargo-audit finds where it
//! and the database of RustSec are on the machine. Nothing is downloaded.

use crate::{
    Outcome,
    cargo::{self, Workspace, text},
};
use std::{
    env,
    path::{Path, PathBuf},
};

/// An advisory about a package of ours that is no vulnerability of ours.
struct Known {
    id: &'static str,
    package: &'static str,
    /// The packages that bring it.
    from: &'static [&'static str],
    reason: &'static str,
}

const KNOWN: [Known; 1] = [Known {
    id: "RUSTSEC-2024-0436",
    package: "paste",
    from: &["tokenizers"],
    reason: "unmaintained; a procedural macro, of which nothing is in the program",
}];

/// What is known is still so, and cargo-audit finds nothing else.
pub fn check(workspace: &Workspace) -> Outcome {
    let known = KNOWN.iter().map(|known| known.check(workspace));
    let known = known.collect::<Result<Vec<_>, _>>()?.join("; ");
    let Some(database) = database() else {
        return Ok(format!("{known}; cargo-audit skipped: its database is not here"));
    };
    if cargo::run(cargo::cargo(&workspace.root).args(["audit", "--version"])).is_err() {
        return Ok(format!("{known}; cargo-audit skipped: it is not here"));
    }
    audit(workspace, &workspace.root, &database)?;
    audit(workspace, &workspace.root.join("crates/python"), &database)?;
    Ok(format!("{known}; cargo-audit finds nothing else"))
}

impl Known {
    /// The packages that bring it are those that are known to.
    fn check(&self, workspace: &Workspace) -> Outcome {
        let Known { id, package, from, reason } = self;
        if workspace.packages.iter().all(|found| text(found, "name") != *package) {
            return Err(format!("{package} is gone: take {id} out of {}", file!()));
        }
        let tree = workspace.cargo([
            "tree",
            "--workspace",
            "--all-features",
            "--target",
            "all",
            "--locked",
            "-e",
            "normal,build",
            "-i",
            package,
            "--depth",
            "1",
            "--prefix",
            "none",
            "-f",
            "{p}",
        ])?;
        let mut names: Vec<&str> = tree.lines().skip(1).filter_map(name).collect();
        names.sort_unstable();
        names.dedup();
        if names != *from {
            return Err(format!(
                "{package} ({id}: {reason}) comes from {}, and was expected from {}",
                names.join(", "),
                from.join(", ")
            ));
        }
        Ok(format!("{package} from {} ({id}: {reason})", from.join(", ")))
    }
}

/// The name in `tokenizers v0.23.2`.
fn name(line: &str) -> Option<&str> {
    line.split(' ').next().filter(|name| !name.is_empty())
}

/// Runs cargo-audit on a lock file.
fn audit(workspace: &Workspace, folder: &Path, database: &Path) -> Result<(), String> {
    let mut command = cargo::cargo(&workspace.root);
    command.args(["audit", "--no-fetch", "--stale", "--quiet", "--db"]).arg(database);
    command.args(["--deny", "unmaintained", "--deny", "unsound", "--file"]);
    command.arg(folder.join("Cargo.lock"));
    for known in &KNOWN {
        command.args(["--ignore", known.id]);
    }
    cargo::run(&mut command).map(drop)
}

/// The database of advisories where cargo-audit keeps it, if it is there.
fn database() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")))?;
    Some(home.join("advisory-db")).filter(|path| path.is_dir())
}
