//! The forward pass of a pack, which fills its tape.
//!
//! ```text
//! x = dropout(LayerNorm(word[id] + type[0] + position[t]))       [T, H]
//! for each layer:
//!   context = attention(x·W_qkvᵀ + b)                            [T, H]
//!   y       = LayerNorm(dropout(context·W_oᵀ + b) + x)           [T, H]
//!   h       = y·W₁ᵀ + b                                          [T, F]
//!   x       = LayerNorm(dropout(gelu(h)·W₂ᵀ + b) + y)            [T, H]
//! ```
//!
//! Without dropout the hidden states have the bits of [`minilm_model::Bert`].

use super::{
    Network, Sites,
    batch::Chunk,
    parameters::{Dense, Layer, Norm},
    scratch::{self, Work},
    tape::{LayerTape, Normed, Tape},
};
use minilm_kernels::{
    Rows, RowsMut,
    attention::{Attention, split},
    gelu::gelu_slice,
    layer_norm::{normalize_rows, scale_and_shift},
    linear::Epilogue,
};

impl Network {
    /// The pooled vectors `[sentences, H]` of a pack. A tape with a single layer is used again by
    /// each.
    pub(super) fn forward_pack(
        &self,
        pack: &Chunk,
        sites: Option<&Sites>,
        tape: &mut Tape,
    ) -> Vec<f32> {
        let (t, sizes) = (pack.tokens(), self.sizes());
        scratch::with(|work| {
            work.x.resize(t * sizes.hidden);
            work.y.resize(t * sizes.hidden);
            work.inner.resize(t * sizes.inner);
            self.embed_tokens(pack, tape.embeddings.x);
            self.normalize(&self.embeddings.norm, &mut tape.embeddings, &mut work.x);
            self.drop(sites.and_then(Sites::embeddings), pack, &mut work.x);
            let tapes = tape.layers.len();
            for (n, layer) in self.layers.iter().enumerate() {
                let tape = tape.layers[n.min(tapes - 1)].reborrow();
                self.forward_layer(n, layer, pack, sites, tape, work);
            }
            self.pool(pack, &work.x)
        })
    }

    /// x ← word[id] + type[0] + position[t]
    fn embed_tokens(&self, pack: &Chunk, x: &mut [f32]) {
        let h = self.sizes().hidden;
        let e = &self.embeddings;
        let token_type = &e.token_type.value[..h];
        for sentence in pack.starts.windows(2) {
            for (position, t) in (sentence[0]..sentence[1]).enumerate() {
                let id = pack.ids[t] as usize;
                let word = &e.word.value[id * h..(id + 1) * h];
                let position = &e.position.value[position * h..(position + 1) * h];
                let parts = word.iter().zip(token_type).zip(position);
                let row = &mut x[t * h..(t + 1) * h];
                for (x, ((word, token_type), position)) in row.iter_mut().zip(parts) {
                    *x = word + token_type + position;
                }
            }
        }
    }

    fn forward_layer(
        &self,
        n: usize,
        layer: &Layer,
        pack: &Chunk,
        sites: Option<&Sites>,
        mut tape: LayerTape,
        work: &mut Work,
    ) {
        let h = self.sizes().hidden;
        let Work { x, y, inner, scores, .. } = work;
        // context = attention(x·W_qkvᵀ + b)
        layer.qkv.packed.forward(x, tape.qkv);
        let qkv = split(Rows::new(tape.qkv, 3 * h));
        let context = RowsMut::new(tape.context, h);
        let heads = self.config.num_attention_heads;
        let attention = Attention::new(qkv, heads, &pack.starts, scores, context);
        self.level.run(attention.with_dropout(sites.and_then(|s| s.attention(n, pack.first))));
        // y = LayerNorm(dropout(context·W_oᵀ + b) + x)
        let dropout = sites.and_then(|s| s.attention_output(n));
        self.project(&layer.attention_output, tape.context, dropout, pack, x, tape.attended.x);
        self.normalize(&layer.attention_norm, &mut tape.attended, y);
        // x = LayerNorm(dropout(gelu(y·W₁ᵀ + b)·W₂ᵀ + b) + y)
        layer.intermediate.packed.forward(y, tape.inner);
        inner.copy_from_slice(tape.inner);
        gelu_slice(self.level, inner);
        let dropout = sites.and_then(|s| s.output(n));
        self.project(&layer.output, inner, dropout, pack, y, tape.output.x);
        self.normalize(&layer.output_norm, &mut tape.output, x);
    }

    /// to ← dropout(x·Wᵀ + b) + residual
    fn project(
        &self,
        dense: &Dense,
        x: &[f32],
        dropout: Option<minilm_kernels::dropout::Dropout>,
        pack: &Chunk,
        residual: &[f32],
        to: &mut [f32],
    ) {
        let [n, k] = dense.shape();
        let x = Rows::new(x, k);
        match dropout {
            None => {
                let residual = Epilogue::Residual(Rows::new(residual, n));
                dense.packed.forward_with(x, RowsMut::new(to, n), residual);
            }
            Some(_) => {
                dense.packed.forward_with(x, RowsMut::new(to, n), Epilogue::Identity);
                self.drop(dropout, pack, to);
                to.iter_mut().zip(residual).for_each(|(to, r)| *to += r);
            }
        }
    }

    /// x̂ and r of what lies in the tape, and y = x̂·γ + β.
    fn normalize(&self, norm: &Norm, tape: &mut Normed, y: &mut [f32]) {
        let h = self.sizes().hidden;
        normalize_rows(self.level, RowsMut::new(tape.x, h), self.epsilon(), tape.scale);
        self.scale_and_shift(norm, tape.x, y);
    }

    /// y ← x̂·γ + β
    pub(super) fn scale_and_shift(&self, norm: &Norm, x: &[f32], y: &mut [f32]) {
        let h = self.sizes().hidden;
        let (gamma, beta) = (&norm.gamma.value, &norm.beta.value);
        scale_and_shift(self.level, Rows::new(x, h), gamma, beta, RowsMut::new(y, h));
    }

    /// x ← dropout(x) for the rows `[T, H]` of a pack.
    pub(super) fn drop(
        &self,
        dropout: Option<minilm_kernels::dropout::Dropout>,
        pack: &Chunk,
        x: &mut [f32],
    ) {
        if let Some(dropout) = dropout {
            let x = RowsMut::new(x, self.sizes().hidden);
            dropout.apply(self.level, pack.first, &pack.starts, x);
        }
    }
}
