//! How to train: the names and defaults of `transformers.TrainingArguments`.

use crate::{Error, Sampler, Schedule, Scores};
use serde::{Deserialize, Serialize};

/// The settings of a training run, under the names that they have in the original.
///
/// ```
/// use minilm_train::Arguments;
/// let arguments = Arguments { learning_rate: 2e-5, warmup_steps: 0.1, ..Arguments::default() };
/// assert_eq!((arguments.num_train_epochs, arguments.seed), (3.0, 42));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arguments {
    /// Passes through the data; the last one may be a part.
    pub num_train_epochs: f64,
    /// Steps instead of passes.
    pub max_steps: Option<usize>,
    /// Rows of a batch.
    pub per_device_train_batch_size: usize,
    /// Batches of a step. Negatives are those of a batch, so this gives no more of them.
    pub gradient_accumulation_steps: usize,
    /// The rate at the end of the warm-up.
    pub learning_rate: f64,
    /// λ of AdamW, for all but biases and LayerNorms.
    pub weight_decay: f64,
    /// β₁ of AdamW.
    pub adam_beta1: f64,
    /// β₂ of AdamW.
    pub adam_beta2: f64,
    /// ε of AdamW.
    pub adam_epsilon: f64,
    /// A longer gradient is shortened to this; 0 leaves it as it is.
    pub max_grad_norm: f64,
    /// The course of the rate.
    pub lr_scheduler_type: Schedule,
    /// Steps of the warm-up, or below 1 their share of all steps.
    pub warmup_steps: f64,
    /// How rows become batches.
    pub batch_sampler: Sampler,
    /// Of the batches and of dropout.
    pub seed: u64,
    /// Dropout in the place of the model's; 0 is none.
    pub dropout: Option<f32>,
    /// Whether rows that mean the same are no negatives of each other: see [`Same`](crate::Same).
    pub mask_false_negatives: bool,
    /// The weight of a second loss that keeps each embedding where the base model had it (1 − cos);
    /// 0 is none.
    pub keep: f64,
    /// Steps between evaluations; by default one after each epoch.
    pub eval_steps: Option<usize>,
    /// Steps between checkpoints.
    pub save_steps: usize,
    /// Checkpoints that are kept, besides the best.
    pub save_total_limit: usize,
    /// Evaluations without a better one after which training ends.
    pub early_stopping_patience: Option<usize>,
    /// The number that tells the best; by default the first of the first evaluation.
    pub metric_for_best_model: Option<String>,
    /// The most tokens of a text in training; by default those that the model reads.
    pub max_tokens: Option<usize>,
}

impl Default for Arguments {
    /// Those of the original, but for `save_total_limit`, which keeps all there and one here, and
    /// the masking of false negatives, which the original does not have.
    fn default() -> Arguments {
        Arguments {
            num_train_epochs: 3.0,
            max_steps: None,
            per_device_train_batch_size: 8,
            gradient_accumulation_steps: 1,
            learning_rate: 5e-5,
            weight_decay: 0.0,
            adam_beta1: 0.9,
            adam_beta2: 0.999,
            adam_epsilon: 1e-8,
            max_grad_norm: 1.0,
            lr_scheduler_type: Schedule::Linear,
            warmup_steps: 0.0,
            batch_sampler: Sampler::Batch,
            seed: 42,
            dropout: None,
            mask_false_negatives: true,
            keep: 0.0,
            eval_steps: None,
            save_steps: 500,
            save_total_limit: 1,
            early_stopping_patience: None,
            metric_for_best_model: None,
            max_tokens: None,
        }
    }
}

impl Arguments {
    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// [`Error::Option`] with the name of the one that does not.
    pub fn check(&self) -> Result<(), Error> {
        let whole = [
            ("per_device_train_batch_size", self.per_device_train_batch_size),
            ("gradient_accumulation_steps", self.gradient_accumulation_steps),
            ("save_steps", self.save_steps),
            ("save_total_limit", self.save_total_limit),
            ("eval_steps", self.eval_steps.unwrap_or(1)),
            ("early_stopping_patience", self.early_stopping_patience.unwrap_or(1)),
            ("max_steps", self.max_steps.unwrap_or(1)),
        ];
        if let Some((option, _)) = whole.iter().find(|(_, value)| *value == 0) {
            return Error::option(option, "it has to be at least 1");
        }
        let dropout = f64::from(self.dropout.unwrap_or(0.0));
        let within = |low: f64, value: f64, high: f64| (low..high).contains(&value);
        let ranges = [
            ("num_train_epochs", self.num_train_epochs > 0.0 && self.num_train_epochs.is_finite()),
            ("learning_rate", within(0.0, self.learning_rate, f64::INFINITY)),
            ("weight_decay", within(0.0, self.weight_decay, f64::INFINITY)),
            ("adam_beta1", within(0.0, self.adam_beta1, 1.0)),
            ("adam_beta2", within(0.0, self.adam_beta2, 1.0)),
            ("adam_epsilon", within(0.0, self.adam_epsilon, f64::INFINITY)),
            ("max_grad_norm", within(0.0, self.max_grad_norm, f64::INFINITY)),
            ("warmup_steps", within(0.0, self.warmup_steps, f64::INFINITY)),
            ("warmup_steps", self.warmup_steps < 1.0 || self.warmup_steps.fract() == 0.0),
            ("dropout", within(0.0, dropout, 1.0)),
            ("keep", within(0.0, self.keep, f64::INFINITY)),
        ];
        match ranges.iter().find(|(_, is_fine)| !is_fine) {
            Some((option, _)) => Error::option(option, "it is out of range"),
            None => Ok(()),
        }
    }
}

impl Arguments {
    /// The number that tells the best model, of the numbers of all evaluations.
    pub(crate) fn metric(&self, scores: &[Scores]) -> Result<f64, Error> {
        let mut all = scores.iter().flat_map(|scores| &scores.values);
        let found = match &self.metric_for_best_model {
            Some(wanted) => all.clone().find(|(name, _)| name == wanted),
            None => all.next(),
        };
        let names = || {
            let all = scores.iter().flat_map(|scores| &scores.values);
            all.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        match found {
            Some((_, value)) => Ok(*value),
            None => Error::option("metric_for_best_model", format!("the numbers are {}", names())),
        }
    }
}
