//! `encoder`: the stack of layers.
//!
//! ```text
//! qkv     = x·W_qkvᵀ + b                                   [T, 3H]   query, key and value of some heads at a time
//! context = attention(qkv)                                 [T, H]
//! y       = LayerNorm(context·W_oᵀ + b + x)                [T, H]
//! x       = LayerNorm(gelu(y·W_1ᵀ + b)·W_2ᵀ + b + y)       [T, H]    in chunks of F
//! ```
//!
//! What is wider than H is never whole. Queries, keys and values are computed for a few heads and
//! used up before the next; the feed-forward's inner layer `[T, F]` is computed [`FFN_CHUNK`]
//! columns at a time, and each chunk is multiplied into the result before the next. So all products
//! together work on 4·H floats a token, which for a pack fit in the second-level cache, instead of
//! 3·H + F. The order of additions is the same either way.
//!
//! In the book: `docs/01-model.md`.

mod load;

use crate::{Member, Operation, Pack, Scratch, Stage, embeddings::LayerNorm, stage::Observation};
use minilm_kernels::{
    Level, Rows, RowsMut,
    attention::attention,
    gemm::{Columns, Epilogue, KC, Linear, PART},
};
use std::{mem, ops::Range};

/// Columns of the feed-forward's inner layer at a time: whole chains of the second product.
const FFN_CHUNK: usize = 3 * KC;

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
    qkv: Vec<Linear>,
    /// Heads of a group.
    heads: usize,
    output: Output,
}

/// `encoder.layer.n.intermediate`
#[derive(Debug)]
struct Intermediate {
    /// `dense` `[F, H]`, cut into layers of `FFN_CHUNK` outputs.
    dense: Vec<Linear>,
}

/// `….output`: a projection, the residual, a LayerNorm.
#[derive(Debug)]
struct Output {
    dense: Linear,
    layer_norm: LayerNorm,
}

/// What stays the same through all layers.
pub(crate) struct Call<'a> {
    pub level: Level,
    pub pack: &'a Pack,
    pub member: &'a Member<'a>,
}

impl Encoder {
    pub(crate) fn forward(
        &self,
        call: &Call,
        scratch: &mut Scratch,
        observation: &mut Observation,
    ) {
        for (n, layer) in self.layer.iter().enumerate() {
            let next = self.layer.get(n + 1).and_then(|next| next.attention.first(call.member));
            layer.forward(call, scratch, n, next, observation);
        }
    }

    /// Members of a team who all have a share of some product.
    pub(crate) fn shares(&self) -> usize {
        let parts = |linear: &Linear| linear.outputs().div_ceil(PART);
        let of_layer = |layer: &Layer| {
            let inner = layer.intermediate.dense.first().map_or(0, parts);
            layer.attention.qkv.len().max(parts(&layer.output.dense)).max(inner)
        };
        self.layer.first().map_or(1, of_layer)
    }
}

impl Layer {
    /// x ← layer(x), x `[T, H]` in `scratch`; `next` is the product that comes after it.
    fn forward(
        &self,
        call: &Call,
        scratch: &mut Scratch,
        n: usize,
        next: Option<Columns>,
        observation: &mut Observation,
    ) {
        let h = self.output.dense.outputs();
        if observation.is_wanted() {
            self.attention.projections(scratch);
            for (part, stage) in
                [Stage::Query(n), Stage::Key(n), Stage::Value(n)].into_iter().enumerate()
            {
                observation.show(
                    stage,
                    Rows::new(&scratch.whole, 3 * h).columns(part * h..(part + 1) * h),
                );
            }
        }
        self.attention.forward(call, scratch, n, observation);
        observation.show(Stage::Attention(n), Rows::new(&scratch.context, h));

        let x = Rows::new(&scratch.x, h); // [T, H]
        let y = scratch.y.resize(x.rows() * h);
        let context = Rows::new(&scratch.context, h);
        let inner = self.intermediate.dense.first().map(|dense| share(dense, call.member));
        self.attention.output.accumulate(call.member, context, 0..h, RowsMut::new(y, h), x, inner);
        observation.lap(Operation::AttentionOutput, n);
        self.attention.output.finish(call, y);
        observation.lap(Operation::AttentionNorm, n);
        mem::swap(&mut scratch.x, &mut scratch.y);
        observation.show(Stage::AttentionOutput(n), Rows::new(&scratch.x, h));

        if observation.is_wanted() {
            self.intermediate(scratch);
            let f = self.output.dense.inputs();
            observation.show(Stage::Intermediate(n), Rows::new(&scratch.whole, f));
        }
        self.feed_forward(call, scratch, n, next, observation);
        self.output.finish(call, &mut scratch.y);
        observation.lap(Operation::OutputNorm, n);
        mem::swap(&mut scratch.x, &mut scratch.y);
        observation.show(Stage::Output(n), Rows::new(&scratch.x, h));
    }

