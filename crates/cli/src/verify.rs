//! `minilm verify`: this build on this machine against PyTorch.
//!
//! ```text
//! for each level:
//!     each stage text alone:    every step within 2e-5 of PyTorch, same bits as levels before
//!     the stage texts at once:  the same bits as alone, within 5e-7 of PyTorch
//! on the CPU's fastest level:
//!     300 texts at once:        within 5e-7 of PyTorch, nearer to the exact answer than its f32
//! for each precision of integers, on each level:
//!     the stage texts:          near to PyTorch, same bits as levels before
//!     300 texts:                the same, on the fastest level
//! ```
//!
//! The first difference that is too large ends the run. Its message has the level, the text, the
//! tensor, the element and both values.

mod compare;
mod finals;
mod golden;
mod rounded;
mod steps;

use crate::{
    error::Error,
    locate, model,
    options::{Common, Numbers},
    progress::{Progress, Size},
};
use clap::Args;
use golden::{Golden, Set, Step};
use minilm::{Level, Precision, SentenceEncoder, ndarray::Array2};
use std::{
    io::{self, Write},
    path::PathBuf,
};
use steps::Largest;

/// Check this build on this machine against PyTorch
///
/// Runs the texts of tests/golden through the model with each instruction set of this CPU, or only
/// with --level, and compares every step with PyTorch's tensor. Then it compares the embeddings of
/// int16 and int8 with PyTorch's. With --precision, it checks that one alone. Stops with status 1
/// at the first difference that is too large.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The directory of PyTorch's tensors [default: tests/golden, here or further up]
    #[arg(long, value_name = "DIR")]
    pub golden: Option<PathBuf>,

    #[command(flatten)]
    pub numbers: Numbers,
}

pub(crate) fn run(common: &Common, command: &Verify) -> Result<(), Error> {
    let model = model::directory(common)?;
    let directory = match &command.golden {
        Some(directory) => directory.clone(),
        None => locate::find("tests/golden", "pass --golden DIR")?,
    };
    let levels = model::level(common)?.map_or_else(Level::available, |level| vec![level]);
    let golden = Golden::read(&directory)?;
    let names: Vec<_> = levels.iter().map(|level| level.name()).collect();
    print(&format!(
        "model   {}\ngolden  {}\nmade    {}",
        model.display(),
        directory.display(),
        golden.made_with
    ))?;
    print(&format!("levels  {}\n", names.join(", ")))?;

    let run = Run { golden: &golden, progress: Progress::new(!common.quiet, Size::Unknown) };
    let load = |level, precision| {
        run.progress.note(|| format!("{level}: loading"));
        Ok::<_, Error>(model::builder(common)?.level(level).precision(precision).load(&model)?)
    };
    let precision = model::precision(&command.numbers)?;
    if precision.is_none_or(|precision| precision == Precision::F32) {
        run.float(&levels, &load)?;
    }
    let rounded: Vec<Precision> = match precision {
        Some(Precision::F32) => Vec::new(),
        Some(one) => vec![one],
        None => vec![Precision::Int16, Precision::Int8],
    };
    if !rounded.is_empty() {
        run.rounded(&levels, &rounded, &load)?;
    }
    run.print(&format!("same bits on every level: yes, on {}", names.join(", ")))
}

/// Loads the encoder of a level and a precision.
type Load<'a> = dyn Fn(Level, Precision) -> Result<SentenceEncoder, Error> + 'a;

/// The steps of every stage text, as the first level computed them.
type Reference = (Level, Vec<Vec<Step>>);

struct Run<'a> {
    golden: &'a Golden,
    progress: Progress,
}

