//! The time of a forward pass, operation by operation.
//!
//! ```text
//! clock ── operation ── clock ── …      read around each operation of the pass itself
//! ```
//!
//! The kernels run where they always do: one after the other, with the weights and activations in
//! the caches in which the last one left them. An operation that is computed in parts (a group of
//! heads, a chunk of the feed-forward) is the sum of its laps. Reading the clock takes some tens of
//! nanoseconds, about fifty times per layer; in a pass that is not timed, a lap is one comparison.
//!
//! In the book: `docs/10-speed.md`.

use crate::{Batch, Config};
use std::{
    cell::{Cell, RefCell},
    fmt,
    time::{Duration, Instant},
};

/// A kernel of the forward pass, with what is fused into it.
///
/// ```
/// use minilm_model::Operation;
/// assert_eq!(Operation::ALL.len(), 8);
/// assert_eq!(Operation::Intermediate.to_string(), "feed-forward up + GELU");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// The sum of three tables, and LayerNorm.
    Embeddings,
    /// x·W_qkvᵀ + b: `[T,H]·[H,3H]`
    QueryKeyValue,
    /// softmax(q·kᵀ/√D)·v
    Attention,
    /// context·W_oᵀ + b + x: `[T,H]·[H,H]`
    AttentionOutput,
    /// The LayerNorm after it.
    AttentionNorm,
    /// gelu(x·W₁ᵀ + b): `[T,H]·[H,F]`
    Intermediate,
    /// inner·W₂ᵀ + b + x: `[T,F]·[F,H]`
    Output,
    /// The LayerNorm after it.
    OutputNorm,
}

impl Operation {
    /// All operations, in the order in which they run.
    pub const ALL: &'static [Operation] = &[
        Operation::Embeddings,
        Operation::QueryKeyValue,
        Operation::Attention,
        Operation::AttentionOutput,
        Operation::AttentionNorm,
        Operation::Intermediate,
        Operation::Output,
        Operation::OutputNorm,
    ];

    /// Floating-point operations for `batch`, a multiply-add as two, in one layer.
    ///
    /// Those of a product are its multiply-adds: bias, residual, GELU and softmax, which are fused
    /// into products, are not counted.
    ///
    /// ```
    /// # let json = r#"{ "model_type": "bert", "vocab_size": 30522, "hidden_size": 384,
    /// #     "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
    /// #     "max_position_embeddings": 512 }"#;
    /// # let config: minilm_model::Config = serde_json::from_str(json)?;
    /// let mut batch = minilm_model::Batch::default();
    /// batch.push(&[101, 7592, 102]);
    /// let flop = minilm_model::Operation::AttentionOutput.flop(&config, &batch);
    /// assert_eq!(flop, 2 * 3 * 384 * 384);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn flop(self, config: &Config, batch: &Batch) -> u64 {
        let (t, h) = (batch.tokens() as u64, config.hidden_size as u64);
        let [query_key_value, attention_output, up, down] =
            config.linear_layers().map(|layer| layer.flop(batch.tokens()));
        let layer_norm = 7 * t * h; // sum, difference, squares (2), scale, affine (2)
        match self {
            Operation::Embeddings => 2 * t * h + layer_norm,
            Operation::QueryKeyValue => query_key_value,
            Operation::Attention => {
                (0..batch.sentences()).map(|i| config.attention_flop(batch.rows(i).len())).sum()
            }
            Operation::AttentionOutput => attention_output,
            Operation::AttentionNorm | Operation::OutputNorm => layer_norm,
            Operation::Intermediate => up,
            Operation::Output => down,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Embeddings => "embeddings + LayerNorm",
            Operation::QueryKeyValue => "query, key, value",
            Operation::Attention => "attention",
            Operation::AttentionOutput => "attention output + residual",
            Operation::AttentionNorm => "LayerNorm after attention",
            Operation::Intermediate => "feed-forward up + GELU",
            Operation::Output => "feed-forward down + residual",
            Operation::OutputNorm => "LayerNorm after feed-forward",
        })
    }
}

/// The time of one operation in one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lap {
    /// The operation.
    pub operation: Operation,
    /// Its layer; the embeddings count as layer 0.
    pub layer: usize,
    /// The time of all its parts together.
    pub time: Duration,
    /// Its floating-point operations, see [`Operation::flop`].
    pub flop: u64,
}

/// Takes the times of one pass.
pub(crate) struct Clock {
    laps: RefCell<Vec<(Operation, usize, Duration)>>,
    layer: Cell<usize>,
}

impl Clock {
    pub(crate) fn new(config: &Config) -> Clock {
        // No allocation while the pass runs.
        let laps = Vec::with_capacity(Operation::ALL.len() * config.num_hidden_layers);
        Clock { laps: RefCell::new(laps), layer: Cell::new(0) }
    }

    /// The operations that follow are those of layer `n`.
    pub(crate) fn enter(&self, n: usize) {
        self.layer.set(n);
    }

    /// Runs `operation` and adds its time to what it took before in this layer.
    pub(crate) fn time<T>(&self, operation: Operation, run: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = run();
        let time = start.elapsed();
        let layer = self.layer.get();
        let mut laps = self.laps.borrow_mut();
        let mut of_layer = laps.iter_mut().rev().take_while(|lap| lap.1 == layer);
        match of_layer.find(|lap| lap.0 == operation) {
            Some(lap) => lap.2 += time,
            None => laps.push((operation, layer, time)),
        }
        result
    }

    pub(crate) fn laps(self, config: &Config, batch: &Batch) -> Vec<Lap> {
        let lap = |(operation, layer, time): (Operation, usize, Duration)| Lap {
            operation,
            layer,
            time,
            flop: operation.flop(config, batch),
        };
        self.laps.into_inner().into_iter().map(lap).collect()
    }
}
