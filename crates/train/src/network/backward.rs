//! The backward pass of a chunk: activations pack by pack, then the weights of each layer.
//!
//! ```text
//! for each layer, last to first, from the gradient of its output `out` [T, H]:
//!   pack by pack, one thread each:
//!     z   = LayerNorm'(out)              f = dropout'(z)          dh = (f·W₂)⊙gelu'(h)
//!     mid = dh·W₁ + z
//!     y   = LayerNorm'(mid)              o = dropout'(y)
//!     d_qkv = attention'(o·W_o)          in = d_qkv·W_qkv + y     the next layer's `out`
//!   over the whole chunk, rows of dW dealt to threads:
//!     dW₂ += fᵀ·gelu(h)   dW₁ += dhᵀ·y   dW_o += oᵀ·context   dW_qkv += d_qkvᵀ·x    and biases,
//!     dγ₂, dβ₂ from out   dγ₁, dβ₁ from mid
//! ```
//!
//! Without dropout, f is z and o is y.

use super::{
    Network, Sites,
    batch::Chunk,
    parameters::{Dense, Layer, Norm},
    scratch,
    tape::{LayerTape, Memory, Normed, Tape, first_rows},
};
use minilm_kernels::{
    Level, Rows, RowsMut,
    attention::{BackwardScratch, attention_backward, split},
    column_sums::{column_products, column_sums},
    gelu::gelu_backward,
    gemm::{input_gradient, weight_gradient},
    layer_norm::layer_norm_backward,
};
use rayon::prelude::*;

/// The tokens of a pack, roughly. The products copy the weights, once for a pack.
const BACKWARD_PACK: usize = 256;

/// The gradients of a layer's activations, and what the gradients of its weights need besides.
struct Gradients<'a> {
    out: &'a mut [f32],       // of the layer's output [T, H]
    z: &'a mut [f32],         // of the sum before the second LayerNorm [T, H]
    dropped_z: &'a mut [f32], // [T, H]
    inner: &'a mut [f32],     // of h [T, F]
    mid: &'a mut [f32],       // of the first LayerNorm's output [T, H]
    y: &'a mut [f32],         // of the sum before the first LayerNorm [T, H]
    dropped_y: &'a mut [f32], // [T, H]
    context: &'a mut [f32],   // [T, H]
    qkv: &'a mut [f32],       // [T, 3H]
    input: &'a mut [f32],     // of the layer's input [T, H]
    x: &'a mut [f32],         // the layer's input [T, H]
    attended: &'a mut [f32],  // the first LayerNorm's output [T, H]
}

impl<'a> Gradients<'a> {
    /// Floats per token.
    fn size(h: usize, f: usize) -> usize {
        13 * h + f
    }

    fn lay_out(mut memory: &'a mut [f32], tokens: usize, h: usize, f: usize) -> Gradients<'a> {
        let mut next = |cols: usize| memory.split_off_mut(..tokens * cols).expect("as `size` says");
        Gradients {
            out: next(h),
            z: next(h),
            dropped_z: next(h),
            inner: next(f),
            mid: next(h),
            y: next(h),
            dropped_y: next(h),
            context: next(h),
            qkv: next(3 * h),
            input: next(h),
            x: next(h),
            attended: next(h),
        }
    }

    fn reborrow(&mut self) -> Gradients<'_> {
        Gradients {
            out: self.out,
            z: self.z,
            dropped_z: self.dropped_z,
            inner: self.inner,
            mid: self.mid,
            y: self.y,
            dropped_y: self.dropped_y,
            context: self.context,
            qkv: self.qkv,
            input: self.input,
            x: self.x,
            attended: self.attended,
        }
    }

    /// Cuts the rows into packs of these lengths.
    fn cut(mut self, lengths: &[usize]) -> Vec<Gradients<'a>> {
        let mut left = lengths.iter().sum();
        let mut packs = Vec::with_capacity(lengths.len());
        for &rows in lengths {
            packs.push(Gradients {
                out: first_rows(&mut self.out, rows, left),
                z: first_rows(&mut self.z, rows, left),
                dropped_z: first_rows(&mut self.dropped_z, rows, left),
                inner: first_rows(&mut self.inner, rows, left),
                mid: first_rows(&mut self.mid, rows, left),
                y: first_rows(&mut self.y, rows, left),
                dropped_y: first_rows(&mut self.dropped_y, rows, left),
                context: first_rows(&mut self.context, rows, left),
                qkv: first_rows(&mut self.qkv, rows, left),
                input: first_rows(&mut self.input, rows, left),
                x: first_rows(&mut self.x, rows, left),
                attended: first_rows(&mut self.attended, rows, left),
            });
            left -= rows;
        }
        packs
    }
}

/// A pack with its rows of the layer's input.
struct PackOfLayer<'p, 'a> {
    pack: &'p Chunk<'p>,
    tape: LayerTape<'a>,
    gradients: Gradients<'a>,
    before: &'a [f32], // x̂ of the LayerNorm whose output is the layer's input
}

