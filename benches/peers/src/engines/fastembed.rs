//! fastembed: ONNX Runtime behind a Rust interface of texts, on the same fused graph and the same
//! library as the Python side.

use super::{BATCH, Engine, Failure};
use crate::{
    args::Worker,
    sets::{LIMIT, Set},
};
use fastembed::{
    InitOptionsUserDefined, Pooling, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel,
};
use std::fs;

pub struct Fastembed(TextEmbedding);

impl Fastembed {
    pub fn load(worker: &Worker, graph: &str) -> Result<Fastembed, Failure> {
        let read = |name: &str| fs::read(worker.model.join(name));
        let tokenizer = TokenizerFiles {
            tokenizer_file: read("tokenizer.json")?,
            config_file: read("config.json")?,
            special_tokens_map_file: read("special_tokens_map.json")?,
            tokenizer_config_file: read("tokenizer_config.json")?,
        };
        let graph = fs::read(worker.graphs.join(graph))?;
        let model = UserDefinedEmbeddingModel::new(graph, tokenizer).with_pooling(Pooling::Mean);
        let options =
            InitOptionsUserDefined::new().with_max_length(LIMIT).with_intra_threads(worker.threads);
        Ok(Fastembed(TextEmbedding::try_new_from_user_defined(model, options)?))
    }
}

impl Engine for Fastembed {
    fn run(&mut self, set: &Set) -> Result<Vec<f32>, Failure> {
        Ok(self.0.embed(&set.texts, Some(BATCH))?.into_iter().flatten().collect())
    }
}
