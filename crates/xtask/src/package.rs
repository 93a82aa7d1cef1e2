//! The packages for publication: every crate packages, builds from its package alone, and stays
//! small.

use crate::{
    Outcome,
    cargo::{self, Workspace, text},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Largest size of a `.crate` file. Weights, golden files and the book must stay outside.
const LIMIT: u64 = 1_000_000;

pub fn check(workspace: &Workspace) -> Outcome {
    // `publish = false` is an empty list of registries.
    let published = workspace
        .members()
        .filter(|package| package["publish"].as_array().is_none_or(|list| !list.is_empty()));
    let published: Vec<(&str, &str)> =
        published.map(|package| (text(package, "name"), text(package, "version"))).collect();
    for stale in
        published.iter().flat_map(|(name, version)| built_before(&workspace.target, name, version))
    {
        fs::remove_dir_all(&stale).map_err(|error| format!("{}: {error}", stale.display()))?;
    }
    let mut command = vec!["package", "--allow-dirty", "--quiet"];
    command.extend(published.iter().flat_map(|(name, _)| ["--package", name]));
    // What is built only to see that it builds needs no lines, and ours need not be fast.
    let mut package = cargo::cargo(&workspace.root);
    for (name, _) in &published {
        package.args(["--config", &format!("profile.dev.package.{name}.opt-level=0")]);
    }
    cargo::run(package.args(command).env("CARGO_PROFILE_DEV_DEBUG", "0"))?;

    let mut sizes = Vec::new();
    for (name, version) in published {
        let file = workspace.target.join(format!("package/{name}-{version}.crate"));
        let size =
            fs::metadata(&file).map_err(|error| format!("{}: {error}", file.display()))?.len();
        if size >= LIMIT {
            return Err(format!(
                "{} has {size} bytes, the limit is {LIMIT}: see its `include`",
                file.display()
            ));
        }
        sizes.push(format!("{name} {:.0} KB", size as f64 / 1e3));
    }
    Ok(sizes.join(", "))
}

/// The unpacked and built copies that Cargo keeps of a package from an earlier run of this check.
/// They come from a registry in a folder, and Cargo never looks for changes of one version
/// there: the other packages would be built against the old copy.
fn built_before(target: &Path, name: &str, version: &str) -> Vec<PathBuf> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")));
    let registries = home.into_iter().flat_map(|home| folders(&home.join("registry/src")));
    // A registry in a folder has no host: its name is `-` and a hash.
    let local = registries.filter(|registry| starts_with(registry, "-"));
    let mut found: Vec<_> = local
        .map(|registry| registry.join(format!("{name}-{version}")))
        .filter(|path| path.exists())
        .collect();
    if !found.is_empty() {
        // Which of these units are from there cannot be seen; those of the workspace are built
        // again when they are needed.
        let units = folders(&target.join("debug/.fingerprint"));
        found.extend(units.into_iter().filter(|unit| starts_with(unit, &format!("{name}-"))));
    }
    found
}

fn folders(path: &Path) -> Vec<PathBuf> {
    fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn starts_with(path: &Path, start: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))
}