impl Network {
    /// Adds the gradients of a chunk to those of the parameters. `d_hidden` `[T, H]` is the
    /// gradient of the last hidden states.
    pub(super) fn backward_chunk(
        &mut self,
        chunk: &Chunk,
        sites: Option<&Sites>,
        mut tape: Tape,
        d_hidden: &[f32],
        memory: &mut Memory,
    ) {
        let (t, sizes) = (chunk.tokens(), self.sizes());
        let (h, f) = (sizes.hidden, sizes.inner);
        let packs = chunk.packs(BACKWARD_PACK, rayon::current_num_threads());
        let packs: Vec<Chunk> = packs.iter().map(|pack| chunk.pack(pack)).collect();
        let memory = memory.take(t * Gradients::size(h, f));
        let mut gradients = Gradients::lay_out(memory, t, h, f);
        gradients.out.copy_from_slice(d_hidden);
        for n in (0..self.layers.len()).rev() {
            let (before, layer) = tape.layers.split_at_mut(n);
            let before =
                before.last_mut().map_or(tape.embeddings.reborrow(), |l| l.output.reborrow());
            self.layer_activations(
                n,
                &packs,
                sites,
                layer[0].reborrow(),
                &before,
                gradients.reborrow(),
            );
            layer_weights(self.level, &mut self.layers[n], &layer[0], &gradients);
            std::mem::swap(&mut gradients.out, &mut gradients.input);
        }
        self.backward_embeddings(chunk, sites, &tape.embeddings, gradients);
    }

    fn layer_activations(
        &self,
        n: usize,
        packs: &[Chunk],
        sites: Option<&Sites>,
        tape: LayerTape,
        before: &Normed,
        gradients: Gradients,
    ) {
        let h = self.sizes().hidden;
        let lengths: Vec<usize> = packs.iter().map(Chunk::tokens).collect();
        let mut rest: &[f32] = before.x;
        let parts = packs.iter().zip(tape.cut(&lengths)).zip(gradients.cut(&lengths));
        let work: Vec<PackOfLayer> = parts
            .map(|((pack, tape), gradients)| {
                let before = rest.split_off(..pack.tokens() * h).expect("a pack's rows");
                PackOfLayer { pack, tape, gradients, before }
            })
            .collect();
        work.into_par_iter().with_max_len(1).for_each(|pack| {
            scratch::with(|work| self.pack_activations(n, pack, sites, &mut work.backward));
        });
    }

    fn pack_activations(
        &self,
        n: usize,
        work: PackOfLayer,
        sites: Option<&Sites>,
        scratch: &mut BackwardScratch,
    ) {
        let PackOfLayer { pack, mut tape, gradients: g, before } = work;
        let (level, layer) = (self.level, &self.layers[n]);
        let (h, f) = (self.sizes().hidden, self.sizes().inner);
        // z = LayerNorm'(out), f = dropout'(z), dh = (f·W₂)⊙gelu'(h), and gelu(h) in the place of h
        self.norm_backward(&layer.output_norm, &tape.output, g.out, g.z);
        g.dropped_z.copy_from_slice(g.z);
        self.drop(sites.and_then(|s| s.output(n)), pack, g.dropped_z);
        through(level, &layer.output, g.dropped_z, None, g.inner);
        activate(level, tape.inner, g.inner, f);
        // mid = dh·W₁ + z, y = LayerNorm'(mid), o = dropout'(y)
        through(level, &layer.intermediate, g.inner, Some(g.z), g.mid);
        self.norm_backward(&layer.attention_norm, &tape.attended, g.mid, g.y);
        g.dropped_y.copy_from_slice(g.y);
        self.drop(sites.and_then(|s| s.attention_output(n)), pack, g.dropped_y);
        // d_qkv = attention'(o·W_o), in = d_qkv·W_qkv + y
        through(level, &layer.attention_output, g.dropped_y, None, g.context);
        attention_backward(
            level,
            split(Rows::new(tape.qkv, 3 * h)),
            Rows::new(g.context, h),
            self.config.num_attention_heads,
            &pack.starts,
            sites.and_then(|s| s.attention(n, pack.first)),
            scratch,
            RowsMut::new(g.qkv, 3 * h),
        );
        through(level, &layer.qkv, g.qkv, Some(g.y), g.input);
        // What the products of the weights' gradients need besides.
        self.scale_and_shift(&layer.attention_norm, tape.attended.reborrow().x, g.attended);
        let norm = match n {
            0 => &self.embeddings.norm,
            n => &self.layers[n - 1].output_norm,
        };
        self.scale_and_shift(norm, before, g.x);
        if n == 0 {
            self.drop(sites.and_then(Sites::embeddings), pack, g.x);
        }
    }

