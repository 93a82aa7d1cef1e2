//! What a run is set up with, and whether its parts fit each other.
//!
//! In the book: `docs/14-training.md`.

use crate::{Arguments, Dataset, Error, Evaluation, Loss, evaluation::Prepared, texts::Texts};
use minilm::{Level, SentenceEncoder};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// Everything that a run needs.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The directory of the model to begin with.
    pub base: PathBuf,
    /// The directory of the model that is to be: new, or empty.
    pub output: PathBuf,
    /// The data to learn from.
    pub data: Dataset,
    /// The loss.
    pub loss: Loss,
    /// For [`Loss::Distillation`], a vector for each of the data's texts: `[texts, H]`.
    pub vectors: Option<Array2<f32>>,
    /// The settings.
    pub arguments: Arguments,
    /// What the model is evaluated on; the first tells the best.
    pub evaluations: Vec<Evaluation>,
    /// The instruction set to compute with; the bits do not depend on it.
    pub level: Level,
    /// Tokens of a batch whose tape is kept, in the place of the default of
    /// [`Network::keep`](crate::Network::keep): more is faster, and no bit depends on it.
    pub kept_tokens: Option<usize>,
    /// The share of the base's weights in the result: 0 is none, ½ the mean of both.
    pub average: f64,
    /// What the caller wants to find again in a checkpoint, for
    /// [`Trainer::origin`](super::Trainer::origin).
    pub origin: serde_json::Value,
}

impl Setup {
    /// The loss that suits the data, the original's settings, and no evaluation.
    ///
    /// ```
    /// use minilm_train::{Dataset, Kind, Setup};
    /// let data = Dataset::new(Kind::ScoredPairs, 2);
    /// let setup = Setup::new("weights/all-MiniLM-L6-v2", data, "my-model");
    /// assert_eq!(setup.loss.name(), "CoSENTLoss");
    /// ```
    pub fn new(base: impl AsRef<Path>, data: Dataset, output: impl AsRef<Path>) -> Setup {
        Setup {
            base: base.as_ref().to_owned(),
            output: output.as_ref().to_owned(),
            loss: data.kind().loss(),
            data,
            vectors: None,
            arguments: Arguments::default(),
            evaluations: Vec::new(),
            level: Level::detect(),
            kept_tokens: None,
            average: 0.0,
            origin: serde_json::Value::Null,
        }
    }
}

/// Whether the loss fits the data's numbers.
pub(super) fn check_loss(setup: &Setup, width: usize) -> Result<(), Error> {
    if let Loss::Matryoshka { dimensions, .. } = &setup.loss
        && let Some((k, _)) = dimensions.iter().find(|(k, _)| !(1..=width).contains(k))
    {
        return Error::option("matryoshka", format!("the embeddings have {width} values, not {k}"));
    }
    let needed = [setup.data.texts().len(), width];
    match (&setup.vectors, setup.loss.inner()) {
        (Some(vectors), Loss::Distillation { .. }) if vectors.shape() == needed => {}
        (None, loss) if !matches!(loss, Loss::Distillation { .. }) => {}
        (vectors, loss) => {
            let found = vectors
                .as_ref()
                .map_or_else(|| "none".to_owned(), |it| format!("{:?}", it.shape()));
            let reason = format!(
                "{} with vectors {found}, where {needed:?} are texts and values",
                loss.name()
            );
            return Error::option("loss", reason);
        }
    }
    let scores = || setup.data.rows().iter().map(|row| row.score);
    if *setup.loss.inner() == Loss::CosineSimilarity
        && let Some(score) = scores().find(|score| !(-1.0..=1.0).contains(score))
    {
        return Error::option(
            "loss",
            format!(
                "a cosine is never {score}: divide the scores by the largest, or take CoSENT, for \
                 which their order counts"
            ),
        );
    }
    if !(0.0..=1.0).contains(&setup.average) {
        return Error::option("average", "it is a share from 0 to 1");
    }
    if let Loss::MultipleNegativesRanking { .. } = setup.loss.inner()
        && setup.data.columns() == 2
        && setup.arguments.per_device_train_batch_size == 1
    {
        let reason = "an anchor's negatives are the other rows of its batch: there have to be two";
        return Error::option("per_device_train_batch_size", reason);
    }
    check_negatives(setup)
}

/// Whether some row is a wrong answer for another one, where such rows are all the negatives.
fn check_negatives(setup: &Setup) -> Result<(), Error> {
    let is_ranking = matches!(setup.loss.inner(), Loss::MultipleNegativesRanking { .. });
    if !is_ranking || setup.data.columns() > 2 || !setup.arguments.mask_false_negatives {
        return Ok(());
    }
    let rows = setup.data.rows();
    let Some(first) = rows.first() else { return Ok(()) };
    let label = first.label.filter(|_| rows.iter().all(|row| row.label == first.label));
    let is_common = |text: &&u32| rows.iter().all(|row| row.texts.contains(text));
    let common = match (label, first.texts.iter().find(is_common)) {
        (Some(label), _) => format!("label {:?}", setup.data.labels()[label as usize]),
        (None, Some(&text)) => format!("text {:?}", setup.data.texts()[text as usize]),
        (None, None) => return Ok(()),
    };
    Err(Error::Data(format!(
        "every row has the {common}: no row is a wrong answer for another, unless equal labels and \
         texts are not masked (mask_false_negatives, --no-mask)"
    )))
}

/// Whether there are evaluations if the settings speak of them.
pub(super) fn check_evaluations(setup: &Setup) -> Result<(), Error> {
    let arguments = &setup.arguments;
    let options = [
        ("eval_steps", arguments.eval_steps.is_some()),
        ("metric_for_best_model", arguments.metric_for_best_model.is_some()),
        ("early_stopping_patience", arguments.early_stopping_patience.is_some()),
    ];
    match options.iter().find(|(_, is_given)| setup.evaluations.is_empty() && *is_given) {
        Some((option, _)) => Error::option(option, "there is nothing to evaluate on"),
        None => Ok(()),
    }
}

/// The texts of the data and of the evaluations, by a tokenizer that is not needed any more.
pub(super) fn tokenized(setup: &Setup) -> Result<(Texts, Vec<Prepared>), Error> {
    let encoder = SentenceEncoder::load(&setup.base)?;
    let training = match setup.arguments.max_tokens {
        Some(tokens) => SentenceEncoder::builder().max_tokens(tokens).load(&setup.base)?,
        None => encoder.clone(),
    };
    let texts = Texts::new(&training, &setup.data)?;
    let evaluations = setup.evaluations.iter().map(|evaluation| {
        let named = |error| match error {
            Error::Data(reason) => Error::Data(format!("{}: {reason}", evaluation.name)),
            other => other,
        };
        evaluation.data.check(1).map_err(named)?;
        let texts = Texts::new(&encoder, &evaluation.data)?;
        Ok(Prepared::new(evaluation.clone(), texts))
    });
    Ok((texts, evaluations.collect::<Result<_, Error>>()?))
}