impl Run<'_> {
    /// Checks `f32` on all levels.
    fn float(&self, levels: &[Level], load: &Load) -> Result<(), Error> {
        let golden = self.golden;
        self.print(&format!(
            "Every step of {} texts: the largest differences from PyTorch\n\n{}",
            golden.stages.len(),
            steps::HEAD
        ))?;
        let mut finals = Vec::new();
        let mut first = None;
        let mut checked = golden.stages.len();
        for &level in levels {
            let encoder = load(level, Precision::F32)?;
            let steps = self.steps(&encoder, first.as_ref())?;
            let together = self.encode(&encoder, &golden.stages)?;
            same_bits_as_alone(&encoder, &golden.stages, &steps, &together)?;
            first.get_or_insert((level, steps));
            finals.push(finals::check(level, &golden.stages, &together)?);
            if level == Level::detect() {
                checked += golden.texts.len();
                let embeddings = self.encode(&encoder, &golden.texts)?;
                finals.push(finals::check(level, &golden.texts, &embeddings)?);
            }
        }
        self.print(&format!(
            "\nEmbeddings: differences from PyTorch, and from the exact answer\n\n{}",
            finals::HEAD
        ))?;
        self.print(&finals.join("\n"))?;
        self.print(&format!("\ntoken ids equal: yes, of {checked} texts"))?;
        self.print("same bits alone and with other texts: yes\n")
    }

    /// Checks the precisions of integers on all levels.
    fn rounded(
        &self,
        levels: &[Level],
        precisions: &[Precision],
        load: &Load,
    ) -> Result<(), Error> {
        let title = "Embeddings with rounded weights: 1 − cosine to PyTorch's f32";
        self.print(&format!("{title}\n\n{}", rounded::HEAD))?;
        let mut firsts = rounded::Firsts::default();
        for &precision in precisions {
            for &level in levels {
                let encoder = load(level, precision)?;
                let stages = self.encode(&encoder, &self.golden.stages)?;
                self.print(&firsts.check(level, precision, &self.golden.stages, stages)?)?;
                if level == Level::detect() {
                    let texts = self.encode(&encoder, &self.golden.texts)?;
                    self.print(&rounded::row(level, precision, &self.golden.texts, &texts)?)?;
                }
            }
        }
        self.print("")
    }

    /// Checks every step of every stage text, one text at a time, and prints the level's rows of
    /// the table.
    fn steps(
        &self,
        encoder: &SentenceEncoder,
        first: Option<&Reference>,
    ) -> Result<Vec<Vec<Step>>, Error> {
        let level = encoder.level();
        let mut largest = Largest::default();
        let mut all = Vec::new();
        for (i, text) in self.golden.stages.texts.iter().enumerate() {
            self.progress
                .note(|| format!("{level}: text {} of {}", i + 1, self.golden.stages.len()));
            text.check_ids(encoder)?;
            let steps = steps::observe(encoder, text)?;
            self.golden.check_none_is_left(text, &steps)?;
            for (j, step) in steps.iter().enumerate() {
                largest.check(level, text, step, self.golden)?;
                if let Some((other, steps)) = first {
                    let run = [&format!("on {level}"), &format!("on {other}")];
                    compare::same_bits(
                        text,
                        &step.name,
                        run.map(String::as_str),
                        [&step.values, &steps[i][j].values],
                    )?;
                }
            }
            all.push(steps);
        }
        self.print(&largest.table(level))?;
        Ok(all)
    }

    /// The embeddings of all texts of `set` in one call, `[texts, H]`.
    fn encode(&self, encoder: &SentenceEncoder, set: &Set) -> Result<Array2<f32>, Error> {
        self.progress.note(|| format!("{}: {} texts at once", encoder.level(), set.len()));
        for text in &set.texts {
            text.check_ids(encoder)?;
        }
        Ok(encoder.encode(&set.strings())?)
    }

    fn print(&self, text: &str) -> Result<(), Error> {
        self.progress.aside(|| print(text))
    }
}

/// Checks that each text's last step, which was computed for it alone, is its row of `together`.
fn same_bits_as_alone(
    encoder: &SentenceEncoder,
    set: &Set,
    steps: &[Vec<Step>],
    together: &Array2<f32>,
) -> Result<(), Error> {
    let runs = [
        &format!("alone on {}", encoder.level()),
        &format!("with other texts on {}", encoder.level()),
    ];
    for ((text, steps), together) in set.texts.iter().zip(steps).zip(together.rows()) {
        let alone = steps.last().expect("the embedding is the last step");
        compare::same_bits(
            text,
            &alone.name,
            runs.map(String::as_str),
            [&alone.values, &together.to_vec()],
        )?;
    }
    Ok(())
}

fn print(text: &str) -> Result<(), Error> {
    writeln!(io::stdout(), "{text}").map_err(Error::Stdout)
}
