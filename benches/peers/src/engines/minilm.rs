//! minilm: texts and searches through its public API; token ids, with one thread, through its
//! model.

use super::{Engine, Failure, search::Corpus};
use crate::{
    args::Worker,
    sets::{Kind, Lookup, Set},
    vectors::DIMENSION,
};
use minilm::{
    Level, Precision, SentenceEncoder,
    kernels::Rows,
    model::{Batch, Bert, Checkpoint, Config, Scratch},
    pooling::{Mode, Pooling, normalize},
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
};

/// Tokens of a batch, as [`SentenceEncoder`] cuts them.
const BATCH: usize = 128;

pub struct Minilm {
    encoder: SentenceEncoder,
    /// Without the tokenizer; `None` with several threads, which only the public API uses.
    model: Option<Model>,
    /// The vectors of the searches there have been, by their number of rows.
    corpora: BTreeMap<usize, Corpus>,
}

struct Model {
    bert: Bert,
    batch: Batch,
    scratch: Scratch,
}

impl Minilm {
    pub fn load(worker: &Worker, precision: Precision) -> Result<Minilm, Failure> {
        let builder = SentenceEncoder::builder().precision(precision);
        let encoder = builder.threads(worker.threads).load(&worker.model)?;
        let alone = (worker.threads == 1).then(|| bert(&worker.model, precision)).transpose()?;
        let model =
            alone.map(|bert| Model { bert, batch: Batch::default(), scratch: Scratch::default() });
        Ok(Minilm { encoder, model, corpora: BTreeMap::new() })
    }

    fn corpus(&mut self, lookup: &Lookup) -> Result<&Corpus, Failure> {
        Ok(match self.corpora.entry(lookup.rows) {
            Entry::Occupied(corpus) => corpus.into_mut(),
            Entry::Vacant(place) => place.insert(Corpus::load(lookup)?),
        })
    }
}

fn bert(model: &Path, precision: Precision) -> Result<Bert, Failure> {
    let config = Config::read(&model.join("config.json"))?;
    let checkpoint = Checkpoint::open(&model.join("model.safetensors"))?;
    Ok(Bert::with_precision(config, &checkpoint, Level::detect(), precision)?)
}

impl Engine for Minilm {
    fn run(&mut self, set: &Set) -> Result<Vec<f32>, Failure> {
        if let Some(lookup) = &set.search {
            return self.corpus(lookup)?.search(lookup);
        }
        match &mut self.model {
            Some(model) if set.kind == Kind::Ids => model.run(&set.ids),
            _ if set.texts.len() == 1 => Ok(self.encoder.encode_one(&set.texts[0])?.to_vec()),
            _ => Ok(self.encoder.encode(&set.texts)?.into_raw_vec_and_offset().0),
        }
    }

    fn limit(&mut self, set: &Set) -> Result<(), Failure> {
        let lookup = set.search.as_ref().ok_or("it is no search")?;
        self.corpus(lookup)?.limit()
    }
}

impl Model {
    fn run(&mut self, ids: &[Vec<u32>]) -> Result<Vec<f32>, Failure> {
        let tokens = ids.first().map_or(1, Vec::len);
        let pooling = Pooling::new(&[Mode::Mean]);
        let mut vectors = vec![0.0; ids.len() * DIMENSION];
        let texts = (BATCH / tokens).max(1); // of a batch
        for (ids, vectors) in ids.chunks(texts).zip(vectors.chunks_mut(texts * DIMENSION)) {
            self.batch.clear();
            ids.iter().for_each(|ids| self.batch.push(ids));
            let hidden: Rows = self.bert.forward(&self.batch, &mut self.scratch)?;
            for (i, vector) in vectors.chunks_exact_mut(DIMENSION).enumerate() {
                pooling.pool(hidden.slice(self.batch.rows(i)), vector);
                normalize(vector);
            }
        }
        Ok(vectors)
    }
}
