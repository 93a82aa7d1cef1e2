//! Reading files, with their name in every error.

use serde_json::Value;
use std::{fs, path::Path};

/// The text of a file.
///
/// # Errors
///
/// The file cannot be read, or is not UTF-8.
pub fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The value in a file of JSON.
///
/// # Errors
///
/// The file cannot be read, or is not JSON.
pub fn read_json(path: &Path) -> Result<Value, String> {
    serde_json::from_str(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}
