//! Tables and figures, made from the records of `benches/record`.
//!
//! ```text
//! benches/record/MACHINE/{machine,bench,peers,ladder,bakeoff}.json, benches/record/{errors,sts,tile}.json
//!    ├─ report/tables.rs ─► between <!-- report: TABLE --> and <!-- /report --> in README.md and docs/*.md
//!    └─ report/plots.rs  ─► docs/figures/PLOT.svg
//! ```
//!
//! What needs no record is made from the model itself: the tables of `shapes.rs` and the figures of
//! `figures.rs`.
//!
//! A table or plot is a function of one record. A block may name the machine,
//! `<!-- report: TABLE MACHINE -->`; otherwise it is of the reference machine, as all plots are.

mod accuracy;
mod bakeoff;
mod figures;
mod ladder;
mod markers;
mod plots;
mod records;
mod shapes;
mod table;
mod tables;
mod tile;

use crate::{Outcome, cargo::Workspace, files};
use figures::{FIGURES, Source};
use records::Records;
use serde_json::Value;
use shapes::{COUNTS, Shapes};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The machine of blocks that name none, and of the figures.
const REFERENCE: &str = "amd-epyc-zen4";

/// A name, the record it is made from, and how.
struct Maker {
    name: &'static str,
    record: &'static str,
    make: fn(&Value) -> Result<String, String>,
}

/// All files that the records make, and what could not be made.
struct Output {
    files: Vec<(PathBuf, String)>,
    missing: Vec<String>,
}

/// Writes what differs.
pub fn write(workspace: &Workspace) -> Outcome {
    let output = output(&workspace.root)?;
    let changed = changed(&output);
    for (path, text) in &changed {
        files::write(path, text)?;
    }
    let missing: String =
        output.missing.iter().map(|missing| format!("left alone: {missing}\n")).collect();
    Ok(format!("{missing}{} of {} files changed", changed.len(), output.files.len()))
}

/// An error if anything differs, or stands there without its record.
pub fn check(workspace: &Workspace) -> Outcome {
    let output = output(&workspace.root)?;
    let stale = changed(&output).into_iter();
    let stale = stale.map(|(path, _)| {
        format!("{} is not what the records give: cargo xtask report", path.display())
    });
    let wrong: Vec<String> = output.missing.iter().cloned().chain(stale).collect();
    if wrong.is_empty() {
        Ok(format!("{} files", output.files.len()))
    } else {
        Err(wrong.join("\n"))
    }
}

/// The files that are not there as they should be.
fn changed(output: &Output) -> Vec<&(PathBuf, String)> {
    output
        .files
        .iter()
        .filter(|(path, text)| fs::read_to_string(path).ok().as_ref() != Some(text))
        .collect()
}

fn output(root: &Path) -> Result<Output, String> {
    let records = Records::read(&root.join("benches/record"))?;
    let weights = root.join("weights/all-MiniLM-L6-v2");
    let shapes = Shapes::of(&files::read_json(&weights.join("config.json"))?)?;
    let mut output = Output { files: Vec::new(), missing: Vec::new() };
    for path in pages(root)? {
        let here = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let text = markers::replace(&files::read(&path)?, |block| {
            if let Some(count) = COUNTS.iter().find(|count| count.name == block) {
                return Ok(Some((count.make)(&shapes)));
            }
            let (name, machine) = block.split_once(' ').unwrap_or((block, REFERENCE));
            let table = tables::TABLES
                .iter()
                .find(|table| table.name == name)
                .ok_or_else(|| format!("no table is called {name:?}"))?;
            let made = table.of(&records, machine)?;
            if made.is_none() {
                output.missing.push(format!(
                    "{here}, {name}: there is no benches/record/{machine}/{}.json",
                    table.record
                ));
            }
            Ok(made)
        });
        let text = text.map_err(|error| format!("{here}: {error}"))?;
        output.files.push((path, text));
    }
    let figure = |name: &str| root.join(format!("docs/figures/{name}.svg"));
    for drawing in &FIGURES {
        let svg = (drawing.draw)(&Source { weights: &weights, shapes: &shapes });
        output.files.push((
            figure(drawing.name),
            svg.map_err(|error| format!("{}.svg: {error}", drawing.name))?,
        ));
    }
    for plot in &plots::PLOTS {
        let path = figure(plot.name);
        match plot.of(&records, REFERENCE)? {
            Some(svg) => output.files.push((path, svg)),
            None if path.exists() => output
                .missing
                .push(format!("docs/figures/{}.svg: there is no {}.json", plot.name, plot.record)),
            None => {}
        }
    }
    Ok(output)
}

/// `README.md` and the pages of the book.
fn pages(root: &Path) -> Result<Vec<PathBuf>, String> {
    let docs = root.join("docs");
    let entries = fs::read_dir(&docs).map_err(|error| format!("{}: {error}", docs.display()))?;
    let mut pages: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.push(root.join("README.md"));
    pages.sort();
    Ok(pages)
}

impl Maker {
    /// What the machine's record gives, if there is one.
    fn of(&self, records: &Records, machine: &str) -> Result<Option<String>, String> {
        let made = records.get(machine, self.record).map(self.make).transpose();
        made.map_err(|error| format!("{} from {machine}/{}.json: {error}", self.name, self.record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for makers in [&tables::TABLES[..], &plots::PLOTS[..]] {
            let mut names: Vec<_> = makers.iter().map(|maker| maker.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), makers.len());
        }
    }

    #[test]
    fn a_record_of_another_shape_is_an_error_and_not_a_table() {
        let records = Records::of(
            "here",
            &tables::TABLES.map(|table| (table.record, serde_json::json!({ "texts": 1 }))),
        );
        for maker in
            tables::TABLES.iter().chain(&plots::PLOTS).filter(|maker| maker.record != "machine")
        {
            let error = maker.of(&records, "here").unwrap_err();
            assert!(
                error.starts_with(&format!("{} from here/{}.json: ", maker.name, maker.record)),
                "{error}"
            );
        }
        assert_eq!(tables::TABLES[0].of(&records, "elsewhere"), Ok(None));
    }
}
