//! `encoder`: the stack of layers, fused.
//!
//! ```text
//! context = attention(x·W_qkvᵀ + b)                [T, H]   for some heads at a time
//! y       = LayerNorm(context·W_oᵀ + b + x)        [T, H]
//! inner   = gelu(y·W_1ᵀ + b)                       [T, F]   in chunks of F
//! x       = LayerNorm(inner·W_2ᵀ + b + y)          [T, H]
//! ```
//!
//! `plain.rs` computes the same with whole tensors, and the same bits. Here, a tensor wider than H
//! never exists as a whole. Queries, keys and values are computed for a few heads and used up
//! before the next. The feed-forward's inner layer `[T, F]` is computed [`FFN_CHUNK`] columns at a
//! time, and each chunk is multiplied into the result before the next. So all products together
//! work on 4·H floats per token, which fit in the second-level cache for a batch, instead of 3·H +
//! F. The order of additions is the same either way.
//!
//! Bias, GELU and residual are epilogues of the products. A thread of a group computes a share of
//! the columns of each product, see `thread_group.rs`.
//!
//! In the book: `docs/01-model.md`.

mod load;

use crate::{
    Batch, Operation, Rank, Scratch,
    embeddings::LayerNorm,
    operation::Clock,
    projection::{Input, Projection, Rounded},
};
use minilm_kernels::{
    Level, Rows, RowsMut,
    attention::{self, attention},
    gemm::{KC, PART},
    linear::Epilogue,
    quantise::CHUNK,
};
use std::ops::Range;

/// Columns of the feed-forward's inner layer at a time: whole chains of the second product.
const FFN_CHUNK: usize = 3 * KC;
const _: () = assert!(FFN_CHUNK == CHUNK, "rows of the inner layer are rounded chunk by chunk");

/// `encoder`: the layers in order.
#[derive(Debug)]
pub struct Encoder {
    layer: Vec<Layer>,
}

/// `encoder.layer.n`
#[derive(Debug)]
pub struct Layer {
    attention: Attention,
    intermediate: Intermediate,
    output: Output,
}

/// `encoder.layer.n.attention`
#[derive(Debug)]
struct Attention {
    /// `self.query`, `self.key` and `self.value` of some heads as one layer `[3H / groups, H]`, for
    /// each group of heads.
    qkv: Vec<Projection>,
    /// Heads of a group.
    heads: usize,
    output: Output,
}

/// `encoder.layer.n.intermediate`
#[derive(Debug)]
struct Intermediate {
    /// `dense` `[F, H]`, cut into layers of [`FFN_CHUNK`] outputs.
    dense: Vec<Projection>,
}

/// `….output`: a projection, the residual, a LayerNorm.
#[derive(Debug)]
struct Output {
    /// `dense` `[H, K]`, cut along K; the last piece has the bias, or the first one of integers.
    dense: Vec<Projection>,
    layer_norm: LayerNorm,
}

/// The arguments that are the same for all layers.
pub(crate) struct Call<'a> {
    pub level: Level,
    pub batch: &'a Batch,
    pub rank: &'a Rank<'a>,
    pub clock: Option<&'a Clock>,
}

impl Encoder {
    /// x ← encoder(x), x `[T, H]` in `scratch`.
    pub(crate) fn forward(&self, call: &Call, scratch: &mut Scratch) {
        for (n, layer) in self.layer.iter().enumerate() {
            if let Some(clock) = call.clock {
                clock.enter(n);
            }
            layer.forward(call, scratch);
        }
    }

    /// Threads that all have a share of some product.
    pub(crate) fn shares(&self) -> usize {
        let parts = |linear: &Projection| linear.outputs().div_ceil(PART);
        let of_layer = |layer: &Layer| {
            let inner = parts(&layer.intermediate.dense[0]);
            layer.attention.qkv.len().max(parts(&layer.attention.output.dense[0])).max(inner)
        };
        self.layer.first().map_or(1, of_layer)
    }

    /// Columns of the widest tensor between two products of a layer.
    pub(crate) fn part(&self) -> usize {
        let of_layer = |layer: &Layer| {
            layer.attention.qkv[0].outputs().max(layer.intermediate.dense[0].outputs())
        };
        self.layer.first().map_or(0, of_layer)
    }
}

impl Call<'_> {
    /// Runs an operation, and takes its time if the pass has a clock.
    pub(crate) fn time<T>(&self, operation: Operation, run: impl FnOnce() -> T) -> T {
        match self.clock {
            Some(clock) => clock.time(operation, run),
            None => run(),
        }
    }
}

