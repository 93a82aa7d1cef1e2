//! `minilm verify`: this build on this machine against PyTorch.
//!
//! ```text
//! for each level:
//!     each stage text alone:    every step within 2e-5 of PyTorch, same bits as levels before
//!     the stage texts at once:  the same bits as alone, within 5e-7 of PyTorch
//! on the CPU's fastest level:
//!     300 texts at once:        within 5e-7 of PyTorch, nearer to the exact answer than its f32
//! ```
//!
//! The first difference that is too large ends the run. Its message has the level, the text, the
//! tensor, the element and both values.

mod compare;
mod finals;
mod golden;
mod steps;

use crate::{error::Error, locate, model, options::Common, progress::Progress, progress::Size};
use clap::Args;
use golden::{Golden, Set, Step};
use minilm::{Level, SentenceEncoder, ndarray::Array2};
use std::{
    io::{self, Write},
    path::PathBuf,
};
use steps::Largest;

/// Check this build on this machine against PyTorch
///
/// Runs the texts of tests/golden through the model with each instruction set of this CPU, or only
/// with --level, and compares every step with PyTorch's tensor. Stops with status 1 at the first
/// difference that is too large.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The directory of PyTorch's tensors [default: tests/golden, here or further up]
    #[arg(long, value_name = "DIR")]
    pub golden: Option<PathBuf>,
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
    run.print(&format!(
        "Every step of {} texts: the largest differences from PyTorch\n\n{}",
        golden.stages.len(),
        steps::HEAD
    ))?;
    let mut finals = Vec::new();
    let mut first = None;
    let mut checked = golden.stages.len();
    for &level in &levels {
        run.progress.note(|| format!("{level}: loading"));
        let encoder = model::builder(common).level(level).load(&model)?;
        let steps = run.steps(&encoder, first.as_ref())?;
        let together = run.encode(&encoder, &golden.stages)?;
        same_bits_as_alone(&encoder, &golden.stages, &steps, &together)?;
        first.get_or_insert((level, steps));
        finals.push(finals::check(level, &golden.stages, &together)?);
        if level == Level::detect() {
            checked += golden.texts.len();
            let embeddings = run.encode(&encoder, &golden.texts)?;
            finals.push(finals::check(level, &golden.texts, &embeddings)?);
        }
    }
    run.print(&format!(
        "\nEmbeddings: differences from PyTorch, and from the exact answer\n\n{}",
        finals::HEAD
    ))?;
    run.print(&finals.join("\n"))?;
    run.print(&format!("\ntoken ids equal: yes, of {checked} texts"))?;
    run.print("same bits alone and with other texts: yes")?;
    run.print(&format!("same bits on every level: yes, on {}", names.join(", ")))
}

/// The steps of every stage text, as the first level computed them.
type Reference = (Level, Vec<Vec<Step>>);

struct Run<'a> {
    golden: &'a Golden,
    progress: Progress,
}

impl Run<'_> {
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
