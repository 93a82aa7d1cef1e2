//! `minilm train --head`: a classifier on the embeddings of labelled texts.

use super::{Train, data};
use crate::{
    error::Error,
    model,
    notes::message,
    options::Common,
    output::Staged,
    progress::Progress,
    show::{Page, Style, count},
};
use minilm::SentenceEncoder;
use minilm_train::{
    Base, Dataset, Finding, Kind,
    classifier::{Classifier, Labelled},
};
use serde_json::json;
use std::path::Path;

/// How well the classifier does on some texts.
struct Accuracy {
    name: String,
    accuracy: f64,
    /// The mean over labels of F1.
    macro_f1: f64,
    texts: usize,
}

/// The options that have an effect with `--head`; `columns` stands for all of its kind.
pub(super) const OPTIONS: [&str; 8] =
    ["file", "output", "head", "columns", "regularization", "eval", "check", "json"];

pub(super) fn run(
    common: &Common,
    command: &Train,
    file: &Path,
    output: &Path,
    base: &Path,
) -> Result<(), Error> {
    let data = labelled(file, command, common.quiet)?;
    let findings = data.check(1)?;
    // A label with one text has no partner in training; a classifier needs none.
    let findings = findings.iter().filter(|finding| !matches!(finding, Finding::SingleLabels(_)));
    findings.filter(|_| !common.quiet).for_each(|finding| message(&finding.to_string()));
    let tests = command
        .eval
        .iter()
        .map(|file| Ok((file.display().to_string(), labelled(file, command, common.quiet)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    if output.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        let name = output.display();
        return Err(Error::Input(format!(
            "{name}: the directory is not empty: choose another one"
        )));
    }
    let staged = if command.check { None } else { Some(Staged::open(output, true)?) };
    let base = Base::open(base)?;
    let encoder = model::builder(common)?.load(base.root())?;
    let classes: Vec<u32> = data.rows().iter().filter_map(|row| row.label).collect();
    let progress =
        Progress::busy(!common.quiet, format!("fitting {}", count(classes.len(), "text")));
    let embeddings = encoder.encode(&texts(&data))?;
    let labels = data.labels().to_vec();
    let c = command.regularization;
    let classifier = Classifier::fit(embeddings.view(), &classes, labels.len(), c)?;
    let mut labelled = Labelled { classifier, labels, c, model: String::new() };
    let mut found = vec![accuracy(&labelled, &encoder, &file.display().to_string(), &data)?];
    for (name, test) in &tests {
        found.push(accuracy(&labelled, &encoder, name, test)?);
    }
    progress.finish();
    if let Some(staged) = staged {
        write(&base, &mut labelled, &staged.folder()).map_err(|error| staged.named(error))?;
        staged.finish()?;
    }
    summary(command, output, &found)
}

/// Writes the model and the classifier into a folder.
fn write(base: &Base, labelled: &mut Labelled, folder: &Path) -> Result<(), Error> {
    base.copy_to(folder)?;
    labelled.model = Base::open(folder)?.digest()?;
    Ok(labelled.save(folder)?)
}

fn labelled(file: &Path, command: &Train, quiet: bool) -> Result<Dataset, Error> {
    let data = data::read(file, &command.columns, quiet)?;
    if data.kind() != Kind::LabelledTexts {
        return Err(Error::Usage(format!(
            "--head: {} holds {}, but a classifier learns from labelled texts",
            file.display(),
            data.kind().name()
        )));
    }
    Ok(data)
}

fn texts(data: &Dataset) -> Vec<&str> {
    data.rows().iter().map(|row| data.texts()[row.texts[0] as usize].as_str()).collect()
}

fn accuracy(
    labelled: &Labelled,
    encoder: &SentenceEncoder,
    name: &str,
    data: &Dataset,
) -> Result<Accuracy, Error> {
    let embeddings = encoder.encode(&texts(data))?;
    let found = labelled.classify(embeddings.view());
    let right: Vec<&str> = data
        .rows()
        .iter()
        .filter_map(|row| Some(data.labels()[row.label? as usize].as_str()))
        .collect();
    let hits = found.iter().zip(&right).filter(|((label, _), right)| label == *right).count();
    let f1 = |label: &String| {
        let count = |is: &dyn Fn(bool, bool) -> bool| {
            let pairs = found.iter().zip(&right);
            pairs.filter(|((found, _), right)| is(found == label, *right == label)).count() as f64
        };
        let both = count(&|found, right| found && right);
        let either = count(&|found, _| found) + count(&|_, right| right);
        if either > 0.0 { 2.0 * both / either } else { 0.0 }
    };
    let labels = data.labels();
    Ok(Accuracy {
        name: name.to_owned(),
        accuracy: hits as f64 / right.len().max(1) as f64,
        macro_f1: labels.iter().map(f1).sum::<f64>() / labels.len().max(1) as f64,
        texts: right.len(),
    })
}

fn summary(command: &Train, output: &Path, found: &[Accuracy]) -> Result<(), Error> {
    let mut page = Page::new();
    for (i, of) in found.iter().enumerate() {
        let Accuracy { name, accuracy, macro_f1, texts } = of;
        if command.json {
            page.json(&json!({
                "data": name, "texts": texts, "accuracy": accuracy, "macro_f1": macro_f1
            }))?;
            continue;
        }
        if i == 0 {
            let what = if command.check { "would be a classifier" } else { "is a classifier" };
            page.line(&page.style(Style::Bold, &format!("{} {what}", output.display())))?;
        }
        let seen = if i == 0 { ", which it was fitted to" } else { "" };
        page.line(&format!(
            "  accuracy {:6.2}  macro F1 {:6.2}  {} of {name}{seen}",
            100.0 * accuracy,
            100.0 * macro_f1,
            count(*texts, "text")
        ))?;
    }
    page.finish()
}
