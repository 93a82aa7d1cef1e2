//! Support for the tests of this crate: a small BERT, and passes through it.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod tiny;

use minilm_kernels::Level;
use minilm_model::{Batch, Bert, Checkpoint, Config, Error, Scratch};
use tiny::TinyBert;

/// Loads the small BERT from bytes in memory.
pub fn load(tiny: &TinyBert, level: Level) -> Result<Bert, Error> {
    let config = Config::from_bytes(tiny.config.to_string().as_bytes(), "config.json".as_ref())?;
    Bert::new(config, &checkpoint(tiny)?, level)
}

/// The small BERT's tensors.
pub fn checkpoint(tiny: &TinyBert) -> Result<Checkpoint, Error> {
    Checkpoint::from_bytes(tiny.safetensors(), "model.safetensors".as_ref())
}

/// The hidden states of each sentence, as bits: all sentences in one pass, with this scratch.
pub fn bits_with(
    bert: &Bert,
    sentences: &[Vec<u32>],
    scratch: &mut Scratch,
) -> Result<Vec<Vec<u32>>, Error> {
    let mut batch = Batch::default();
    sentences.iter().for_each(|ids| batch.push(ids));
    let hidden = bert.forward(&batch, scratch)?;
    assert_eq!((hidden.rows(), hidden.cols()), (batch.tokens(), bert.config().hidden_size));
    let sentence = |i| batch.rows(i).flat_map(|row| hidden.row(row)).map(|x| x.to_bits()).collect();
    Ok((0..sentences.len()).map(sentence).collect())
}

/// As [`bits_with`], with a new scratch.
pub fn bits(bert: &Bert, sentences: &[Vec<u32>]) -> Result<Vec<Vec<u32>>, Error> {
    bits_with(bert, sentences, &mut Scratch::default())
}
