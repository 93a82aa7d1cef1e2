//! The press of the book: every table and figure of `README.md` and `docs`, made from records and
//! from the model.
//!
//! ```text
//! benches/record/MACHINE/{machine,bench,peers,ladder,bakeoff}.json
//! benches/record/{errors,sts,tile}.json
//!    ├─ tables.rs ─► between <!-- report: TABLE --> and <!-- /report --> in README.md, docs/*.md
//!    └─ plots.rs  ─► docs/figures/PLOT.svg
//! weights/all-MiniLM-L6-v2
//!    ├─ shapes.rs  ─► tables of counts, between the same comments
//!    └─ figures.rs ─► docs/figures/FIGURE.svg
//! ```
//!
//! A table or plot is a function of one record. A block may name the machine,
//! `<!-- report: TABLE MACHINE -->`; otherwise it shows the reference machine, as all plots do.
//!
//! The crate writes nothing: [`render`] returns the files, and `cargo xtask report` writes those
//! that differ.
#![forbid(unsafe_code)]

mod accuracy;
mod bakeoff;
mod figures;
pub mod files;
mod fuzzing;
mod instructions;
mod ladder;
mod markers;
mod operations;
mod plots;
mod records;
mod shapes;
mod table;
mod tables;
mod tile;

use figures::{FIGURES, Source};
pub use instructions::Kind;
use minilm_model::Config;
use records::Records;
use shapes::COUNTS;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The machine of blocks that name none, and of the figures.
const REFERENCE: &str = "amd-epyc-zen4";

/// The pages and figures as the records and the model give them.
pub struct Rendered {
    /// Every file with its whole text.
    pub files: Vec<(PathBuf, String)>,
    /// One line for each table or figure that stands in the repository without its record.
    pub missing: Vec<String>,
}

impl Rendered {
    /// The files that are not on disk as they are here.
    pub fn stale(&self) -> impl Iterator<Item = &(PathBuf, String)> {
        let is_stale =
            |path: &Path, text: &str| fs::read_to_string(path).ok().as_deref() != Some(text);
        self.files.iter().filter(move |(path, text)| is_stale(path, text))
    }
}

/// Renders the pages and figures of the repository at `root`.
///
/// # Errors
///
/// One line that names the file, and the table or field in it: a file that cannot be read, a block
/// without a table of its name, a record of another shape, a kernel that differs from its record.
///
/// # Example
///
/// ```
/// let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
/// let rendered = minilm_book::render(&root)?;
/// assert!(rendered.files.iter().any(|(path, _)| path.ends_with("docs/figures/journey.svg")));
/// # Ok::<(), String>(())
/// ```
pub fn render(root: &Path) -> Result<Rendered, String> {
    let records = Records::read(&root.join("benches/record"))?;
    let weights = root.join("weights/all-MiniLM-L6-v2");
    let config = Config::read(&weights.join("config.json")).map_err(|error| error.to_string())?;
    let mut rendered = Rendered { files: Vec::new(), missing: Vec::new() };
    for path in pages(root)? {
        let here = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let text = markers::replace(&files::read(&path)?, |block| {
            if let Some(count) = COUNTS.iter().find(|count| count.name == block) {
                return Ok(Some((count.make)(&config)));
            }
            let (name, machine) = block.split_once(' ').unwrap_or((block, REFERENCE));
            let table = tables::TABLES
                .iter()
                .find(|table| table.name == name)
                .ok_or_else(|| format!("no table is called {name:?}"))?;
            let made = table.of(&records, machine)?;
            if made.is_none() {
                rendered.missing.push(format!(
                    "{here}, {name}: there is no benches/record/{machine}/{}.json",
                    table.record
                ));
            }
            Ok(made)
        });
        let text = text.map_err(|error| format!("{here}: {error}"))?;
        rendered.files.push((path, text));
    }
    let figure = |name: &str| root.join(format!("docs/figures/{name}.svg"));
    for drawing in &FIGURES {
        let svg = (drawing.draw)(&Source { weights: &weights, config: &config });
        rendered.files.push((
            figure(drawing.name),
            svg.map_err(|error| format!("{}.svg: {error}", drawing.name))?,
        ));
    }
    for plot in &plots::PLOTS {
        let path = figure(plot.name);
        match plot.of(&records, REFERENCE)? {
            Some(svg) => rendered.files.push((path, svg)),
            None if path.exists() => rendered
                .missing
                .push(format!("docs/figures/{}.svg: there is no {}.json", plot.name, plot.record)),
            None => {}
        }
    }
    Ok(rendered)
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

#[cfg(test)]
mod tests {
    use super::{plots, records::Records, tables};

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
