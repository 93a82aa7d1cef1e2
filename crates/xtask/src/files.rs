//! Files, with their name in every error; what is written is there whole or not at all.

pub use minilm_book::files::{read, read_json};
use serde_json::Value;
use std::{fs, path::Path};

/// Writes beside the place, then moves there.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    make_parent(path)?;
    let draft = path.with_extension("draft");
    let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

pub fn write_json(path: &Path, value: &Value) -> Result<(), String> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    write(path, &format!("{text}\n"))
}

pub fn make_parent(path: &Path) -> Result<(), String> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .map_err(|error| format!("{}: {error}", path.display()))
}
