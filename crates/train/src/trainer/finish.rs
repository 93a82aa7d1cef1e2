//! The end of a run: the model's directory.

use super::{Record, Trainer};
use crate::{
    Error, Network, Scores,
    card::Card,
    checkpoint,
    evaluation::{Known, Prepared},
    model_files::{Base, digest, failed, pretty, write_file},
    network::Tensor,
};
use minilm_model::Checkpoint;
use minilm_tasks::replace::{TemporaryFolder, sync_name};
use serde_json::json;
use std::{fs, path::Path};

/// What a run has come to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Steps of the weights that were written.
    pub step: usize,
    /// The numbers of the base.
    pub before: Vec<Scores>,
    /// Those of the model that was written.
    pub after: Vec<Scores>,
    /// SHA-256 of its file of weights.
    pub digest: String,
}

impl Trainer {
    /// Writes the model with the best weights, or if nothing was evaluated with the last, and
    /// removes the checkpoints.
    ///
    /// # Errors
    /// [`Error::Write`] or [`Error::NotFinite`]; the checkpoints are then still there.
    pub fn finish(self) -> Result<Outcome, Error> {
        let output = self.setup.output.clone();
        let outcome = self.write_model()?;
        for step in checkpoint::steps(&output)? {
            checkpoint::remove(&checkpoint::folder(&output, step))?;
        }
        Ok(outcome)
    }

    /// Writes a checkpoint, and the model as [`Trainer::finish`] would write it now. The run can go
    /// on from the checkpoint.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn stop(mut self) -> Result<Outcome, Error> {
        self.checkpoint()?;
        self.write_model()
    }

    /// Whether the weights are finite, and an embedding that they give is.
    pub(super) fn sound(&self) -> Result<(), Error> {
        let embedding = self.network.embed(&self.texts.tokens([0]), None)?;
        let what = if !self.network.is_finite() {
            "a weight"
        } else if embedding.iter().any(|x| !x.is_finite()) {
            "an embedding"
        } else {
            return Ok(());
        };
        Err(Error::NotFinite { step: self.step, what })
    }

    /// A new directory appears when it is whole. In one with checkpoints, which a run can go on
    /// from, each file does.
    fn write_model(self) -> Result<Outcome, Error> {
        self.sound()?;
        let output = self.setup.output.clone();
        if !checkpoint::entries(&output)?.is_empty() {
            return self.write_model_into(&output);
        }
        if let Some(parent) = output.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        let temporary = TemporaryFolder::beside(&output).map_err(failed(&output))?;
        let outcome = self
            .write_model_into(temporary.path())
            .map_err(|error| checkpoint::renamed(error, temporary.path(), &output))?;
        let _ = fs::remove_dir(&output); // an empty one
        fs::rename(temporary.path(), &output).map_err(failed(&output))?;
        sync_name(&output);
        Ok(outcome)
    }

    fn write_model_into(self, folder: &Path) -> Result<Outcome, Error> {
        let Trainer { setup, base, mut network, texts, evaluations, log, best, step, .. } = self;
        let step = best.map_or(step, |best| best.step);
        if step != self.step {
            drop(network);
            let best = checkpoint::folder(&setup.output, step);
            network = Network::load_on(&best, setup.level)?;
        }
        if setup.average > 0.0 {
            let mean = averaged(&network, &base, setup.average)?;
            let tensors = mean.iter().map(|(name, shape, data)| Tensor { name, shape, data });
            base.write(tensors, folder)?;
            network = Network::load_on(folder, setup.level)?;
        } else {
            base.write(network.tensors(), folder)?;
        }
        let known = Known { data: &setup.data, texts: &texts };
        let (before, after) = scores(&network, &evaluations, &known, &log)?;
        let digest = digest(&base.weights_in(folder))?;
        let card = Card {
            setup: &setup,
            base: base.name(),
            digests: [&self.base_digest, &self.data_digest, &digest],
            before: &before,
            after: &after,
            step,
            dimension: network.dimension(),
            log: &log,
        };
        let training = json!({
            "version": checkpoint::VERSION,
            "base_sha256": self.base_digest,
            "data_sha256": self.data_digest,
            "weights_sha256": digest,
            "step": step,
            "loss": setup.loss,
            "arguments": setup.arguments,
            "average": setup.average,
            "before": before,
            "after": after,
            "log_history": log,
        });
        write_file(&folder.join("training.json"), pretty(&training).as_bytes())?;
        write_file(&folder.join("README.md"), card.text().as_bytes())?;
        Ok(Outcome { step, before, after, digest })
    }
}

/// The numbers of the base, from the log, and of the network.
fn scores(
    network: &Network,
    evaluations: &[Prepared],
    known: &Known,
    log: &[Record],
) -> Result<(Vec<Scores>, Vec<Scores>), Error> {
    let first = log.iter().find_map(|record| match record {
        Record::Evaluation { step: 0, scores } => Some(scores.clone()),
        _ => None,
    });
    let after = evaluations.iter().map(|evaluation| evaluation.run(network, known));
    Ok((first.unwrap_or_default(), after.collect::<Result<_, Error>>()?))
}

/// A tensor's name, shape and values.
type Averaged = (String, Vec<usize>, Vec<f32>);

/// (1 − share)·θ + share·θ₀, with θ₀ of the base.
fn averaged(network: &Network, base: &Base, share: f64) -> Result<Vec<Averaged>, Error> {
    let checkpoint = Checkpoint::open(&base.weights())?;
    let mean = |tensor: Tensor| {
        let old = checkpoint.tensor(tensor.name, tensor.shape)?;
        let mean = |(&new, &old): (&f32, &f32)| {
            ((1.0 - share) * f64::from(new) + share * f64::from(old)) as f32
        };
        let values = tensor.data.iter().zip(old.iter()).map(mean).collect();
        Ok((tensor.name.to_owned(), tensor.shape.to_vec(), values))
    };
    network.tensors().map(mean).collect()
}
