//! # minilm-model
//!
//! A BERT encoder: token ids in, one vector per token out. It knows names and shapes; all
//! arithmetic is in `minilm-kernels`.
//!
//! ```text
//! ids[T] ─ word + type + position, LayerNorm ─► x[T,H]               embeddings.rs
//! x[T,H] ─ QKV ─ attention ─ output + x, LayerNorm
//!        ─ feed-forward + x, LayerNorm ─► x[T,H]                     encoder.rs, for each layer
//! ```
//!
//! Several sentences run at once as a *batch*: their tokens end to end, without padding. A
//! sentence's result does not depend on its neighbours.
//!
//! ```no_run
//! use minilm_kernels::Level;
//! use minilm_model::{Bert, Batch, Scratch};
//!
//! let bert = Bert::load("weights/all-MiniLM-L6-v2".as_ref(), Level::detect())?;
//! let mut batch = Batch::default();
//! batch.push(&[101, 7592, 102]); // [CLS] hello [SEP]
//! let mut scratch = Scratch::default();
//! let hidden = bert.forward(&batch, &mut scratch)?; // [3, 384]
//! println!("{:?}", hidden.row(0));
//! # Ok::<(), minilm_model::Error>(())
//! ```
//!
//! The structs are named as the tensors in the checkpoint:
//! `encoder.layer.0.attention.output.dense.weight` is [`Bert`] → [`Encoder`] → [`Layer`] →
//! `attention` → `output` → `dense`.
//!
//! In the book: `docs/01-model.md`.

mod batch;
mod config;
mod dense;
mod embeddings;
mod encoder;
mod error;
mod flops;
mod kind;
mod mapped;
mod operation;
pub mod plain;
mod precision;
mod projection;
mod scratch;
mod stage;
mod thread_group;
mod weights;

pub use batch::Batch;
pub use config::Config;
pub use embeddings::Embeddings;
pub use encoder::{Encoder, Layer};
pub use error::Error;
pub use flops::LinearShape;
pub use kind::kind;
pub use mapped::Mapped;
pub use operation::{Lap, Operation};
pub use plain::Plain;
pub use precision::{Precision, UnknownPrecision};
pub use scratch::Scratch;
pub use stage::Stage;
pub use thread_group::{Rank, ThreadGroup};
pub use weights::Checkpoint;

use encoder::Call;
use minilm_kernels::{Level, Rows};
use operation::Clock;
use std::path::Path;

/// A BERT encoder (`transformers.BertModel` without its pooler), packed for one [`Level`].
#[derive(Debug)]
pub struct Bert {
    config: Config,
    embeddings: Embeddings,
    encoder: Encoder,
    checkpoint: Checkpoint,
    level: Level,
    precision: Precision,
}

impl Bert {
    /// Loads `config.json` and `model.safetensors` from `directory`, and packs the weights for
    /// `level`.
    ///
    /// The file is memory-mapped and must not be changed while the model is in use.
    ///
    /// # Errors
    /// A file that is missing or unreadable, a configuration this crate does not know, a tensor
    /// that is missing, has another shape than the configuration says, a type other than F64, F32,
    /// F16 or BF16, or a value that is not finite.
    pub fn load(directory: &Path, level: Level) -> Result<Bert, Error> {
        let config = Config::read(&directory.join("config.json"))?;
        Bert::new(config, &Checkpoint::open(&directory.join("model.safetensors"))?, level)
    }

    /// Packs the weights of `checkpoint` for `level`, and keeps it alive for those that are read in
    /// place. The precision is that of the checkpoint: F32 for floats of any kind.
    ///
    /// # Errors
    /// As [`Bert::load`]; errors name the configuration `config.json`, wherever it is from.
    pub fn new(config: Config, checkpoint: &Checkpoint, level: Level) -> Result<Bert, Error> {
        let precision = checkpoint.precision()?.unwrap_or_default();
        Bert::with_precision(config, checkpoint, level, precision)
    }

    /// As [`Bert::new`], with the weights of the linear layers rounded to `precision`. A checkpoint
    /// that is rounded already has one precision alone.
    ///
    /// ```no_run
    /// use minilm_kernels::Level;
    /// use minilm_model::{Bert, Checkpoint, Config, Precision};
    ///
    /// let config = Config::read("weights/all-MiniLM-L6-v2/config.json".as_ref())?;
    /// let checkpoint = Checkpoint::open("weights/all-MiniLM-L6-v2/model.safetensors".as_ref())?;
    /// let bert = Bert::with_precision(config, &checkpoint, Level::detect(), Precision::Int8)?;
    /// assert_eq!(bert.precision(), Precision::Int8);
    /// # Ok::<(), minilm_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Bert::new`]; [`Error::Precision`] if the checkpoint has another one.
    pub fn with_precision(
        config: Config,
        checkpoint: &Checkpoint,
        level: Level,
        precision: Precision,
    ) -> Result<Bert, Error> {
        config.validate("config.json".as_ref())?;
        checkpoint.check_precision(precision)?;
        Ok(Bert {
            embeddings: Embeddings::load(checkpoint, &config)?,
            encoder: Encoder::load(checkpoint, &config, level, precision)?,
            checkpoint: checkpoint.clone(),
            config,
            level,
            precision,
        })
    }

