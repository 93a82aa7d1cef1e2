//! minilm's training: the steps that [`minilm_train::Trainer`] makes, one by one.

use super::{Engine, Failure, PROBES};
use crate::{
    args::Worker,
    sets::{Kind, Set},
};
use minilm::SentenceEncoder;
use minilm_train::{AdamW, Examples, Loss, Network, Tokens};
use std::{borrow::Cow, path::PathBuf};

const RATE: f64 = 2e-5;

/// The length to which a longer gradient is shortened.
const CLIP: f64 = 1.0;

/// Tokens whose forward pass is kept: all of a step, as PyTorch does.
const KEPT: usize = 32768;

pub struct Trainer {
    network: Network,
    model: PathBuf,
    /// For its tokenizer, once there are texts.
    encoder: Option<SentenceEncoder>,
}

impl Trainer {
    pub fn load(worker: &Worker) -> Result<Trainer, Failure> {
        let model = worker.model.clone();
        let mut network = Network::load(&model)?;
        network.keep(KEPT);
        Ok(Trainer { network, model, encoder: None })
    }

    /// The ids of some texts of a set: those that it has, or made of the texts.
    fn ids<'a>(&mut self, set: &'a Set, count: usize) -> Result<Cow<'a, [Vec<u32>]>, Failure> {
        if set.kind == Kind::Step {
            return Ok(Cow::Borrowed(&set.ids[..count]));
        }
        if self.encoder.is_none() {
            self.encoder = Some(SentenceEncoder::builder().threads(1).load(&self.model)?);
        }
        let encoder = self.encoder.as_ref().ok_or("it has been loaded")?;
        let ids = set.texts[..count].iter().map(|text| Ok(encoder.tokenize(text)?.ids));
        Ok(Cow::Owned(ids.collect::<Result<_, Failure>>()?))
    }

    /// The embeddings before the step.
    fn step(&mut self, batch: &Tokens) -> Result<Vec<f32>, Failure> {
        let embeddings = self.network.forward(batch, None)?;
        let found = Loss::default().value(embeddings.mapv(f64::from).view(), &Examples::of(2));
        self.network.backward(batch, found.gradient.view(), None)?;
        self.network.update(&AdamW::default(), RATE, Some(CLIP));
        Ok(embeddings.into_raw_vec_and_offset().0)
    }
}

impl Engine for Trainer {
    fn run(&mut self, set: &Set) -> Result<Vec<f32>, Failure> {
        let pairs = set.texts.len() / 2;
        let size = set.lesson.ok_or("it is no lesson")?.batch;
        let ids = self.ids(set, 2 * pairs)?;
        let (anchors, positives) = ids.split_at(pairs);
        let mut last = Vec::new();
        for (anchors, positives) in anchors.chunks(size).zip(positives.chunks(size)) {
            last = self.step(&anchors.iter().chain(positives).collect())?;
        }
        Ok(last)
    }

    fn answer(&mut self, set: &Set) -> Result<Vec<f32>, Failure> {
        self.run(set)?;
        let probes: Tokens = self.ids(set, set.texts.len().min(PROBES))?.iter().collect();
        Ok(self.network.embed(&probes, None)?.into_raw_vec_and_offset().0)
    }
}
