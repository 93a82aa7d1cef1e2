//! `minilm classify`: labels of texts, by a classifier that `minilm train --head` has fitted.

use crate::{
    error::Error,
    model,
    notes::note_truncated,
    options::{Common, Encoding},
    output::Target,
    progress::Progress,
    records::Input,
    texts::Texts,
};
use clap::{Args, ValueEnum};
use minilm::ndarray::Axis;
use minilm_train::classifier::Labelled;
use serde_json::json;
use std::{io, io::Write, path::PathBuf};

/// Label texts with a classifier that `minilm train --head` has fitted
///
/// --model names its directory.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Classify {
    /// Texts to label [default: those of --input, or of a pipe]
    #[arg(value_name = "TEXT", conflicts_with = "input_file")]
    pub texts: Vec<String>,

    #[arg(long = "input", short, value_name = "FILE", help = input_help())]
    pub input_file: Option<PathBuf>,

    /// Write to FILE instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// The format of the results
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "csv")]
    pub format: Format,

    /// The probability of every label, not only of the most probable one
    #[arg(long)]
    pub probabilities: bool,

    #[command(flatten)]
    pub input: Input,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table with the columns text, label, probability
    Csv,
    /// One JSON object per text: {"text", "label", "probability"}
    Jsonl,
}

const EXAMPLES: &str = "\
Examples:
  minilm classify --model my-classifier \"where is my card\"
  minilm classify --model my-classifier --input tickets.csv --column subject -o labels.csv";

/// Texts that are classified at once.
const WINDOW: usize = 1024;

fn input_help() -> String {
    format!("Read the texts from FILE: {}", crate::records::FILES)
}

pub(crate) fn run(common: &Common, command: &Classify) -> Result<(), Error> {
    model::share_threads(common);
    let directory = model::directory(common)?;
    if !directory.join("classifier/config.json").is_file() {
        let name = directory.display();
        return Err(Error::Input(format!(
            "{name} holds no classifier; `minilm train --head` fits one"
        )));
    }
    let labelled = Labelled::load(&directory)?;
    let mut texts =
        Texts::open(command.texts.clone(), command.input_file.as_deref(), &command.input)?;
    let name = command.output.as_ref().map(|path| path.display().to_string());
    let failed = |source: io::Error| match &name {
        Some(name) => Error::Write { name: name.clone(), source },
        None => Error::Stdout(source),
    };
    let target = command.output.as_deref().map_or_else(|| Ok(Target::stdout()), Target::file);
    let mut rows = Rows::begin(command, &labelled, target.map_err(failed)?).map_err(failed)?;
    let encoder = model::load(common, &Encoding::default())?;
    let mut progress = Progress::new(!common.quiet, texts.size());
    let (mut truncated, mut done) = (0, 0);
    loop {
        let window: Vec<String> = texts.by_ref().take(WINDOW).collect();
        if window.is_empty() {
            break;
        }
        let found = encoder.encode_with(&window, &minilm::EncodeOptions::new());
        let found = found.map_err(|error| Error::in_text(error, |i| texts.place(done + i)))?;
        truncated += found.counts.iter().filter(|count| count.dropped > 0).count();
        let probabilities = labelled.classifier.probabilities(found.embeddings.view());
        let best = labelled.classify(found.embeddings.view());
        for (i, text) in window.iter().enumerate() {
            let all = probabilities.index_axis(Axis(0), i).to_vec();
            rows.push(text, best[i], &all).map_err(failed)?;
            progress.advance(text.len(), found.counts[i].used);
        }
        done += window.len();
    }
    progress.finish();
    texts.finish(common.quiet)?;
    rows.finish().map_err(failed)?;
    note_truncated(common.quiet, truncated, encoder.max_tokens());
    Ok(())
}

/// Results in one of the formats.
enum Rows<'a> {
    Csv(Box<csv::Writer<Target>>, bool),
    Jsonl(Target, &'a [String], bool),
}

impl<'a> Rows<'a> {
    fn begin(command: &Classify, labelled: &'a Labelled, target: Target) -> io::Result<Rows<'a>> {
        let all = command.probabilities;
        if command.format == Format::Jsonl {
            return Ok(Rows::Jsonl(target, &labelled.labels, all));
        }
        let mut writer = csv::Writer::from_writer(target);
        let columns = ["text", "label", "probability"].map(str::to_owned).into_iter();
        let labels = labelled.labels.iter().filter(|_| all).map(|label| format!("p({label})"));
        writer.write_record(columns.chain(labels))?;
        Ok(Rows::Csv(Box::new(writer), all))
    }

    fn push(&mut self, text: &str, (label, p): (&str, f64), all: &[f64]) -> io::Result<()> {
        match self {
            Rows::Csv(writer, with_all) => {
                let first = [text.to_owned(), label.to_owned(), p.to_string()].into_iter();
                let others = all.iter().filter(|_| *with_all).map(f64::to_string);
                Ok(writer.write_record(first.chain(others))?)
            }
            Rows::Jsonl(target, labels, with_all) => {
                let mut row = json!({ "text": text, "label": label, "probability": p });
                if *with_all {
                    let all = labels.iter().zip(all).map(|(label, p)| (label.clone(), json!(p)));
                    row["probabilities"] = serde_json::Value::Object(all.collect());
                }
                writeln!(target, "{row}")
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Rows::Csv(writer, _) => {
                writer.into_inner().map_err(csv::IntoInnerError::into_error)?.finish()
            }
            Rows::Jsonl(target, ..) => target.finish(),
        }
    }
}
