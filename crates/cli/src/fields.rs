//! What tells a row from others beside its text: columns that are kept, and its number.

use crate::{error::Error, show::Page};
use clap::Args;
use minilm::tasks::index::Index;
use std::collections::BTreeMap;

/// The columns that stay with each text.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Input options")]
pub(crate) struct Keep {
    /// The column or field that identifies a record; it is shown with each result
    #[arg(long, value_name = "NAME")]
    pub id: Option<String>,

    /// More columns or fields that are shown with each result, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub keep: Vec<String>,
}

impl Keep {
    /// The names, each once, the identifier first.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.id.iter().chain(&self.keep) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }
}

/// The fields of a row by their names, as JSON has them.
pub(crate) type Fields = BTreeMap<String, String>;

/// The fields of a row.
pub(crate) fn fields<B: AsRef<[u8]>>(index: &Index<B>, row: usize) -> Result<Fields, Error> {
    Ok(index.fields().iter().cloned().zip(index.values(row)?).collect())
}

/// The fields of a row for people, `  id=7 subject=trains`, or nothing.
pub(crate) fn label<B: AsRef<[u8]>>(index: &Index<B>, row: usize) -> Result<String, Error> {
    let values = index.values(row)?;
    let pairs = index.fields().iter().zip(values);
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
    Ok(if pairs.is_empty() { String::new() } else { format!("  {}", pairs.join(" ")) })
}

/// A table in memory (RFC 4180).
pub(crate) struct Table(csv::Writer<Vec<u8>>);

impl Table {
    pub(crate) fn new() -> Table {
        Table(csv::WriterBuilder::new().flexible(true).from_writer(Vec::new()))
    }

    /// A line, with quotes where they are needed.
    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        for cell in cells {
            self.0.write_field(cell.as_ref()).expect("memory is written");
        }
        self.0.write_record(None::<&[u8]>).expect("memory is written");
    }

    pub(crate) fn text(self) -> String {
        let bytes = self.0.into_inner().expect("memory is written");
        String::from_utf8(bytes).expect("of texts")
    }
}

impl Page {
    /// A line of a table.
    pub(crate) fn csv<T: AsRef<str>>(
        &mut self,
        cells: impl IntoIterator<Item = T>,
    ) -> Result<(), Error> {
        let mut line = Table::new();
        line.row(cells);
        self.record(&line.text())
    }
}
