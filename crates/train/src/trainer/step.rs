//! A step: batches to a gradient, and the gradient to the weights.

use super::{Record, Step, Trainer};
use crate::{AdamW, Dropout, Error, Examples, Loss, Row, Same, Target, Value, plan::Epoch};
use ndarray::{Array2, Axis};
use std::time::Instant;

impl Trainer {
    /// Runs the next step.
    pub(super) fn train(&mut self) -> Result<Step, Error> {
        let start = Instant::now();
        let (number, place) = self.plan.place(self.step);
        if self.epoch.as_ref().is_none_or(|epoch| epoch.number != number) {
            self.epoch = Some(Epoch::new(&self.setup.data, &self.setup.arguments, number));
        }
        let arguments = self.setup.arguments.clone();
        let per_step = arguments.gradient_accumulation_steps;
        let epoch = self.epoch.take().expect("set above");
        let batches: Vec<&Vec<usize>> =
            epoch.batches.iter().skip(place * per_step).take(per_step).collect();
        let (mut loss, mut tokens) = (0.0, 0);
        for (i, batch) in batches.iter().enumerate() {
            let rows: Vec<&Row> = batch.iter().map(|&row| &epoch.rows[row]).collect();
            let dropout = self.dropout((self.step * per_step + i) as u64);
            let found = self.batch(&rows, dropout.as_ref(), 1.0 / batches.len() as f64)?;
            loss += found.0 / batches.len() as f64;
            tokens += found.1;
        }
        self.epoch = Some(epoch);
        let factor = arguments.lr_scheduler_type.factor(self.step, self.warmup, self.plan.steps);
        let learning_rate = arguments.learning_rate * factor;
        let rule = AdamW {
            betas: (arguments.adam_beta1, arguments.adam_beta2),
            epsilon: arguments.adam_epsilon,
            weight_decay: arguments.weight_decay,
        };
        let clip = (arguments.max_grad_norm > 0.0).then_some(arguments.max_grad_norm);
        let grad_norm = self.network.update(&rule, learning_rate, clip);
        if !grad_norm.is_finite() {
            return Err(Error::NotFinite { step: self.step + 1, what: "the gradient" });
        }
        self.step += 1;
        let epoch = self.plan.epochs(self.step);
        let seconds = start.elapsed().as_secs_f64();
        let step = Step { step: self.step, epoch, loss, grad_norm, learning_rate, tokens, seconds };
        self.log.push(Record::Step(step.clone()));
        Ok(step)
    }

    /// Adds the gradient of a batch's loss, times `share`; returns the loss and the tokens.
    fn batch(
        &mut self,
        rows: &[&Row],
        dropout: Option<&Dropout>,
        share: f64,
    ) -> Result<(f64, usize), Error> {
        let columns = self.setup.data.columns();
        let texts: Vec<u32> =
            (0..columns).flat_map(|column| rows.iter().map(move |row| row.texts[column])).collect();
        let tokens = self.texts.tokens(texts.iter().copied());
        let embeddings = self.network.forward(&tokens, dropout)?.mapv(f64::from);
        let Value { loss, gradient } = self.value(rows, &texts, embeddings);
        let is_finite = loss.is_finite() && gradient.iter().all(|g| g.is_finite());
        if !is_finite {
            return Err(Error::NotFinite { step: self.step + 1, what: "the loss" });
        }
        self.network.backward(&tokens, (gradient * share).view(), dropout)?;
        Ok((loss, tokens.len()))
    }

    /// The loss of a batch, with that which keeps embeddings where they were.
    fn value(&mut self, rows: &[&Row], texts: &[u32], embeddings: Array2<f64>) -> Value {
        let columns = self.setup.data.columns();
        let scores: Vec<f64> = rows.iter().map(|row| row.score).collect();
        let is_ranking = matches!(self.setup.loss.inner(), Loss::MultipleNegativesRanking { .. });
        let same = (is_ranking && self.setup.arguments.mask_false_negatives).then(|| {
            let columns = texts.chunks(rows.len()).map(<[u32]>::to_vec).collect();
            Same::new(columns, rows.iter().map(|row| row.label).collect())
        });
        if let Some((out, all)) = same.as_ref().map(Same::left_out) {
            self.masked.0 += out as u64;
            self.masked.1 += all as u64;
        }
        let places: Vec<usize> = texts.iter().map(|&text| text as usize).collect();
        let of_texts = |all: &Array2<f32>| all.select(Axis(0), &places).mapv(f64::from);
        let vectors = self.setup.vectors.as_ref().map(of_texts);
        let vectors = vectors.as_ref().map(|vectors| vectors.view());
        let examples = Examples { columns, scores: &scores, same: same.as_ref(), vectors };
        let Some(kept) = &self.kept else { return self.setup.loss.value(embeddings, &examples) };
        let mut value = self.setup.loss.value(embeddings.view(), &examples);
        let vectors = of_texts(kept);
        let examples = Examples { vectors: Some(vectors.view()), ..Examples::of(columns) };
        let near = Loss::Distillation { distance: Target::Cosine };
        let near = near.value(embeddings, &examples);
        value.loss += self.setup.arguments.keep * near.loss;
        value.gradient.scaled_add(self.setup.arguments.keep, &near.gradient);
        value
    }

    /// The dropout of a batch, by its number.
    fn dropout(&self, batch: u64) -> Option<Dropout> {
        let (hidden, attention) = self.dropout;
        let seed = self.setup.arguments.seed;
        (hidden > 0.0 || attention > 0.0).then_some(Dropout {
            hidden,
            attention,
            seed,
            step: batch,
        })
    }
}