    /// As [`Bert::with_precision`], in less memory: the checkpoint is taken over, and a file of it
    /// that has nothing but one layer is let go when that layer is packed.
    ///
    /// [`Bert::plain`] then lacks the tensors of that file. A checkpoint in one file stays whole.
    ///
    /// # Errors
    /// As [`Bert::with_precision`].
    pub fn packed(
        config: Config,
        mut checkpoint: Checkpoint,
        level: Level,
        precision: Precision,
    ) -> Result<Bert, Error> {
        config.validate("config.json".as_ref())?;
        checkpoint.check_precision(precision)?;
        Ok(Bert {
            embeddings: Embeddings::load(&checkpoint, &config)?,
            encoder: Encoder::take(&mut checkpoint, &config, level, precision)?,
            checkpoint,
            config,
            level,
            precision,
        })
    }

    /// The model's configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The level that the weights are packed for.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The precision of the linear layers.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The size of the largest thread group in which every thread has work; further threads would
    /// only be waited for. 6 for all-MiniLM-L6-v2.
    pub fn shares(&self) -> usize {
        self.encoder.shares()
    }

    /// Runs the batch through all layers: the last hidden state `[T, H]`, which lives in `scratch`.
    ///
    /// Once `scratch` has seen a batch of this size, nothing is allocated.
    ///
    /// # Errors
    /// A token id outside of the vocabulary, or a sentence longer than the model has positions.
    pub fn forward<'s>(&self, batch: &Batch, scratch: &'s mut Scratch) -> Result<Rows<'s>, Error> {
        self.run(batch, scratch, &Rank::alone(), None)
    }

    /// As [`Bert::forward`], one thread's part of it. Every rank of the thread group calls it with
    /// the same batch, and gets the whole result.
    ///
    /// # Errors
    /// As [`Bert::forward`].
    pub fn forward_together<'s>(
        &self,
        batch: &Batch,
        scratch: &'s mut Scratch,
        rank: &Rank,
    ) -> Result<Rows<'s>, Error> {
        self.run(batch, scratch, rank, None)
    }

    /// The same model with whole tensors, which shows every intermediate result by its PyTorch
    /// name. It packs the weights of the checkpoint again.
    ///
    /// # Errors
    /// As [`Bert::load`].
    pub fn plain(&self) -> Result<Plain, Error> {
        Plain::load(&self.checkpoint, &self.config, self.level, self.precision)
    }

    /// The file that the weights are from.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// As [`Bert::forward`], with the time of every kernel instead of the result, in the order in
    /// which they ran.
    ///
    /// One pass on the calling thread. The first passes with a new `scratch` also take the time to
    /// get memory.
    ///
    /// ```no_run
    /// use minilm_kernels::Level;
    /// use minilm_model::{Bert, Batch, Scratch};
    ///
    /// let bert = Bert::load("weights/all-MiniLM-L6-v2".as_ref(), Level::detect())?;
    /// let mut batch = Batch::default();
    /// batch.push(&[101, 7592, 102]);
    /// for lap in bert.time(&batch, &mut Scratch::default())? {
    ///     println!("layer {}: {} took {:?}", lap.layer, lap.operation, lap.time);
    /// }
    /// # Ok::<(), minilm_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Bert::forward`].
    pub fn time(&self, batch: &Batch, scratch: &mut Scratch) -> Result<Vec<Lap>, Error> {
        let clock = Clock::new(&self.config);
        self.run(batch, scratch, &Rank::alone(), Some(&clock))?;
        Ok(clock.laps(&self.config, batch))
    }

    fn run<'s>(
        &self,
        batch: &Batch,
        scratch: &'s mut Scratch,
        rank: &Rank,
        clock: Option<&Clock>,
    ) -> Result<Rows<'s>, Error> {
        let call = Call { level: self.level, batch, rank, clock };
        scratch.resize(batch.tokens(), self.config.hidden_size, self.encoder.part());
        let embeddings = || self.embeddings.forward(self.level, batch, &mut scratch.x);
        call.time(Operation::Embeddings, embeddings)?;
        self.encoder.forward(&call, scratch);
        Ok(Rows::new(&scratch.x, self.config.hidden_size))
    }
}