    /// y ← gelu(x·W₁ᵀ + b)·W₂ᵀ + b + x, a chunk of the inner layer at a time.
    fn feed_forward(
        &self,
        call: &Call,
        scratch: &mut Scratch,
        n: usize,
        next: Option<Columns>,
        observation: &mut Observation,
    ) {
        let h = self.output.dense.outputs();
        let x = Rows::new(&scratch.x, h); // [T, H]
        let y = scratch.y.resize(x.rows() * h);
        let mut start = 0;
        for (i, dense) in self.intermediate.dense.iter().enumerate() {
            let width = dense.outputs();
            let inner = scratch.part.resize(x.rows() * width); // [T, a chunk of F]
            let mut to = RowsMut::new(inner, width);
            let columns = share(dense, call.member)
                .before(Some(&share(&self.output.dense, call.member)), start);
            columns.accumulate(x, 0..h, to.columns(columns.range()), Epilogue::Gelu);
            call.member.exchange(inner, width, PART);
            observation.lap(Operation::Intermediate, n);
            let next = self
                .intermediate
                .dense
                .get(i + 1)
                .map(|dense| share(dense, call.member))
                .or_else(|| next.clone());
            self.output.accumulate(
                call.member,
                Rows::new(inner, width),
                start..start + width,
                RowsMut::new(y, h),
                x,
                next,
            );
            observation.lap(Operation::Output, n);
            start += width;
        }
    }

    /// The whole inner layer `[T, F]`, for an observer.
    fn intermediate(&self, scratch: &mut Scratch) {
        let f = self.output.dense.inputs();
        let x = Rows::new(&scratch.x, self.output.dense.outputs());
        let mut whole = RowsMut::new(scratch.whole.resize(x.rows() * f), f);
        let mut start = 0;
        for dense in &self.intermediate.dense {
            let end = start + dense.outputs();
            dense.forward_with(x, whole.columns(start..end), Epilogue::Gelu);
            start = end;
        }
    }
}

impl Attention {
    /// context ← attention of x, both `[T, H]` in `scratch`.
    fn forward(&self, call: &Call, scratch: &mut Scratch, n: usize, observation: &mut Observation) {
        let (h, t) = (self.output.dense.inputs(), call.pack.tokens());
        let whole = scratch.context.resize(t * h);
        let mut context = RowsMut::new(whole, h);
        let width = h / self.qkv.len(); // of a group
        let groups = call.member.share(self.qkv.len());
        for group in groups.clone() {
            let qkv = scratch.part.resize(t * 3 * width);
            let next = if group + 1 < groups.end {
                all(&self.qkv[group + 1])
            } else {
                share(&self.output.dense, call.member)
            };
            let columns = all(&self.qkv[group]).before(Some(&next), 0);
            columns.accumulate(
                Rows::new(&scratch.x, h),
                0..h,
                RowsMut::new(qkv, 3 * width),
                Epilogue::Bias,
            );
            observation.lap(Operation::QueryKeyValue, n);
            let context = context.columns(group * width..(group + 1) * width);
            attention(
                call.level,
                Rows::new(qkv, 3 * width),
                self.heads,
                call.pack.starts(),
                &mut scratch.attention,
                context,
            );
            observation.lap(Operation::Attention, n);
        }
        call.member.exchange(whole, h, width);
    }

    /// The first product of the member.
    fn first(&self, member: &Member) -> Option<Columns<'_>> {
        member.share(self.qkv.len()).next().map(|group| all(&self.qkv[group]))
    }

    /// The whole queries, keys and values `[T, 3H]`, for an observer.
    fn projections(&self, scratch: &mut Scratch) {
        let h = self.output.dense.inputs();
        let width = h / self.qkv.len(); // of a group
        let t = scratch.x.len() / h;
        let mut whole = RowsMut::new(scratch.whole.resize(t * 3 * h), 3 * h);
        for (group, qkv) in self.qkv.iter().enumerate() {
            let part = scratch.part.resize(t * 3 * width); // [T, query, key and value of the group]
            qkv.forward(&scratch.x, part);
            for (i, row) in part.chunks_exact(3 * width).enumerate() {
                for (which, from) in row.chunks_exact(width).enumerate() {
                    let start = which * h + group * width;
                    whole.row(i)[start..start + width].copy_from_slice(from);
                }
            }
        }
    }
}

impl Output {
    /// The member's share of y ← (y +) x·W[.., k]ᵀ, and with the last k + b + residual; `next` is
    /// the product that comes after it.
    fn accumulate(
        &self,
        member: &Member,
        x: Rows,
        k: Range<usize>,
        mut y: RowsMut,
        residual: Rows,
        next: Option<Columns>,
    ) {
        let columns = share(&self.dense, member);
        let residual = Epilogue::Residual(residual.columns(columns.range()));
        let y = y.columns(columns.range());
        columns.before(next.as_ref(), 0).accumulate(x, k, y, residual);
    }

    /// y ← LayerNorm(y), when all shares are there.
    fn finish(&self, call: &Call, y: &mut [f32]) {
        call.member.exchange(y, self.dense.outputs(), PART);
        self.layer_norm.forward(call.level, y);
    }
}

/// All columns of a layer's y.
fn all(linear: &Linear) -> Columns<'_> {
    linear.columns(0..linear.outputs())
}

/// The member's share of the columns of a layer's y.
fn share<'a>(linear: &'a Linear, member: &Member) -> Columns<'a> {
    linear.columns(member.columns(linear.outputs(), PART))
}
