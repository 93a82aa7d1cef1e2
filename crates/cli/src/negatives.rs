//! `minilm negatives`: hard negatives for pairs, as `mine_hard_negatives` of sentence-transformers.

use crate::{
    error::Error,
    model,
    notes::message,
    options::{Common, Encoding, at_least_one},
    output::Target,
    progress::Progress,
    records::{Input, Record},
    show::count,
    train::{Columns, read},
};
use clap::Args;
use minilm::{EncodeOptions, Prompt, SentenceEncoder, ndarray::Array2};
use minilm_train::{
    Dataset, Kind,
    negatives::{Mined, Mining},
};
use std::{collections::HashMap, io, num::NonZeroUsize, path::PathBuf};

/// Find hard negatives: texts that are near to an anchor, and not its positive
///
/// Reads pairs (anchor, positive), and writes triplets: a row for each negative. The candidates are
/// all positives, and the texts of --corpus. Where pairs have a label, the positives of the same
/// label are no negatives. The options are those of mine_hard_negatives of
/// sentence-transformers.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Negatives {
    /// A file of pairs, as for `train`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// More candidates: a file of texts
    #[arg(long, value_name = "FILE")]
    pub corpus: Option<PathBuf>,

    /// The csv file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Negatives of each anchor
    #[arg(long, short = 'n', value_name = "N", default_value = "3", value_parser = at_least_one)]
    #[arg(alias = "num-negatives")]
    pub negatives: NonZeroUsize,

    /// Nearest candidates that are passed over: they may be right
    #[arg(long, value_name = "RANK", default_value_t = 0, alias = "range-min")]
    pub from: usize,

    /// The last rank to look at [default: as many as are needed]
    #[arg(long, value_name = "RANK", alias = "range-max")]
    pub to: Option<usize>,

    /// The highest cosine of a negative
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    pub max_score: Option<f32>,

    /// The lowest cosine of a negative
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    pub min_score: Option<f32>,

    /// How far a negative is below the positive
    #[arg(long, value_name = "COSINE")]
    pub absolute_margin: Option<f32>,

    /// The same as a share of the positive's cosine
    #[arg(long, value_name = "SHARE")]
    pub relative_margin: Option<f32>,

    /// Random candidates with this seed, not the nearest
    #[arg(long, value_name = "SEED")]
    pub random: Option<u64>,

    /// A row for each pair, with all negatives; pairs with fewer are left out
    #[arg(long)]
    pub tuples: bool,

    #[command(flatten)]
    pub columns: Columns,
}

const EXAMPLES: &str = "\
Examples:
  minilm negatives pairs.csv -o triplets.csv --relative-margin 0.05
  minilm negatives questions.csv --corpus answers.txt --from 10 --to 100 -n 3 -o triplets.csv";

pub(crate) fn run(common: &Common, command: &Negatives) -> Result<(), Error> {
    model::share_threads(common);
    let data = read(&command.file, &command.columns, common.quiet)?;
    if data.kind() != Kind::Pairs {
        return Err(Error::Usage(format!(
            "{} holds {}, but negatives are found for pairs",
            command.file.display(),
            data.kind().name()
        )));
    }
    let name = command.output.as_ref().map(|path| path.display().to_string());
    let failed = |source: io::Error| match &name {
        Some(name) => Error::Write { name: name.clone(), source },
        None => Error::Stdout(source),
    };
    let target = command.output.as_deref().map_or_else(|| Ok(Target::stdout()), Target::file);
    let target = target.map_err(failed)?;
    let texts = Texts::new(&data, command)?;
    let encoder = model::load(common, &Encoding::default())?;
    let what = format!("comparing {}", count(texts.corpus.len(), "text"));
    let progress = Progress::busy(!common.quiet, what);
    let anchors = embed(&encoder, &texts.anchors, Prompt::Query)?;
    let corpus = embed(&encoder, &texts.corpus, Prompt::Document)?;
    let mined =
        command.mining().run(anchors.view(), corpus.view(), &texts.positives, &texts.right)?;
    progress.finish();
    let rows = write(target, command, &texts, &mined).map_err(failed)?;
    if !common.quiet {
        told(command, &texts, &mined, rows);
    }
    Ok(())
}

fn embed(
    encoder: &SentenceEncoder,
    texts: &[String],
    prompt: Prompt,
) -> Result<Array2<f32>, Error> {
    Ok(encoder.encode_with(texts, &EncodeOptions::new().prompt(prompt))?.embeddings)
}

