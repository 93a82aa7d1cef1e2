//! Weights in panels of any number of vectors, in huge pages or small ones.

use super::Variant;
use minilm_kernels::{AlignedVec, memory::Pages, simd::LANES};
use std::{
    ops::{Deref, DerefMut, Range},
    sync::Arc,
};

/// A layer's weights `[panels, K, NV vectors]` and bias `[N]`; N is a whole number of panels.
#[derive(Clone, Debug)]
pub struct Packed {
    memory: Arc<Memory>,  // shared by the layers that were packed together
    panels: Range<usize>, // of the memory
    bias: Vec<f32>,
    vectors: usize,
    k: usize,
}

#[derive(Debug)]
enum Memory {
    Huge(Pages<f32>),
    Small(AlignedVec),
}

impl Packed {
    /// Packs layers that are used one after the other, each given by its weight `[N, K]` and bias
    /// `[N]`, into one piece of memory.
    ///
    /// # Panics
    /// If a bias is empty, a weight is no whole number of rows, or N no whole number of panels.
    ///
    /// ```
    /// use minilm_kernels::Level;
    /// use minilm_ladder::bakeoff::{Packed, Variant};
    /// for variant in Variant::all(Level::detect()) {
    ///     let packed = Packed::new(variant, &[(&[0.5; 3 * 192], &[1.0; 192])]);
    ///     assert_eq!(
    ///         (packed[0].inputs(), packed[0].outputs(), packed[0].vectors()),
    ///         (3, 192, variant.vectors)
    ///     );
    /// }
    /// ```
    pub fn new(variant: Variant, layers: &[(&[f32], &[f32])]) -> Vec<Packed> {
        let (vectors, nr) = (variant.vectors, variant.vectors * LANES);
        let len = layers.iter().map(|(weight, _)| weight.len()).sum();
        let mut memory = if variant.huge_pages {
            Memory::Huge(Pages::zeroed(len))
        } else {
            Memory::Small(AlignedVec::zeroed(len))
        };
        let mut rest = &mut memory[..];
        for (weight, bias) in layers {
            assert!(
                bias.len() >= nr && bias.len().is_multiple_of(nr),
                "{} columns are no whole panels of {nr}",
                bias.len()
            );
            assert!(
                weight.len().is_multiple_of(bias.len()),
                "{} weights are no whole rows",
                weight.len()
            );
            let k = weight.len() / bias.len();
            let (panels, behind) = rest.split_at_mut(weight.len());
            for (panel, columns) in panels.chunks_exact_mut(k * nr).zip(weight.chunks_exact(k * nr))
            {
                pack(columns, panel, k);
            }
            rest = behind;
        }
        let memory = Arc::new(memory);
        let mut end = 0;
        let packed = layers.iter().map(|(weight, bias)| {
            let start = end;
            end += weight.len();
            let (memory, k) = (Arc::clone(&memory), weight.len() / bias.len());
            Packed { memory, panels: start..end, bias: bias.to_vec(), vectors, k }
        });
        packed.collect()
    }

    /// Columns of x: K.
    pub fn inputs(&self) -> usize {
        self.k
    }

    /// Columns of y: N.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Vectors of a panel: NV.
    pub fn vectors(&self) -> usize {
        self.vectors
    }

    /// The weights, NV vectors for every k: K for each panel, and then what lies behind them.
    #[inline(always)]
    pub(super) fn weights<const NV: usize>(&self) -> &[[[f32; LANES]; NV]] {
        self.memory[self.panels.start..].as_chunks().0.as_chunks().0
    }

    /// The bias of each panel.
    #[inline(always)]
    pub(super) fn bias<const NV: usize>(&self) -> &[[[f32; LANES]; NV]] {
        self.bias.as_chunks().0.as_chunks().0
    }
}

/// Columns `[NR, K]` → panel `[K, NR]`.
fn pack(columns: &[f32], panel: &mut [f32], k: usize) {
    let nr = panel.len() / k;
    for (j, column) in columns.chunks_exact(k).enumerate() {
        for (to, w) in panel.chunks_exact_mut(nr).zip(column) {
            to[j] = *w;
        }
    }
}

impl Deref for Memory {
    type Target = [f32];
    #[inline]
    fn deref(&self) -> &[f32] {
        match self {
            Memory::Huge(pages) => pages,
            Memory::Small(vec) => vec,
        }
    }
}

impl DerefMut for Memory {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        match self {
            Memory::Huge(pages) => pages,
            Memory::Small(vec) => vec,
        }
    }
}
