//! The options of training. Those of the original are also known by their names there.

use super::Columns;
use crate::{error::Error, options::at_least_one};
use clap::{Args, ValueEnum};
use minilm_train::{
    Arguments, Distance, Loss, Sampler, Schedule, TRIPLET_MARGIN, Target, classifier,
};
use std::{num::NonZeroUsize, path::PathBuf};

/// What files of rows may be, for help.
const TABLES: &str = if cfg!(feature = "parquet") {
    "A *.csv or *.tsv file with a header, or *.jsonl, *.json or *.parquet"
} else {
    "A *.csv or *.tsv file with a header, or *.jsonl or *.json"
};

/// Train the model on your own texts
///
/// The columns of FILE tell what is learned: anchor and positive (and negative), sentence1,
/// sentence2 and a score or a label, or text and label. The result is a directory that this
/// program and sentence-transformers load. The same command gives the same bits again.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Train {
    #[arg(value_name = "FILE", help = TABLES)]
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    pub file: Option<PathBuf>,

    /// The directory of the new model
    #[arg(long, short, value_name = "DIR", required_unless_present = "resume")]
    #[arg(conflicts_with = "resume")]
    pub output: Option<PathBuf>,

    /// Go on with the run that stopped in DIR, with the options that it began with
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,

    /// Say what would be done, how long it takes and how much memory, and stop
    #[arg(long)]
    pub check: bool,

    /// The loss [default: mnrl for pairs, triplets and labelled texts, cosent for scored pairs,
    /// contrastive for labelled pairs]
    #[arg(long, value_name = "LOSS", value_enum)]
    pub loss: Option<Name>,

    /// The factor of the cosines in mnrl and cosent
    #[arg(long, value_name = "N", default_value_t = 20.0)]
    pub scale: f64,

    /// The margin of contrastive (0.5) and triplet (0.2 of the distance 1 − cos)
    #[arg(long, value_name = "N")]
    pub margin: Option<f64>,

    /// mnrl: each positive has to find its anchor too, as all-MiniLM-L6-v2 was trained
    #[arg(long)]
    pub symmetric: bool,

    /// Apply the loss to the first N values of the embeddings too, for each N
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    pub matryoshka: Vec<usize>,

    /// mnrl: take rows with equal texts or labels for negatives of each other, as
    /// sentence-transformers does
    #[arg(long)]
    pub no_mask: bool,

    /// distill: the directory of the model whose embeddings are learned; the default loss then
    #[arg(long, value_name = "MODEL")]
    pub teacher: Option<PathBuf>,

    /// How rows become batches
    #[arg(long, value_name = "HOW", value_enum, default_value = "batch", alias = "batch-sampler")]
    pub sampler: SamplerName,

    /// Rows of a batch
    #[arg(long, value_name = "N", default_value = "64", value_parser = at_least_one)]
    #[arg(alias = "per-device-train-batch-size")]
    pub batch: NonZeroUsize,

    /// Passes through the data
    #[arg(long, value_name = "N", default_value_t = 3.0, alias = "num-train-epochs")]
    pub epochs: f64,

    /// Stop after N steps, whatever the epochs
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_steps: Option<NonZeroUsize>,

    /// Batches of a step
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_least_one)]
    #[arg(alias = "gradient-accumulation-steps")]
    pub accumulate: NonZeroUsize,

    /// The learning rate after the warm-up
    #[arg(long, value_name = "RATE", default_value_t = 2e-5)]
    pub learning_rate: f64,

    /// The course of the learning rate
    #[arg(long, value_name = "HOW", value_enum, default_value = "linear")]
    #[arg(alias = "lr-scheduler-type")]
    pub schedule: ScheduleName,

    /// Steps of the warm-up, or below 1 their share of all steps
    #[arg(long, value_name = "N", default_value_t = 0.1, alias = "warmup-steps")]
    pub warmup: f64,

    /// Weight decay of AdamW
    #[arg(long, value_name = "N", default_value_t = 0.0)]
    pub weight_decay: f64,

    /// ε of AdamW
    #[arg(long, value_name = "N", default_value_t = 1e-8, alias = "adam-epsilon")]
    pub epsilon: f64,

    /// The length to which a longer gradient is shortened; 0 leaves it
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub max_grad_norm: f64,

    /// The dropout in the place of the model's; 0 is none
    #[arg(long, value_name = "P")]
    pub dropout: Option<f32>,

    /// The seed of batches and dropout
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,

    /// Read at most N tokens of a text while training
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_tokens: Option<NonZeroUsize>,

    /// Keep the forward pass of N tokens of a batch for the backward pass, which computes that of
    /// the others again: 92 kB each for all-MiniLM-L6-v2, and no bit depends on it [default: 2048]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub kept_tokens: Option<NonZeroUsize>,

    /// Keep embeddings near to the base's, with this weight: against forgetting
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0)]
    pub keep: f64,

    /// Average the result with the base, which counts SHARE: against forgetting
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub average: f64,

    /// Evaluate on this file before, during and after training; the first one tells the best
    #[arg(long, value_name = "FILE")]
    pub eval: Vec<PathBuf>,

    /// Steps between evaluations [default: those of an epoch]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub eval_steps: Option<NonZeroUsize>,

    /// The number that tells the best [default: the first of the first evaluation]
    #[arg(long, value_name = "NAME", alias = "metric-for-best-model")]
    pub metric: Option<String>,

    /// Stop after N evaluations without a better one
    #[arg(long, value_name = "N", value_parser = at_least_one, alias = "early-stopping-patience")]
    pub patience: Option<NonZeroUsize>,

    /// Steps between checkpoints
    #[arg(long, value_name = "N", default_value = "500", value_parser = at_least_one)]
    pub save_steps: NonZeroUsize,

    /// Checkpoints to keep, besides the best
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_least_one)]
    pub save_total_limit: NonZeroUsize,

    /// Write a page with curves, histograms and the pairs that changed most
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Print a JSON object for each step and evaluation
    #[arg(long)]
    pub json: bool,

    /// Fit a classifier to labelled texts, and leave the model as it is: for `minilm classify`
    #[arg(long)]
    pub head: bool,

    /// --head: the strength of the data against the regularisation
    #[arg(long, value_name = "C", default_value_t = classifier::C, requires = "head")]
    pub regularization: f64,

    #[command(flatten)]
    pub columns: Columns,
}

