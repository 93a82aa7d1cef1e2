//! Hints for a path that is not a model's directory.

use std::path::{Path, PathBuf};

/// Where the model probably is that `path` was to name, and why it is not `path`.
pub(super) fn meant(path: &Path) -> Option<(&'static str, PathBuf)> {
    if path.is_file() {
        let folder = path.parent().filter(|folder| is_model(folder))?;
        return Some(("is a file of a model, not its directory", folder.to_owned()));
    }
    if !path.is_dir() || is_model(path) {
        return None;
    }
    // 1_Pooling, or onnx: a module's folder, and the model is above.
    if let Some(above) = path.canonicalize().ok().as_deref().and_then(Path::parent)
        && above.join("modules.json").is_file()
    {
        return Some(("is a part of a model", above.to_owned()));
    }
    let below = folders(path).into_iter().find(|folder| is_model(folder));
    let in_cache = || {
        let snapshots = folders(&path.join("snapshots"));
        snapshots.into_iter().find(|folder| is_model(folder))
    };
    Some(("holds no model itself", below.or_else(in_cache)?))
}

/// Whether a directory has what every model has.
fn is_model(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    has("modules.json") || (has("config.json") && (has("tokenizer.json") || has("vocab.txt")))
}

/// The directories in a directory, in the order of their names.
fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}
