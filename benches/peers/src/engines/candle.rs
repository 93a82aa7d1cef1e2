//! candle: `BertModel` of candle-transformers. It takes tensors of ids, so tokenizing, batches and
//! pooling are written here.

use super::{BATCH, Engine, Failure, longest_first};
use crate::{
    args::Worker,
    sets::{Kind, LIMIT, Set},
    vectors::DIMENSION,
};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::BertModel;
use std::fs;
use tokenizers::{Tokenizer, TruncationParams};

pub struct Candle {
    model: BertModel,
    tokenizer: Tokenizer,
}

impl Candle {
    pub fn load(worker: &Worker) -> Result<Candle, Failure> {
        let config = serde_json::from_slice(&fs::read(worker.model.join("config.json"))?)?;
        let weights = fs::read(worker.model.join("model.safetensors"))?;
        let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        let mut tokenizer = Tokenizer::from_file(worker.model.join("tokenizer.json"))?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams { max_length: LIMIT, ..Default::default() }))?;
        Ok(Candle { model: BertModel::load(weights, &config)?, tokenizer })
    }

    /// The vectors of texts, padded to the longest.
    fn batch(&self, ids: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let longest = ids.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let shape = (ids.len(), longest);
        let padded = |of: fn(u32) -> u32| {
            let row = move |ids: &&[u32]| {
                ids.iter().map(|&id| of(id)).chain(vec![0; longest - ids.len()]).collect::<Vec<_>>()
            };
            Tensor::from_vec(ids.iter().flat_map(row).collect::<Vec<u32>>(), shape, &Device::Cpu)
        };
        let (tokens, mask) = (padded(|id| id)?, padded(|_| 1)?);
        // [b, longest, H]
        let hidden = self.model.forward(&tokens, &tokens.zeros_like()?, Some(&mask))?;
        let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        let mean = hidden.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&mask.sum(1)?)?;
        mean.broadcast_div(&mean.sqr()?.sum_keepdim(1)?.sqrt()?)?.to_vec2()
    }

    fn texts(&self, texts: &[String]) -> Result<Vec<f32>, Failure> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let encodings = self.tokenizer.encode_batch_fast(texts, true)?;
        let order = longest_first(encodings.iter().map(|encoding| encoding.len()));
        let mut vectors = vec![0.0; encodings.len() * DIMENSION];
        for batch in order.chunks(BATCH) {
            let ids: Vec<&[u32]> = batch.iter().map(|&i| encodings[i].get_ids()).collect();
            for (&i, vector) in batch.iter().zip(self.batch(&ids)?) {
                vectors[i * DIMENSION..][..DIMENSION].copy_from_slice(&vector);
            }
        }
        Ok(vectors)
    }
}

impl Engine for Candle {
    fn run(&mut self, set: &Set) -> Result<Vec<f32>, Failure> {
        if set.kind != Kind::Ids {
            return self.texts(&set.texts);
        }
        let ids: Vec<&[u32]> = set.ids.iter().map(Vec::as_slice).collect();
        Ok(self.batch(&ids)?.into_iter().flatten().collect())
    }
}
