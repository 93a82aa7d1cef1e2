//! lattice, pure Rust: its own tokenizer, its own batches without padding.

use super::{BATCH, Engine, Failure};
use crate::{
    args::Worker,
    sets::{LIMIT, Set},
};
use lattice_model_bert::BertModel;
use std::fs;

pub struct Lattice(BertModel);

impl Lattice {
    pub fn load(worker: &Worker) -> Result<Lattice, Failure> {
        let read = |name: &str| fs::read_to_string(worker.model.join(name));
        let weights = fs::read(worker.model.join("model.safetensors"))?;
        // Loaded from the directory, it would read up to 512 tokens of a text.
        Ok(Lattice(BertModel::from_bytes_with_max_tokens(
            weights,
            &read("config.json")?,
            &read("tokenizer.json")?,
            LIMIT,
        )?))
    }
}

impl Engine for Lattice {
    fn run(&mut self, set: &Set) -> Result<Vec<f32>, Failure> {
        let mut vectors = Vec::new();
        for batch in set.texts.chunks(BATCH) {
            let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
            vectors.extend(self.0.encode_batch(&batch)?.into_iter().flatten());
        }
        Ok(vectors)
    }
}
