//! Writes the tables and figures of `minilm-book` to where they are read, or compares them with
//! what is there.

use crate::{Outcome, cargo::Workspace, files};

/// Writes the files that differ.
pub fn write(workspace: &Workspace) -> Outcome {
    let rendered = minilm_book::render(&workspace.root)?;
    let mut changed = 0;
    for (path, text) in rendered.stale() {
        files::write(path, text)?;
        changed += 1;
    }
    let missing: String =
        rendered.missing.iter().map(|missing| format!("left alone: {missing}\n")).collect();
    Ok(format!("{missing}{changed} of {} files changed", rendered.files.len()))
}

/// An error if anything differs, or stands there without its record.
pub fn check(workspace: &Workspace) -> Outcome {
    let rendered = minilm_book::render(&workspace.root)?;
    let stale = rendered.stale().map(|(path, _)| {
        format!("{} is not what the records give: cargo xtask report", path.display())
    });
    let wrong: Vec<String> = rendered.missing.iter().cloned().chain(stale).collect();
    if wrong.is_empty() {
        Ok(format!("{} files", rendered.files.len()))
    } else {
        Err(wrong.join("\n"))
    }
}
