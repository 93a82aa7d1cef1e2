//! From a model's directory to parameters in memory.

use super::{
    KEPT, Network, Tokens,
    optimizer::Touched,
    parameters::{Embeddings, Layer},
    tape::Memory,
};
use minilm_kernels::Level;
use minilm_model::{Checkpoint, Config, Error};
use minilm_pooling::{Mode, PoolingConfig};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

#[derive(Deserialize)]
struct Module {
    path: PathBuf,
    r#type: String,
}

impl Module {
    /// The last part of the type.
    fn name(&self) -> &str {
        self.r#type.rsplit('.').next().unwrap_or_default()
    }
}

impl Network {
    /// Loads a directory as sentence-transformers lays it out, or a plain BERT: one without
    /// `modules.json` gets mean pooling and normalisation, as the original adds them.
    ///
    /// # Errors
    /// As [`minilm_model::Bert::load`], and a pooling other than the mean or a module that cannot
    /// be trained.
    pub fn load(directory: &Path) -> Result<Network, Error> {
        Network::load_on(directory, Level::detect())
    }

    /// The same on a level that the caller chooses; the bits do not depend on it.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub fn load_on(directory: &Path, level: Level) -> Result<Network, Error> {
        let path = directory.join("modules.json");
        let modules: Option<Vec<Module>> = read(&path)?;
        let (folder, normalize) = match modules {
            None => (directory.to_owned(), true),
            Some(modules) => {
                let names: Vec<&str> = modules.iter().map(Module::name).collect();
                let normalize = match names[..] {
                    ["Transformer", "Pooling"] => false,
                    ["Transformer", "Pooling", "Normalize"] => true,
                    _ => {
                        return Err(Error::Config {
                            path,
                            field: "type",
                            value: names.join(", "),
                            wanted: "Transformer, Pooling and Normalize can be trained".to_owned(),
                        });
                    }
                };
                check_pooling(&directory.join(&modules[1].path).join("config.json"))?;
                (directory.join(&modules[0].path), normalize)
            }
        };
        let config = Config::read(&folder.join("config.json"))?;
        let checkpoint = Checkpoint::open(&folder.join("model.safetensors"))?;
        Network::new(config, &checkpoint, normalize, level)
    }

    /// The network of a configuration and its weights, with mean pooling, and normalisation if
    /// asked for, on a level.
    ///
    /// # Errors
    /// As [`minilm_model::Bert::new`].
    pub fn new(
        config: Config,
        checkpoint: &Checkpoint,
        normalize: bool,
        level: Level,
    ) -> Result<Network, Error> {
        let layers = 0..config.num_hidden_layers;
        let layers = layers.map(|n| Layer::load(checkpoint, &config, level, n));
        Ok(Network {
            embeddings: Embeddings::load(checkpoint, &config)?,
            layers: layers.collect::<Result<_, _>>()?,
            rows: Touched::new(config.vocab_size),
            config,
            level,
            normalize,
            steps: 0,
            keep: KEPT,
            kept: None,
            tapes: Vec::new(),
            gradients: Memory::default(),
        })
    }

    /// Whether the model can run the batch.
    pub(super) fn check(&self, batch: &Tokens) -> Result<(), Error> {
        let (vocabulary, positions) = (self.config.vocab_size, self.config.max_position_embeddings);
        for i in 0..batch.sentences() {
            let ids = batch.sentence(i);
            if ids.len() > positions {
                return Err(Error::TooLong { tokens: ids.len(), positions });
            }
            if let Some(&id) = ids.iter().find(|&&id| id as usize >= vocabulary) {
                return Err(Error::TokenId { id, vocabulary });
            }
        }
        Ok(())
    }
}

/// The content of a JSON file, if there is one.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
    };
    let json = |source| Error::Json { path: path.to_owned(), source };
    serde_json::from_slice(&bytes).map(Some).map_err(json)
}

/// Whether the pooling is the mean over all tokens.
fn check_pooling(path: &Path) -> Result<(), Error> {
    let Some(config) = read::<PoolingConfig>(path)? else { return Ok(()) };
    let value = match config.pooling() {
        Ok(pooling) if pooling.modes() == [Mode::Mean] => return Ok(()),
        Ok(pooling) => {
            let names: Vec<&str> = pooling.modes().iter().map(|mode| mode.name()).collect();
            names.join(", ")
        }
        Err(unknown) => unknown.name,
    };
    let wanted = "mean pooling alone can be trained".to_owned();
    Err(Error::Config { path: path.to_owned(), field: "pooling_mode", value, wanted })
}