/// Each anchor once, each candidate once, and which belong together.
struct Texts {
    anchors: Vec<String>,
    corpus: Vec<String>,
    positives: Vec<Vec<usize>>,
    /// The positives of other anchors with the same label.
    right: Vec<Vec<usize>>,
}

impl Texts {
    fn new(data: &Dataset, command: &Negatives) -> Result<Texts, Error> {
        let mut corpus: Vec<String> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut place = |text: &str| {
            *places.entry(text.to_owned()).or_insert_with(|| {
                corpus.push(text.to_owned());
                corpus.len() - 1
            })
        };
        if let Some(file) = &command.corpus {
            for record in Input::default().open(file)? {
                let Record { fields, .. } = record?;
                fields.iter().filter(|text| !text.trim().is_empty()).for_each(|text| {
                    place(text);
                });
            }
        }
        let (mut anchors, mut numbers) = (Vec::new(), HashMap::new());
        let mut positives: Vec<Vec<usize>> = Vec::new();
        let mut labels: Vec<Option<u32>> = Vec::new();
        let mut of_label: HashMap<u32, Vec<usize>> = HashMap::new();
        for row in data.rows() {
            let [anchor, positive] = [0, 1].map(|i| &data.texts()[row.texts[i] as usize]);
            let number = *numbers.entry(row.texts[0]).or_insert_with(|| {
                anchors.push(anchor.clone());
                positives.push(Vec::new());
                labels.push(row.label);
                anchors.len() - 1
            });
            let place = place(positive);
            if !positives[number].contains(&place) {
                positives[number].push(place);
            }
            if let Some(label) = row.label {
                of_label.entry(label).or_default().push(place);
            }
        }
        let of = |label: &Option<u32>| label.and_then(|label| of_label.get(&label));
        let right = labels.iter().map(|label| of(label).cloned().unwrap_or_default()).collect();
        Ok(Texts { anchors, corpus, positives, right })
    }
}

impl Negatives {
    fn mining(&self) -> Mining {
        Mining {
            range_min: self.from,
            range_max: self.to,
            max_score: self.max_score,
            min_score: self.min_score,
            absolute_margin: self.absolute_margin,
            relative_margin: self.relative_margin,
            num_negatives: self.negatives.get(),
            random: self.random,
        }
    }
}

/// Writes the rows, and returns how many there are.
fn write(target: Target, command: &Negatives, texts: &Texts, mined: &Mined) -> io::Result<usize> {
    let mut writer = csv::Writer::from_writer(target);
    let n = command.negatives.get();
    let mut header = vec!["anchor".to_owned(), "positive".to_owned()];
    match command.tuples {
        true => header.extend((1..=n).map(|i| format!("negative_{i}"))),
        false => header.push("negative".to_owned()),
    }
    writer.write_record(&header)?;
    let mut rows = 0;
    for ((anchor, positives), negatives) in
        texts.anchors.iter().zip(&texts.positives).zip(&mined.negatives)
    {
        let negatives: Vec<&str> =
            negatives.iter().map(|&(row, _)| texts.corpus[row].as_str()).collect();
        let groups: Vec<&[&str]> = match command.tuples {
            true => negatives.chunks(n).filter(|group| group.len() == n).collect(),
            false => negatives.chunks(1).collect(),
        };
        for &positive in positives {
            for group in &groups {
                let first = [anchor.as_str(), texts.corpus[positive].as_str()];
                writer.write_record(first.iter().chain(*group))?;
                rows += 1;
            }
        }
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)?.finish()?;
    Ok(rows)
}

fn told(command: &Negatives, texts: &Texts, mined: &Mined, rows: usize) {
    let few = mined.negatives.iter().filter(|found| found.len() < command.negatives.get()).count();
    let mut line = format!(
        "{} for {} from {}",
        count(rows, "row"),
        count(texts.anchors.len(), "anchor"),
        count(texts.corpus.len(), "candidate")
    );
    if mined.within_margin > 0 {
        line += &format!("; {} within the margin of the positive", mined.within_margin);
    }
    if mined.out_of_range > 0 {
        line += &format!("; {} with a cosine out of range", mined.out_of_range);
    }
    if few > 0 {
        line += &format!("; {} with fewer than {}", count(few, "anchor"), command.negatives);
    }
    message(&line);
}
