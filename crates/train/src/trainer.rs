//! Training, as an iterator of what happens.
//!
//! ```text
//! step 0      evaluation of the base
//! each step   batches → tokens → embeddings → loss, gradient → … → AdamW
//! after some  evaluation; checkpoint
//! finish      the best weights, or the last; averaged with the base; the model's directory
//! ```
//!
//! In the book: `docs/14-training.md`.

mod events;
mod finish;
mod setup;
mod step;
mod tasks;

pub use events::{Event, Record, Step};
pub use finish::Outcome;
pub use setup::Setup;

use crate::{
    Error, Finding, Network,
    checkpoint::{self, Best, TrainerState, VERSION},
    evaluation::Prepared,
    model_files::Base,
    plan::{Epoch, Plan},
    texts::Texts,
};
use ndarray::Array2;
use setup::{check_evaluations, check_loss, tokenized};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};
use tasks::Task;

/// A run of training. Iterating it trains; [`Trainer::finish`] writes the model.
///
/// ```no_run
/// use minilm_train::{Arguments, Dataset, Event, Kind, Setup, Trainer};
/// let mut data = Dataset::new(Kind::Pairs, 2);
/// data.push("row 1", &["How do I pay?", "Paying with a card"], None)?;
/// data.push("row 2", &["Where is my parcel?", "Tracking a delivery"], None)?;
/// let mut setup = Setup::new("weights/all-MiniLM-L6-v2", data, "my-model");
/// setup.arguments = Arguments { learning_rate: 2e-5, ..Arguments::default() };
/// let mut trainer = Trainer::new(setup)?;
/// for event in &mut trainer {
///     if let Event::Step(step) = event? {
///         println!("{}: {}", step.step, step.loss);
///     }
/// }
/// trainer.finish()?; // my-model is a directory that SentenceEncoder::load and Python read
/// # Ok::<(), minilm_train::Error>(())
/// ```
pub struct Trainer {
    setup: Setup,
    base: Base,
    base_digest: String,
    data_digest: String,
    network: Network,
    texts: Texts,
    evaluations: Vec<Prepared>,
    /// The base's embedding of each text, for [`Arguments::keep`].
    kept: Option<Array2<f32>>,
    /// Dropout after linear layers, and of attention's shares.
    dropout: (f32, f32),
    plan: Plan,
    warmup: usize,
    epoch: Option<Epoch>,
    step: usize,
    tasks: VecDeque<Task>,
    log: Vec<Record>,
    best: Option<Best>,
    worse: usize,
    /// Negatives that were left out, and all.
    masked: (u64, u64),
    findings: Vec<Finding>,
}

impl Trainer {
    /// Begins a run.
    ///
    /// # Errors
    /// Data that nothing can be learned from, settings that do not fit, a model that cannot be
    /// trained, an output directory that is not empty.
    pub fn new(setup: Setup) -> Result<Trainer, Error> {
        checkpoint::clean(&setup.output);
        let is_used = !checkpoint::entries(&setup.output)?.is_empty();
        if let Some(step) = checkpoint::steps(&setup.output)?.last() {
            let reason = format!(
                "a run stopped here after step {step}: resume it, or choose another directory"
            );
            return Err(Error::Checkpoint { path: setup.output, reason });
        }
        if is_used {
            let reason = "the directory is not empty: choose another one".to_owned();
            return Err(Error::Checkpoint { path: setup.output, reason });
        }
        let (base, level) = (setup.base.clone(), setup.level);
        let mut trainer = Trainer::prepare(setup, || Ok(Network::load_on(&base, level)?))?;
        trainer.tasks.extend((!trainer.evaluations.is_empty()).then_some(Task::Evaluate));
        trainer.tasks.push_back(Task::Step);
        Ok(trainer)
    }

    /// Goes on from the last checkpoint in the output directory, with the same bits as if the run
    /// had never stopped.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if there is none, or if it is of other data, another base, other
    /// settings or another version.
    pub fn resume(setup: Setup) -> Result<Trainer, Error> {
        checkpoint::clean(&setup.output);
        let path = last(&setup.output)?;
        let state = checkpoint::read_state(&path)?;
        let level = setup.level;
        let load = || checkpoint::load(&path, level, state.global_step);
        let mut trainer = Trainer::prepare(setup, load)?;
        let wrong = |reason: &str| {
            let reason = format!("it is of {reason}: go on with what the run began with");
            Err(Error::Checkpoint { path: path.clone(), reason })
        };
        if state.data != trainer.data_digest {
            return wrong("other data");
        }
        if state.base != trainer.base_digest {
            return wrong("another base model");
        }
        if state.loss != trainer.setup.loss || state.arguments != trainer.setup.arguments {
            return wrong("other settings");
        }
        (trainer.step, trainer.best, trainer.worse) = (state.global_step, state.best, state.worse);
        trainer.log = state.log_history;
        trainer.after_step_tasks(true);
        Ok(trainer)
    }

