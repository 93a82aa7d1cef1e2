//! Files, with their name in every error; a file is written whole or not at all.

pub use minilm_book::files::{read, read_json};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

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

/// The files with this extension in these folders and all below them, in order, but for what Cargo
/// builds and what is hidden.
pub fn below(folders: &[PathBuf], extension: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = folders.to_vec();
    folders.retain(|folder| folder.is_dir());
    while let Some(folder) = folders.pop() {
        found.extend(directly_in(&folder, extension)?);
        folders.extend(entries(&folder)?.into_iter().filter(|path| {
            let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
            path.is_dir() && !is_hidden && !path.ends_with("target")
        }));
    }
    found.sort();
    Ok(found)
}

/// The files with this extension in this folder alone, in order.
pub fn directly_in(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = entries(folder)?;
    found.retain(|path| path.is_file() && path.extension().is_some_and(|found| found == extension));
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}