    /// dx of a LayerNorm.
    fn norm_backward(&self, norm: &Norm, tape: &Normed, dy: &[f32], dx: &mut [f32]) {
        let h = self.sizes().hidden;
        let (dy, x, gamma) = (Rows::new(dy, h), Rows::new(tape.x, h), &norm.gamma.value);
        layer_norm_backward(self.level, dy, x, tape.scale, gamma, RowsMut::new(dx, h));
    }

    /// The embeddings' LayerNorm and the three tables: rows are added in the order of the batch.
    fn backward_embeddings(
        &mut self,
        chunk: &Chunk,
        sites: Option<&Sites>,
        tape: &Normed,
        gradients: Gradients,
    ) {
        let h = self.sizes().hidden;
        let Gradients { out, z, .. } = gradients;
        self.drop(sites.and_then(Sites::embeddings), chunk, out);
        self.norm_backward(&self.embeddings.norm, tape, out, z);
        let e = &mut self.embeddings;
        norm_gradient(self.level, &mut e.norm, out, tape.x);
        column_sums(self.level, Rows::new(z, h), &mut e.token_type.gradient[..h]);
        for sentence in chunk.starts.windows(2) {
            for (position, t) in (sentence[0]..sentence[1]).enumerate() {
                let (id, row) = (chunk.ids[t] as usize, &z[t * h..(t + 1) * h]);
                if self.config.pad_token_id != Some(chunk.ids[t]) {
                    add(&mut e.word.gradient[id * h..(id + 1) * h], row);
                }
                add(&mut e.position.gradient[position * h..(position + 1) * h], row);
            }
        }
        self.rows.touch(chunk.ids);
    }
}

/// to ← to + from
fn add(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

/// dx ← dy·W (+ residual)
fn through(level: Level, dense: &Dense, dy: &[f32], residual: Option<&[f32]>, dx: &mut [f32]) {
    let [n, k] = dense.shape();
    let (dy, weight) = (Rows::new(dy, n), Rows::new(&dense.weight.value, k));
    input_gradient(level, dy, weight, residual.map(|r| Rows::new(r, k)), RowsMut::new(dx, k));
}

/// dy ← dy⊙gelu'(h) and h ← gelu(h), a row at a time.
fn activate(level: Level, h: &mut [f32], dy: &mut [f32], cols: usize) {
    gelu_backward(level, RowsMut::new(h, cols), RowsMut::new(dy, cols));
}

/// A part of a linear layer's gradients: some rows of dW and db.
struct Part<'a> {
    dy: Rows<'a>,          // [T, rows]
    x: Rows<'a>,           // [T, K]
    weight: &'a mut [f32], // [rows, K]
    bias: &'a mut [f32],   // [rows]
}

/// The fewest rows of dW that a thread computes at a time: each part packs x for itself.
const PART: usize = 96;

/// The parts of a layer's gradients, one for each thread, each with its own columns of dy.
fn parts<'a>(dense: &'a mut Dense, dy: &'a [f32], x: &'a [f32]) -> impl Iterator<Item = Part<'a>> {
    let [n, k] = dense.shape();
    let (dy, x) = (Rows::new(dy, n), Rows::new(x, k));
    let part = n.div_ceil(rayon::current_num_threads()).next_multiple_of(PART);
    let weights = dense.weight.gradient.chunks_mut(part * k);
    weights.zip(dense.bias.gradient.chunks_mut(part)).enumerate().map(move |(i, (weight, bias))| {
        Part { dy: dy.columns(i * part..i * part + bias.len()), x, weight, bias }
    })
}

/// The gradients of a layer's parameters over the whole chunk.
fn layer_weights(level: Level, layer: &mut Layer, tape: &LayerTape, g: &Gradients) {
    norm_gradient(level, &mut layer.output_norm, g.out, tape.output.x);
    norm_gradient(level, &mut layer.attention_norm, g.mid, tape.attended.x);
    let Layer { qkv, attention_output, intermediate, output, .. } = layer;
    let work: Vec<Part> = parts(output, g.dropped_z, tape.inner)
        .chain(parts(intermediate, g.inner, g.attended))
        .chain(parts(attention_output, g.dropped_y, tape.context))
        .chain(parts(qkv, g.qkv, g.x))
        .collect();
    work.into_par_iter().with_max_len(1).for_each(|part| {
        let Part { dy, x, weight, bias } = part;
        scratch::with(|work| {
            weight_gradient(level, dy, x, &mut work.panels, RowsMut::new(weight, x.cols()));
        });
        column_sums(level, dy, bias);
    });
}

/// dγ and dβ of a LayerNorm.
fn norm_gradient(level: Level, norm: &mut Norm, dy: &[f32], x: &[f32]) {
    let h = norm.gamma.value.len();
    column_products(level, Rows::new(dy, h), Rows::new(x, h), &mut norm.gamma.gradient);
    column_sums(level, Rows::new(dy, h), &mut norm.beta.gradient);
}