    /// What the caller of the run whose checkpoints are in `output` gave as [`Setup::origin`].
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if there is no checkpoint, or one of another version.
    pub fn origin(output: &Path) -> Result<serde_json::Value, Error> {
        Ok(checkpoint::read_state(&last(output)?)?.origin)
    }

    /// Everything but the place in the run. The tokenizer's encoder is gone before `load` is
    /// called: the weights are in memory once.
    fn prepare(
        setup: Setup,
        load: impl FnOnce() -> Result<Network, Error>,
    ) -> Result<Trainer, Error> {
        setup.arguments.check()?;
        check_evaluations(&setup)?;
        setup.data.kind().check(&setup.loss)?;
        let mut findings = setup.data.check(setup.arguments.per_device_train_batch_size)?;
        let base = Base::open(&setup.base)?;
        let (texts, evaluations) = tokenized(&setup)?;
        if texts.truncated > 0 {
            let limit = texts.lengths().max().unwrap_or(0);
            findings.push(Finding::Truncated { texts: texts.truncated, limit });
        }
        let mut network = load()?;
        if let Some(tokens) = setup.kept_tokens {
            network.keep(tokens);
        }
        check_loss(&setup, network.dimension())?;
        let kept = if setup.arguments.keep > 0.0 {
            Some(texts.embed(&Network::load_on(&setup.base, setup.level)?)?)
        } else {
            None
        };
        let dropout = match setup.arguments.dropout {
            Some(rate) => (rate, rate),
            None => base.dropout()?,
        };
        let plan = Plan::new(&setup.data, &setup.arguments);
        let warmup = crate::Schedule::warmup(setup.arguments.warmup_steps, plan.steps);
        Ok(Trainer {
            base_digest: base.digest()?,
            data_digest: setup.data.digest(setup.vectors.as_ref()),
            base,
            network,
            texts,
            evaluations,
            kept,
            dropout,
            plan,
            warmup,
            epoch: None,
            step: 0,
            tasks: VecDeque::new(),
            log: Vec::new(),
            best: None,
            worse: 0,
            masked: (0, 0),
            findings,
            setup,
        })
    }

    /// What is unusual about the data.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Steps of the whole run.
    pub fn steps(&self) -> usize {
        self.plan.steps
    }

    /// Steps so far.
    pub fn step(&self) -> usize {
        self.step
    }

    /// The log of steps and evaluations.
    pub fn log(&self) -> &[Record] {
        &self.log
    }

    /// The best evaluation so far.
    pub fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// Negatives that were left out because they are none, and all, in the batches so far.
    pub fn masked(&self) -> (u64, u64) {
        self.masked
    }

    /// The tokens of an epoch's rows, about: those of the first epoch.
    pub fn tokens_of_epoch(&self) -> usize {
        let lengths: Vec<usize> = self.texts.lengths().collect();
        let rows = self.setup.data.epoch(self.setup.arguments.seed, 0);
        rows.iter().flat_map(|row| &row.texts).map(|&text| lengths[text as usize]).sum()
    }

    /// Writes a checkpoint now.
    ///
    /// # Errors
    /// [`Error::Write`], or [`Error::NotFinite`] for weights that are worth nothing: the checkpoint
    /// before stays.
    pub fn checkpoint(&mut self) -> Result<PathBuf, Error> {
        self.sound()?;
        let path = checkpoint::write(&self.setup.output, &self.base, &self.network, &self.state())?;
        let best = self.best.as_ref().map(|best| best.step);
        checkpoint::prune(&self.setup.output, self.setup.arguments.save_total_limit, best);
        Ok(path)
    }

    fn state(&self) -> TrainerState {
        TrainerState {
            version: VERSION.to_owned(),
            global_step: self.step,
            arguments: self.setup.arguments.clone(),
            loss: self.setup.loss.clone(),
            data: self.data_digest.clone(),
            base: self.base_digest.clone(),
            best: self.best.clone(),
            worse: self.worse,
            log_history: self.log.clone(),
            origin: self.setup.origin.clone(),
        }
    }
}

/// The folder of the last checkpoint.
fn last(output: &Path) -> Result<PathBuf, Error> {
    match checkpoint::steps(output)?.last() {
        Some(&step) => Ok(checkpoint::folder(output, step)),
        None => Err(Error::Checkpoint {
            path: output.to_owned(),
            reason: "there is no checkpoint-N to go on from".to_owned(),
        }),
    }
}
