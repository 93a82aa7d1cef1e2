//! Measures this machine for `benches/record`.
//!
//! `minilm bench` and the ladder run here; the rivals of `benches/peers` need more than cargo
//! installs, so they are run by hand.

use crate::{Outcome, cargo::Workspace, files, machine};
use serde_json::Value;

/// The records of a machine that a program of the workspace makes: the file, the package, the
/// arguments.
const MADE: [(&str, &str, &[&str]); 3] = [
    ("bench.json", "minilm-cli", &["bench", "--json"]),
    ("ladder.json", "minilm-ladder", &["--json"]),
    ("bakeoff.json", "minilm-ladder", &["bakeoff", "--json"]),
];

/// Fills `benches/record/NAME`, by default named after the CPU. Nothing is written before
/// everything is measured.
pub fn record(workspace: &Workspace, name: Option<&str>) -> Outcome {
    let machine = machine::describe(workspace)?;
    let name = name.map_or_else(|| machine::slug(&machine), str::to_owned);
    if name.is_empty() || name.contains(['/', '\\', '.']) {
        return Err(format!("{name:?} is no name for a folder"));
    }
    let mut records = vec![("machine.json", machine)];
    for (file, package, arguments) in MADE {
        if !workspace.members().any(|member| member["name"] == package) {
            println!("{file}: there is no package {package}");
            continue;
        }
        println!("{file}: {package} {}", arguments.join(" "));
        let command = ["run", "--release", "--quiet", "--package", package, "--"];
        let json = workspace.cargo(command.iter().chain(arguments))?;
        let json: Value = serde_json::from_str(&json)
            .map_err(|error| format!("{package} {}: {error}", arguments.join(" ")))?;
        records.push((file, json));
    }
    let folder = workspace.root.join("benches/record").join(&name);
    for (file, record) in &records {
        files::write_json(&folder.join(file), record)?;
    }
    Ok(format!(
        "{} files in benches/record/{name}; `cargo xtask report` makes tables and figures of them",
        records.len()
    ))
}