const EXAMPLES: &str = "\
Examples:
  minilm train pairs.csv -o my-model --check
  minilm train pairs.csv -o my-model --eval test.csv --report report.html
  minilm train scored.tsv -o my-model --epochs 1 --batch 32
  minilm train --resume my-model
  minilm train intents.csv -o my-classifier --head";

/// A loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Multiple negatives ranking: each anchor finds its positive among all of the batch
    Mnrl,
    /// The order of the cosines is that of the scores
    Cosent,
    /// The cosine is the score
    Cosine,
    /// Alike pairs are pulled together, others apart
    Contrastive,
    /// The positive is nearer than the negative
    Triplet,
    /// The embeddings are those of --teacher, up to their length
    Distill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SamplerName {
    /// In random order
    Batch,
    /// In random order, and no text twice in a batch
    NoDuplicates,
    /// Two rows of each label in turn
    GroupByLabel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScheduleName {
    Linear,
    Constant,
    Cosine,
}

impl Train {
    /// The loss that was asked for, or the usual one with the numbers that were asked for.
    pub(super) fn loss(&self, usual: &Loss) -> Result<Loss, Error> {
        let name = self.loss.unwrap_or(match usual {
            _ if self.teacher.is_some() => Name::Distill,
            Loss::CoSent { .. } => Name::Cosent,
            Loss::Contrastive { .. } => Name::Contrastive,
            _ => Name::Mnrl,
        });
        if name == Name::Distill && self.teacher.is_none() {
            return Err(Error::Usage(
                "--loss distill: --teacher names the model to learn".to_owned(),
            ));
        }
        let unused = [
            ("teacher", self.teacher.is_some() && name != Name::Distill),
            ("symmetric", self.symmetric && name != Name::Mnrl),
            ("no-mask", self.no_mask && name != Name::Mnrl),
            ("margin", self.margin.is_some() && !matches!(name, Name::Contrastive | Name::Triplet)),
            ("scale", self.scale != 20.0 && !matches!(name, Name::Mnrl | Name::Cosent)),
        ];
        if let Some((option, _)) = unused.iter().find(|(_, is_unused)| *is_unused) {
            let loss = name.to_possible_value();
            let loss = loss.as_ref().map_or("", |loss| loss.get_name());
            return Err(Error::Usage(format!("--{option}: the loss {loss} has no use for it")));
        }
        if !(self.scale > 0.0 && self.scale.is_finite()) {
            return Err(Error::Usage("--scale: it has to be positive".to_owned()));
        }
        let margin = |usual: f64| self.margin.unwrap_or(usual);
        let loss = match name {
            Name::Mnrl => {
                Loss::MultipleNegativesRanking { scale: self.scale, symmetric: self.symmetric }
            }
            Name::Cosent => Loss::CoSent { scale: self.scale },
            Name::Cosine => Loss::CosineSimilarity,
            Name::Distill => Loss::Distillation { distance: Target::Cosine },
            Name::Contrastive => Loss::Contrastive { margin: margin(0.5) },
            Name::Triplet => {
                Loss::Triplet { margin: margin(TRIPLET_MARGIN), distance: Distance::Cosine }
            }
        };
        if self.matryoshka.is_empty() {
            return Ok(loss);
        }
        let dimensions = self.matryoshka.iter().map(|&k| (k, 1.0)).collect();
        Ok(Loss::Matryoshka { loss: Box::new(loss), dimensions })
    }

    pub(super) fn arguments(&self) -> Arguments {
        Arguments {
            num_train_epochs: self.epochs,
            max_steps: self.max_steps.map(NonZeroUsize::get),
            per_device_train_batch_size: self.batch.get(),
            gradient_accumulation_steps: self.accumulate.get(),
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            adam_epsilon: self.epsilon,
            max_grad_norm: self.max_grad_norm,
            lr_scheduler_type: match self.schedule {
                ScheduleName::Linear => Schedule::Linear,
                ScheduleName::Constant => Schedule::Constant,
                ScheduleName::Cosine => Schedule::Cosine,
            },
            warmup_steps: self.warmup,
            batch_sampler: match self.sampler {
                SamplerName::Batch => Sampler::Batch,
                SamplerName::NoDuplicates => Sampler::NoDuplicates,
                SamplerName::GroupByLabel => Sampler::GroupByLabel,
            },
            seed: self.seed,
            dropout: self.dropout,
            mask_false_negatives: !self.no_mask,
            keep: self.keep,
            eval_steps: self.eval_steps.map(NonZeroUsize::get),
            save_steps: self.save_steps.get(),
            save_total_limit: self.save_total_limit.get(),
            early_stopping_patience: self.patience.map(NonZeroUsize::get),
            metric_for_best_model: self.metric.clone(),
            max_tokens: self.max_tokens.map(NonZeroUsize::get),
            ..Arguments::default()
        }
    }
}