impl Layer {
    /// x ← layer(x)
    fn forward(&self, call: &Call, scratch: &mut Scratch) {
        let Scratch { x, y, context, part, scores, rounded, rounded_part } = scratch;
        let Layer { attention, intermediate, output } = self;
        // context = attention(x·W_qkvᵀ + b)
        attention.forward(call, x, part, scores, rounded, context);
        // y = LayerNorm(context·W_oᵀ + b + x)
        call.time(Operation::AttentionOutput, || {
            attention.output.project(call, 0, context, x, rounded, y);
        });
        call.time(Operation::AttentionNorm, || attention.output.normalise(call, y));
        // x = gelu(y·W_1ᵀ + b)·W_2ᵀ + b + y, one chunk of the inner layer at a time
        let inner = &intermediate.dense;
        let input = call.time(Operation::Intermediate, || {
            inner[0].round(call.level, Rows::new(y, inner[0].inputs()), rounded)
        });
        for chunk in 0..inner.len() {
            call.time(Operation::Intermediate, || intermediate.forward(call, chunk, input, part));
            call.time(Operation::Output, || output.project(call, chunk, part, y, rounded_part, x));
        }
        // x = LayerNorm(x)
        call.time(Operation::OutputNorm, || output.normalise(call, x));
    }
}

impl Attention {
    /// context ← attention(x·W_qkvᵀ + b)
    fn forward(
        &self,
        call: &Call,
        x: &[f32],        // [T, H]
        part: &mut [f32], // [T, 3H / groups]
        scores: &mut attention::Scratch,
        rounded: &mut Rounded,
        context: &mut [f32], // [T, H]
    ) {
        let (h, t) = (self.output.dense[0].inputs(), call.batch.tokens());
        let width = h / self.qkv.len(); // of a group
        let x = call.time(Operation::QueryKeyValue, || {
            self.qkv[0].round(call.level, Rows::new(x, h), rounded)
        });
        for group in call.rank.share(self.qkv.len()) {
            let qkv = &mut part[..t * 3 * width];
            call.time(Operation::QueryKeyValue, || {
                let (linear, y) = (&self.qkv[group], RowsMut::new(qkv, 3 * width));
                linear.columns(0..3 * width, x, y, Epilogue::Identity, false);
            });
            let qkv = attention::split(Rows::new(qkv, 3 * width));
            let mut context = RowsMut::new(context, h);
            let context = context.columns(group * width..(group + 1) * width);
            call.time(Operation::Attention, || {
                attention(call.level, qkv, self.heads, call.batch.starts(), scores, context)
            });
        }
        call.rank.all_gather(context, h, width);
    }
}

impl Intermediate {
    /// inner ← gelu(x·W₁ᵀ + b), for one chunk of its columns.
    fn forward(
        &self,
        call: &Call,
        chunk: usize,
        x: Input,          // [T, H]
        inner: &mut [f32], // [T, FFN_CHUNK]
    ) {
        let dense = &self.dense[chunk];
        let width = dense.outputs();
        let inner = &mut inner[..call.batch.tokens() * width];
        let columns = share(dense, call.rank);
        let y = &mut RowsMut::new(inner, width);
        let y = y.columns(columns.clone());
        dense.columns(columns, x, y, Epilogue::Gelu, false);
        call.rank.all_gather(inner, width, PART);
    }
}

impl Output {
    /// y ← (y +) x·W[.., piece]ᵀ, and with the last piece + b + residual.
    fn project(
        &self,
        call: &Call,
        piece: usize,
        x: &[f32],        // [T, columns of the piece]
        residual: &[f32], // [T, H]
        rounded: &mut Rounded,
        y: &mut [f32], // [T, H]
    ) {
        let dense = &self.dense[piece];
        let (h, k) = (dense.outputs(), dense.inputs());
        let columns = share(dense, call.rank);
        let x = Rows::new(&x[..call.batch.tokens() * k], k);
        let x = dense.round(call.level, x, rounded);
        let residual = Rows::new(residual, h).columns(columns.clone());
        let y = &mut RowsMut::new(y, h);
        let y = y.columns(columns.clone());
        let epilogue = match piece + 1 == self.dense.len() {
            true => Epilogue::Residual(residual),
            false => Epilogue::Identity,
        };
        dense.columns(columns, x, y, epilogue, piece > 0);
    }

    /// y ← LayerNorm(y), when the shares of all threads are there.
    fn normalise(&self, call: &Call, y: &mut [f32]) {
        call.rank.all_gather(y, self.dense[0].outputs(), PART);
        self.layer_norm.forward(call.level, y);
    }
}

/// The thread's share of the columns of a layer's y.
fn share(linear: &Projection, rank: &Rank) -> Range<usize> {
    rank.columns(linear.outputs(), PART)
}
