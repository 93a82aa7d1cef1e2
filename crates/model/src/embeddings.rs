//! `embeddings`: token ids to vectors.
//!
//! ```text
//! x[t] = LayerNorm(word_embeddings[id] + token_type_embeddings[0] + position_embeddings[p])
//! p    = t − the start of its sentence
//! ```
//!
//! In the book: `docs/01-model.md`.

use crate::{
    Batch, Config, Error,
    weights::{Checkpoint, Table},
};
use minilm_kernels::{Level, layer_norm::layer_norm};

/// `embeddings`: three tables and a LayerNorm. The word table is read in place from the mapped
/// file.
#[derive(Debug)]
pub struct Embeddings {
    word_embeddings: Table,         // [vocabulary, H]
    position_embeddings: Table,     // [positions, H]
    token_type_embedding: Vec<f32>, // [H], type 0
    pub(crate) layer_norm: LayerNorm,
    pub(crate) vocabulary: usize,
    pub(crate) positions: usize,
    pub(crate) types: usize,
    pub(crate) padding: Option<u32>,
}

impl Embeddings {
    pub(crate) fn load(checkpoint: &Checkpoint, config: &Config) -> Result<Embeddings, Error> {
        let h = config.hidden_size;
        let types = checkpoint
            .tensor("embeddings.token_type_embeddings.weight", &[config.type_vocab_size, h])?;
        Ok(Embeddings {
            word_embeddings: checkpoint.table(
                "embeddings.word_embeddings.weight",
                config.vocab_size,
                h,
            )?,
            position_embeddings: checkpoint.table(
                "embeddings.position_embeddings.weight",
                config.max_position_embeddings,
                h,
            )?,
            token_type_embedding: types[..h].to_vec(),
            layer_norm: LayerNorm::load(checkpoint, "embeddings.LayerNorm", config)?,
            vocabulary: config.vocab_size,
            positions: config.max_position_embeddings,
            types: config.type_vocab_size,
            padding: config.pad_token_id,
        })
    }

    /// H: columns of every tensor.
    pub(crate) fn hidden(&self) -> usize {
        self.token_type_embedding.len()
    }

    /// Fills x `[T, H]`.
    pub(crate) fn forward(&self, level: Level, batch: &Batch, x: &mut [f32]) -> Result<(), Error> {
        self.sum(batch, x)?;
        self.layer_norm.forward(level, x);
        Ok(())
    }

    /// Fills x `[T, H]` with what the LayerNorm gets.
    pub(crate) fn sum(&self, batch: &Batch, x: &mut [f32]) -> Result<(), Error> {
        let mut rows = x.chunks_exact_mut(self.hidden());
        for sentence in 0..batch.sentences() {
            let ids = &batch.ids()[batch.rows(sentence)];
            if ids.len() > self.positions {
                return Err(Error::TooLong { tokens: ids.len(), positions: self.positions });
            }
            for ((position, &id), x) in ids.iter().enumerate().zip(&mut rows) {
                if id as usize >= self.vocabulary {
                    return Err(Error::TokenId { id, vocabulary: self.vocabulary });
                }
                self.word_embeddings.read(id as usize, x);
                for (x, token_type) in x.iter_mut().zip(&self.token_type_embedding) {
                    *x += token_type;
                }
                self.position_embeddings.add(position, x);
            }
        }
        Ok(())
    }
}

/// A LayerNorm's parameters.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    pub gamma: Vec<f32>, // [H]
    pub beta: Vec<f32>,  // [H]
    pub epsilon: f32,
}

impl LayerNorm {
    pub(crate) fn load(
        checkpoint: &Checkpoint,
        name: &str,
        config: &Config,
    ) -> Result<LayerNorm, Error> {
        Ok(LayerNorm {
            gamma: checkpoint
                .tensor(&format!("{name}.weight"), &[config.hidden_size])?
                .into_owned(),
            beta: checkpoint.tensor(&format!("{name}.bias"), &[config.hidden_size])?.into_owned(),
            epsilon: config.layer_norm_eps as f32,
        })
    }

    pub(crate) fn forward(&self, level: Level, x: &mut [f32]) {
        layer_norm(level, x, &self.gamma, &self.beta, self.epsilon);
    }
}
