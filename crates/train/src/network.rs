//! The model with everything that training changes: parameters, gradients, moments.
//!
//! ```text
//! embeddings = network.forward(batch)      [B, H], as the model gives them; keeps a tape
//! loss, d    = loss(embeddings)            f64, elsewhere
//! network.backward(batch, d)               adds to the gradients of the parameters
//! network.update(rule, rate, clip)         clips, moves the parameters, clears the gradients
//! ```
//!
//! # The same bits
//!
//! The gradient of a weight is a sum over the tokens of the batch. It is taken chunk by chunk
//! ([`Tokens`] says how), within a chunk in chains of [`minilm_kernels::gemm::KC`] tokens, in the
//! order of the batch. Threads share packs of sentences in the activations and rows of the
//! gradients, never the terms of a sum. So neither their number nor the level enters a bit.
//!
//! # Gradient caching is a policy of memory
//!
//! The forward pass keeps a tape of as many tokens as [`Network::keep`] allows, or of one chunk
//! of a long batch. The backward pass computes the rest of it again, chunk by chunk. Both give
//! the same bits, since the forward pass is canonical and dropout is a function of places; so a
//! batch of any size fits in constant memory, and a small one costs no second forward pass.

mod backward;
mod batch;
mod forward;
mod load;
mod optimizer;
mod parameters;
mod pooling;
mod scratch;
mod sites;
mod tape;

pub use batch::Tokens;
pub use optimizer::{AdamW, Moments, State};
pub use parameters::Tensor;
pub use sites::Dropout;

use batch::{CHUNK, Chunk, PACK};
use minilm_kernels::Level;
use minilm_model::{Config, Error};
use ndarray::{Array2, ArrayView2, Axis};
use optimizer::Touched;
use parameters::{Embeddings, Layer, Parameter, in_order};
use rayon::prelude::*;
use sites::Sites;
use std::ops::Range;
use tape::{Memory, Sizes};

/// Tokens of a batch whose tape is kept, unless [`Network::keep`] says otherwise: 189 MB for
/// all-MiniLM-L6-v2.
const KEPT: usize = 2 * CHUNK;

/// A batch of more than so many times the tokens that are kept is long: its loss takes memory too,
/// and tapes save it little time. So it has one tape, in which each chunk is computed again.
const LONG: usize = 8;

/// The model in training.
///
/// ```no_run
/// use minilm_train::{AdamW, Network, Tokens};
/// let mut network = Network::load("weights/all-MiniLM-L6-v2".as_ref())?;
/// let batch: Tokens = [[101, 7592, 102], [101, 2088, 102]].into_iter().collect();
/// let embeddings = network.forward(&batch, None)?; // [2, 384]
/// let gradient = embeddings.mapv(f64::from); // of the loss ½·Σ|e|²
/// network.backward(&batch, gradient.view(), None)?;
/// network.update(&AdamW::default(), 2e-5, Some(1.0));
/// # Ok::<(), minilm_model::Error>(())
/// ```
#[derive(Debug)]
pub struct Network {
    config: Config,
    level: Level,
    normalize: bool,
    embeddings: Embeddings,
    layers: Vec<Layer>,
    rows: Touched,
    steps: u64,
    keep: usize,
    kept: Option<Kept>,
    tapes: Vec<Memory>,
    gradients: Memory,
}

/// The last forward pass, of which there are tapes.
#[derive(Debug)]
struct Kept {
    batch: Tokens,
    dropout: Option<Dropout>,
    /// For each chunk with a tape, the sentences' pooled vectors before they are normalised.
    pooled: Vec<Vec<f32>>,
}

impl Network {
    /// The model's configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// H: the width of an embedding.
    pub fn dimension(&self) -> usize {
        self.config.hidden_size
    }

    /// Whether embeddings have length 1.
    pub fn normalizes(&self) -> bool {
        self.normalize
    }

    /// Sets for how many tokens of a batch [`Network::forward`] keeps what the backward pass needs,
    /// 92 kB per token for all-MiniLM-L6-v2. It changes no result. The default is 2048.
    pub fn keep(&mut self, tokens: usize) {
        self.keep = tokens;
    }

    /// The embeddings `[B, H]` of the batch's sentences, as the model gives them: pooled, and
    /// normalised if the model does so.
    ///
    /// # Errors
    /// [`Error::TokenId`] or [`Error::TooLong`].
    pub fn embed(&self, batch: &Tokens, dropout: Option<&Dropout>) -> Result<Array2<f32>, Error> {
        self.check(batch)?;
        let sites = dropout.map(|dropout| Sites(*dropout));
        let pooled = self.pooled(batch, 0..batch.sentences(), sites.as_ref());
        Ok(self.normalized(&[pooled]))
    }

    /// As [`Network::embed`], and keeps a tape of the first chunks, which
    /// [`Network::backward`] uses if it gets the same batch and dropout.
    ///
    /// # Errors
    /// As [`Network::embed`].
    pub fn forward(
        &mut self,
        batch: &Tokens,
        dropout: Option<&Dropout>,
    ) -> Result<Array2<f32>, Error> {
        self.check(batch)?;
        let sites = dropout.map(|dropout| Sites(*dropout));
        let mut tapes = std::mem::take(&mut self.tapes);
        let mut left = self.keep;
        if batch.len() > self.keep.saturating_mul(LONG) {
            left = left.min(CHUNK);
            tapes.truncate(1);
        }
        let (mut pooled, mut end) = (Vec::new(), 0);
        for chunk in batch.chunks() {
            let chunk = batch.chunk(chunk);
            let Some(rest) = left.checked_sub(chunk.tokens()) else { break };
            (left, end) = (rest, end + chunk.starts.len() - 1);
            if tapes.len() == pooled.len() {
                tapes.push(Memory::default());
            }
            pooled.push(self.forward_chunk(&chunk, sites.as_ref(), &mut tapes[pooled.len()]));
        }
        self.tapes = tapes;
        let rest = self.pooled(batch, end..batch.sentences(), sites.as_ref());
        let kept = Kept { batch: batch.clone(), dropout: dropout.copied(), pooled };
        let embeddings = self.normalized(&[&kept.pooled[..], &[rest]].concat());
        self.kept = Some(kept);
        Ok(embeddings)
    }

