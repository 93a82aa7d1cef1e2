//! What would be published: every crate packages, builds from its package alone, and stays small.

use crate::{
    Outcome,
    cargo::{Workspace, text},
};
use std::fs;

/// Largest size of a `.crate` file. Weights, golden files and the book must stay outside.
const LIMIT: u64 = 1_000_000;

pub fn check(workspace: &Workspace) -> Outcome {
    // `publish = false` is an empty list of registries.
    let published = workspace.members().filter(|package| package["publish"].as_array().is_none_or(|list| !list.is_empty()));
    let published: Vec<(&str, &str)> = published.map(|package| (text(package, "name"), text(package, "version"))).collect();
    let mut command = vec!["package", "--allow-dirty", "--quiet"];
    command.extend(published.iter().flat_map(|(name, _)| ["--package", name]));
    workspace.cargo(command)?;

    let mut sizes = Vec::new();
    for (name, version) in published {
        let file = workspace.target.join(format!("package/{name}-{version}.crate"));
        let size = fs::metadata(&file).map_err(|error| format!("{}: {error}", file.display()))?.len();
        if size >= LIMIT {
            return Err(format!("{} has {size} bytes, the limit is {LIMIT}: see its `include`", file.display()));
        }
        sizes.push(format!("{name} {:.0} KB", size as f64 / 1e3));
    }
    Ok(sizes.join(", "))
}
