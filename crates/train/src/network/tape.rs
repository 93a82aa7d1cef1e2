//! What the forward pass keeps for the backward pass, and the memory for it.
//!
//! ```text
//! embeddings    x̂ [T, H], r [T]
//! each layer    q, k, v [T, 3H]   context [T, H]   x̂₁ [T, H], r₁ [T]   h [T, F]   x̂₂ [T, H], r₂
//! ```
//!
//! h is the feed-forward's inner layer before GELU. A layer's input is x̂₂·γ + β of the layer
//! before it, made again. A token takes 92 kB for all-MiniLM-L6-v2.
//!
//! One piece of memory holds a chunk's tape, and is used again for the next.

use minilm_kernels::memory::Pages;

/// Tensors of a layer, as what they are borrowed as.
pub(super) struct LayerTape<'a> {
    pub qkv: &'a mut [f32],     // [T, 3H]
    pub context: &'a mut [f32], // [T, H]
    pub attended: Normed<'a>,   // x̂₁
    pub inner: &'a mut [f32],   // [T, F], before GELU
    pub output: Normed<'a>,     // x̂₂
}

/// A LayerNorm's x̂ and r.
pub(super) struct Normed<'a> {
    pub x: &'a mut [f32],     // [T, H]
    pub scale: &'a mut [f32], // [T]
}

/// The tape of a chunk or of a pack.
pub(super) struct Tape<'a> {
    pub embeddings: Normed<'a>,
    pub layers: Vec<LayerTape<'a>>,
}

/// The sizes that the tensors have besides T.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub hidden: usize,
    pub inner: usize,
    pub layers: usize,
}

/// Memory that grows and is used again.
#[derive(Debug, Default)]
pub(super) struct Memory(Option<Pages<f32>>);

impl Memory {
    /// `len` values: zeros, or some from before.
    pub(super) fn take(&mut self, len: usize) -> &mut [f32] {
        if self.0.as_ref().is_none_or(|pages| pages.len() < len) {
            self.0 = Some(Pages::zeroed(len));
        }
        &mut self.0.as_mut().expect("it is there now")[..len]
    }
}

impl Sizes {
    /// Floats of a layer's tape per token.
    fn layer(self) -> usize {
        6 * self.hidden + self.inner + 2
    }

    /// Floats of a tape with `layers` layers, for T tokens.
    pub(super) fn tape(self, layers: usize, tokens: usize) -> usize {
        tokens * (self.hidden + 1 + layers * self.layer())
    }

    /// A tape in `memory`, which is as long as [`Sizes::tape`] says.
    pub(super) fn lay_out(self, mut memory: &mut [f32], layers: usize, tokens: usize) -> Tape<'_> {
        let h = self.hidden;
        let mut next =
            |cols: usize| memory.split_off_mut(..tokens * cols).expect("it is long enough");
        // Scales come last: they are no whole lines of the cache, and would shift what follows.
        let x = next(h);
        let tensors: Vec<_> = (0..layers)
            .map(|_| [next(3 * h), next(h), next(h), next(self.inner), next(h)])
            .collect();
        let embeddings = Normed { x, scale: next(1) };
        let layer = |[qkv, context, attended, inner, output]: [_; 5]| LayerTape {
            qkv,
            context,
            attended: Normed { x: attended, scale: next(1) },
            inner,
            output: Normed { x: output, scale: next(1) },
        };
        let layers = tensors.into_iter().map(layer).collect();
        Tape { embeddings, layers }
    }
}

/// Takes the first `rows` of `tokens` rows from a tensor that is cut into packs, front to back.
pub(super) fn first_rows<'a>(
    tensor: &mut &'a mut [f32],
    rows: usize,
    tokens: usize,
) -> &'a mut [f32] {
    let len = tensor.len() / tokens * rows;
    tensor.split_off_mut(..len).expect("a pack's rows are in the chunk")
}

impl<'a> Normed<'a> {
    pub(super) fn reborrow(&mut self) -> Normed<'_> {
        Normed { x: self.x, scale: self.scale }
    }

    fn first_rows(&mut self, rows: usize, tokens: usize) -> Normed<'a> {
        Normed {
            x: first_rows(&mut self.x, rows, tokens),
            scale: first_rows(&mut self.scale, rows, tokens),
        }
    }
}

impl<'a> LayerTape<'a> {
    /// The same, borrowed for a shorter time.
    pub(super) fn reborrow(&mut self) -> LayerTape<'_> {
        LayerTape {
            qkv: self.qkv,
            context: self.context,
            attended: self.attended.reborrow(),
            inner: self.inner,
            output: self.output.reborrow(),
        }
    }

    fn first_rows(&mut self, rows: usize, tokens: usize) -> LayerTape<'a> {
        LayerTape {
            qkv: first_rows(&mut self.qkv, rows, tokens),
            context: first_rows(&mut self.context, rows, tokens),
            attended: self.attended.first_rows(rows, tokens),
            inner: first_rows(&mut self.inner, rows, tokens),
            output: self.output.first_rows(rows, tokens),
        }
    }

    /// Cuts the rows into packs of these lengths.
    pub(super) fn cut(mut self, lengths: &[usize]) -> Vec<LayerTape<'a>> {
        let mut left = lengths.iter().sum();
        lengths
            .iter()
            .map(|&rows| {
                let pack = self.first_rows(rows, left);
                left -= rows;
                pack
            })
            .collect()
    }
}

impl<'a> Tape<'a> {
    /// Cuts the rows into packs of these lengths.
    pub(super) fn cut(mut self, lengths: &[usize]) -> Vec<Tape<'a>> {
        let mut left = lengths.iter().sum();
        let mut packs = Vec::with_capacity(lengths.len());
        for &rows in lengths {
            packs.push(Tape {
                embeddings: self.embeddings.first_rows(rows, left),
                layers: self.layers.iter_mut().map(|layer| layer.first_rows(rows, left)).collect(),
            });
            left -= rows;
        }
        packs
    }
}