    /// Adds the gradients of the parameters, given that of the embeddings `[B, H]`.
    ///
    /// # Errors
    /// As [`Network::embed`].
    ///
    /// # Panics
    /// If `d_embeddings` has another shape.
    pub fn backward(
        &mut self,
        batch: &Tokens,
        d_embeddings: ArrayView2<f64>,
        dropout: Option<&Dropout>,
    ) -> Result<(), Error> {
        self.check(batch)?;
        let shape = [batch.sentences(), self.dimension()];
        assert_eq!(d_embeddings.shape(), shape, "a gradient for each value of the embeddings");
        let sites = dropout.map(|dropout| Sites(*dropout));
        // The pass uses the tapes up.
        let kept = self.kept.take();
        let kept = kept.filter(|kept| kept.batch == *batch && kept.dropout.as_ref() == dropout);
        let mut kept = kept.map_or_else(Vec::new, |kept| kept.pooled).into_iter();
        let mut tapes = std::mem::take(&mut self.tapes);
        let mut memory = std::mem::take(&mut self.gradients);
        if tapes.is_empty() {
            tapes.push(Memory::default());
        }
        for (i, sentences) in batch.chunks().into_iter().enumerate() {
            let chunk = batch.chunk(sentences.clone());
            let (pooled, tape) = match kept.next() {
                Some(pooled) => (pooled, &mut tapes[i]),
                // The tapes of the chunks before have been used up.
                None => {
                    let tape = &mut tapes[0];
                    (self.forward_chunk(&chunk, sites.as_ref(), tape), tape)
                }
            };
            let rows = d_embeddings.slice_axis(Axis(0), sentences.into());
            let d_hidden = self.pooling_backward(&chunk, &pooled, rows);
            let (sizes, t) = (self.sizes(), chunk.tokens());
            let tape = tape.take(sizes.tape(sizes.layers, t));
            let tape = sizes.lay_out(tape, sizes.layers, t);
            self.backward_chunk(&chunk, sites.as_ref(), tape, &d_hidden, &mut memory);
        }
        (self.tapes, self.gradients) = (tapes, memory);
        Ok(())
    }

    /// The pooled vectors of some sentences `[sentences, H]`, without a tape.
    fn pooled(&self, batch: &Tokens, sentences: Range<usize>, sites: Option<&Sites>) -> Vec<f32> {
        let sizes = self.sizes();
        let chunk = batch.chunk(sentences);
        let packs = chunk.packs(PACK, rayon::current_num_threads());
        let pooled = packs.par_iter().with_max_len(1).map_init(Memory::default, |memory, pack| {
            let pack = chunk.pack(pack);
            let memory = memory.take(sizes.tape(1, pack.tokens()));
            let mut tape = sizes.lay_out(memory, 1, pack.tokens());
            self.forward_pack(&pack, sites, &mut tape)
        });
        pooled.collect::<Vec<_>>().concat()
    }

    /// The same for a chunk, with its tape.
    fn forward_chunk(&self, chunk: &Chunk, sites: Option<&Sites>, memory: &mut Memory) -> Vec<f32> {
        let (sizes, t) = (self.sizes(), chunk.tokens());
        let tape = sizes.lay_out(memory.take(sizes.tape(sizes.layers, t)), sizes.layers, t);
        let packs = chunk.packs(PACK, rayon::current_num_threads());
        let packs: Vec<Chunk> = packs.iter().map(|pack| chunk.pack(pack)).collect();
        let lengths: Vec<usize> = packs.iter().map(Chunk::tokens).collect();
        let work: Vec<_> = packs.iter().zip(tape.cut(&lengths)).collect();
        let pooled = work
            .into_par_iter()
            .with_max_len(1)
            .map(|(pack, mut tape)| self.forward_pack(pack, sites, &mut tape));
        pooled.collect::<Vec<_>>().concat()
    }

    fn sizes(&self) -> Sizes {
        Sizes {
            hidden: self.config.hidden_size,
            inner: self.config.intermediate_size,
            layers: self.layers.len(),
        }
    }

    fn epsilon(&self) -> f32 {
        self.config.layer_norm_eps as f32
    }

    /// All parameters but the word embeddings.
    fn parameters(&self) -> Vec<&Parameter> {
        in_order!(&self.embeddings, &self.layers,)
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        in_order!(&mut self.embeddings, &mut self.layers, mut)
    }

    /// Every tensor that is trained, under its name in the checkpoint without the prefix `bert.`.
    pub fn tensors(&self) -> impl Iterator<Item = Tensor<'_>> {
        self.pick(|parameter| &parameter.value)
    }

    /// The gradient of every tensor, as it has been added up since the last update.
    pub fn gradients(&self) -> impl Iterator<Item = Tensor<'_>> {
        self.pick(|parameter| &parameter.gradient)
    }

    fn pick<'a>(
        &'a self,
        pick: impl Fn(&'a Parameter) -> &'a [f32] + Copy + 'a,
    ) -> impl Iterator<Item = Tensor<'a>> {
        let all = std::iter::once(&self.embeddings.word).chain(self.parameters());
        all.flat_map(move |parameter| parameter.tensors(pick))
    }
}
