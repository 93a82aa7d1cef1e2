//! Lines have at most 100 columns, so that two files stand side by side.
//!
//! rustfmt leaves comments and strings as they are, and does not read Markdown. Lines that cannot
//! be wrapped are exempt: rows of tables, blocks that `cargo xtask report` writes, and items under
//! `#[rustfmt::skip]`.

use crate::{Outcome, cargo::Workspace, files};

/// Characters of the longest line, `max_width` in rustfmt.toml.
const MOST: usize = 100;

/// For each line of a file, whether it may have any width.
type Exempts = fn(&str) -> Vec<bool>;

/// Checks every Rust and Markdown file but the model card in `weights`, which is as published.
pub fn check(workspace: &Workspace) -> Outcome {
    let root = &workspace.root;
    let folders = ["crates", "tests", "benches", "docs"].map(|name| root.join(name));
    let mut pages = files::below(&folders, "md")?;
    pages.extend(files::directly_in(root, "md")?);
    let sources = files::below(&folders, "rs")?;
    let mut wrong = Vec::new();
    let checks = [(sources, rust_exempts as Exempts), (pages, markdown_exempts)];
    for (paths, exempts) in checks {
        for path in paths {
            let text = files::read(&path)?;
            let here = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            wrong.extend(too_wide(&text, &exempts(&text)).map(|line| format!("{here}:{line}")));
        }
    }
    if wrong.is_empty() {
        Ok(String::new())
    } else {
        Err(format!("lines of more than {MOST} columns:\n{}", wrong.join("\n")))
    }
}

/// Numbers of the lines that are too wide, with their widths.
fn too_wide(text: &str, exempt: &[bool]) -> impl Iterator<Item = String> {
    let lines = text.lines().map(|line| line.chars().count()).enumerate().zip(exempt);
    let wide = lines.filter(|((_, width), exempt)| *width > MOST && !**exempt);
    wide.map(|((i, width), _)| format!("{}: {width}", i + 1)).collect::<Vec<_>>().into_iter()
}

/// Tables in documentation, and items under `#[rustfmt::skip]`.
fn rust_exempts(text: &str) -> Vec<bool> {
    let mut skipped = None; // the indentation of an item under #[rustfmt::skip]
    let exempt = text.lines().map(|line| {
        let code = line.trim_start();
        let indentation = line.len() - code.len();
        if code.starts_with("#[rustfmt::skip]") {
            skipped = Some(indentation);
        }
        let is_skipped = skipped.is_some();
        if skipped == Some(indentation) && code.starts_with([']', '}', ')']) {
            skipped = None;
        }
        let documentation = code.strip_prefix("//!").or_else(|| code.strip_prefix("///"));
        is_skipped || documentation.is_some_and(|text| text.trim_start().starts_with('|'))
    });
    exempt.collect()
}

/// Tables, and what `cargo xtask report` writes.
fn markdown_exempts(text: &str) -> Vec<bool> {
    let mut is_made = false;
    let exempt = text.lines().map(|line| {
        if line.starts_with("<!-- report:") {
            is_made = true;
        } else if line.starts_with("<!-- /report -->") {
            is_made = false;
        }
        is_made || line.starts_with('|')
    });
    exempt.collect()
}

#[cfg(test)]
mod tests {
    use super::{Exempts, MOST, markdown_exempts, rust_exempts, too_wide};

    fn lines(text: &str, exempts: Exempts) -> Vec<String> {
        too_wide(text, &exempts(text)).collect()
    }

    #[test]
    fn characters_count_and_not_bytes() {
        let text =
            format!("{}\n{}\n{}\n", "é".repeat(MOST), "x".repeat(MOST), "x".repeat(MOST + 1));
        assert_eq!(lines(&text, rust_exempts), ["3: 101"]);
        assert_eq!(lines(&text, markdown_exempts), ["3: 101"]);
    }

    #[test]
    fn tables_in_documentation_and_items_that_are_skipped_may_be_wide() {
        let wide = "x".repeat(MOST);
        let text = format!(
            "//! | {wide} |\n//! {wide}\n    /// | {wide} |\n\
             // | {wide} |\n    #[rustfmt::skip]\n    \
             const A: [B; 1] = [\n        {wide},\n    ];\n    {wide}\n"
        );
        assert_eq!(lines(&text, rust_exempts), ["2: 104", "4: 107", "9: 104"]);
    }

    #[test]
    fn tables_and_blocks_that_are_made_may_be_wide() {
        let wide = "x".repeat(MOST);
        let text = format!(
            "| {wide} |\n- {wide}\n<!-- report: one -->\n{wide} x\n<!-- /report -->\n```text\n\
             {wide}x\n```\n"
        );
        assert_eq!(lines(&text, markdown_exempts), ["2: 102", "7: 101"]);
    }
}
