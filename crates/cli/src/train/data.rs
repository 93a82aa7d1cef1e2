//! A file to a dataset.

use crate::{
    error::Error,
    notes::message,
    records::{self, Kind as FileKind, Name, Reading, Record},
    show::count,
};
use clap::{Args, ValueEnum};
use minilm_train::{
    Dataset, Kind,
    columns::{self, Columns as Found},
};
use std::path::Path;

/// What the columns of a file are.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Columns of FILE")]
pub(crate) struct Columns {
    /// The columns or fields of the texts, in the order anchor, positive, negatives
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Vec<String>,

    /// The column of the label
    #[arg(long, value_name = "NAME", conflicts_with = "score")]
    pub label: Option<String>,

    /// The column of the score
    #[arg(long, value_name = "NAME")]
    pub score: Option<String>,

    /// What the rows are, if their names and values tell it wrongly
    #[arg(long = "as", value_name = "KIND", value_enum)]
    pub kind: Option<KindName>,

    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindName {
    Pairs,
    Triplets,
    ScoredPairs,
    LabelledPairs,
    LabelledTexts,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Kind {
        match name {
            KindName::Pairs => Kind::Pairs,
            KindName::Triplets => Kind::Triplets,
            KindName::ScoredPairs => Kind::ScoredPairs,
            KindName::LabelledPairs => Kind::LabelledPairs,
            KindName::LabelledTexts => Kind::LabelledTexts,
        }
    }
}

/// Reads a file, and says what its rows were taken for.
pub(crate) fn read(path: &Path, columns: &Columns, quiet: bool) -> Result<Dataset, Error> {
    if path.as_os_str() == "-" {
        return Err(Error::Usage("FILE: training reads a file, not standard input".to_owned()));
    }
    let file_kind = match FileKind::of(path) {
        FileKind::Lines => FileKind::Tsv,
        kind => kind,
    };
    let found = find(path, file_kind, columns)?;
    let names: Vec<Name> =
        found.texts.iter().chain(&found.value).map(|name| Name::Needed(name)).collect();
    let mut records = columns.reading.open(path, file_kind, &names)?;
    let rows = records.by_ref().collect::<Result<Vec<Record>, _>>()?;
    if rows.is_empty() {
        return Err(Error::Input(format!("{} holds no rows", path.display())));
    }
    let texts = found.texts.len();
    let value = |row: &'_ Record| -> Option<String> { row.fields.get(texts).cloned() };
    let values: Vec<String> = rows.iter().filter_map(value).collect();
    let kind = match columns.kind {
        Some(kind) => kind.into(),
        None => columns::kind(&found, values.iter().map(String::as_str)).map_err(in_file(path))?,
    };
    check_width(kind, &found)?;
    let mut data = Dataset::new(kind, texts);
    for row in &rows {
        let fields: Vec<&str> = row.fields[..texts].iter().map(String::as_str).collect();
        data.push(&records.place(row.line), &fields, row.fields.get(texts).map(String::as_str))?;
    }
    records::note(&records, quiet);
    if !quiet {
        message(&format!("{}: {}", path.display(), told(&data, &found)));
    }
    Ok(data)
}

/// The columns that were named, or those that are known by their names.
fn find(path: &Path, kind: FileKind, columns: &Columns) -> Result<Found, Error> {
    let value = columns.score.clone().or_else(|| columns.label.clone());
    if !columns.columns.is_empty() {
        return Ok(Found { texts: columns.columns.clone(), value, named: true });
    }
    let names = columns.reading.names(path, kind)?;
    let others: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| Some(*name) != value.as_deref()).collect();
    let Some(value) = value else {
        return columns::infer(&others).map_err(in_file(path));
    };
    // The column that was named is the value, whatever others are called.
    let known = if columns.score.is_some() { "score" } else { "label" };
    let all: Vec<&str> = others.iter().copied().chain([known]).collect();
    let found = columns::infer(&all).map_err(in_file(path))?;
    Ok(Found { value: Some(value), ..found })
}

fn in_file(path: &Path) -> impl Fn(minilm_train::Error) -> Error {
    let name = path.display().to_string();
    move |error| {
        Error::Input(format!("{name}: {error}; --columns, --label and --score name the columns"))
    }
}

/// Whether there are as many texts as rows of this kind have.
fn check_width(kind: Kind, found: &Found) -> Result<(), Error> {
    let (least, most) = match kind {
        Kind::LabelledTexts => (1, 1),
        Kind::Triplets => (3, usize::MAX),
        Kind::Pairs | Kind::ScoredPairs | Kind::LabelledPairs => (2, 2),
    };
    if (least..=most).contains(&found.texts.len()) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "--as: {} have {least} texts, but the columns are {}",
        kind.name(),
        found.texts.join(", ")
    )))
}

/// What was found, in words.
fn told(data: &Dataset, found: &Found) -> String {
    let by = if found.named { "" } else { ", by their order" };
    let mut text = format!(
        "{} {} from the columns {}{by}",
        data.rows().len(),
        data.kind().name(),
        found.texts.join(", ")
    );
    if let Some(value) = &found.value {
        let what = match data.kind() {
            Kind::ScoredPairs => "scores".to_owned(),
            Kind::LabelledPairs => "labels 0 and 1".to_owned(),
            _ => count(data.labels().len(), "label"),
        };
        text += &format!(" and {value} ({what})");
    }
    text
}
