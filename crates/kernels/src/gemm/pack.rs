//! Weights in the order in which the micro-kernel reads them.
//!
//! In the book: `docs/02-memory.md`.

use super::Epilogue;
use crate::{
    Level, Rows, RowsMut,
    simd::{Kernel, LANES, Pages, Simd},
};
use std::{ops::Range, sync::Arc};

/// A linear layer `y = x·Wᵀ + b` with its weights packed for one level (`torch.nn.Linear`).
///
/// ```text
/// W [N, K] as stored                   packed, NR = 2 for the picture
///   w00 w01 w02 …   ─ column 0 of y      panel 0: w00 w10 │ w01 w11 │ w02 w12 │ …   k ascending
///   w10 w11 w12 …   ─ column 1           panel 1: w20 w30 │ w21 w31 │ …
///   w20 w21 w22 …
/// ```
///
/// Missing columns of the last panel repeat the last one. A panel starts on a cache line.
///
/// ```
/// use minilm_kernels::{Level, gemm::Linear};
/// let linear = Linear::pack(Level::detect(), &[2.0, 3.0], &[0.5]); // W [1, 2], b [1]
/// let mut y = [0.0; 2];
/// linear.forward(&[1.0, 1.0, 10.0, 0.0], &mut y); // x [2, 2]
/// assert_eq!(y, [5.5, 20.5]);
/// ```
#[derive(Clone, Debug)]
pub struct Linear {
    pub(super) level: Level,
    memory: Arc<Pages>,   // shared by the layers that were packed together
    panels: Range<usize>, // of the memory: [panels, K, NR]
    bias: Vec<f32>,       // [N]
    k: usize,
}

impl Linear {
    /// Packs `weight` `[N, K]`, row-major as PyTorch stores it, for `level`; N is the length of
    /// `bias`.
    ///
    /// # Panics
    /// If `bias` is empty or `weight` is no whole number of rows.
    pub fn pack(level: Level, weight: &[f32], bias: &[f32]) -> Linear {
        Linear::pack_together(level, &[(weight, bias)]).swap_remove(0)
    }

    /// Packs layers that are used one after the other, each given by its weight and bias, into one
    /// piece of memory.
    ///
    /// # Panics
    /// As [`Linear::pack`].
    ///
    /// ```
    /// use minilm_kernels::{Level, gemm::Linear};
    /// let layers: [(&[f32], &[f32]); 2] = [(&[2.0, 3.0], &[0.5]), (&[1.0], &[0.0])];
    /// let packed = Linear::pack_together(Level::detect(), &layers);
    /// assert_eq!((packed[0].inputs(), packed[1].inputs()), (2, 1));
    /// ```
    pub fn pack_together(level: Level, layers: &[(&[f32], &[f32])]) -> Vec<Linear> {
        let nr = level.run(PanelVectors) * LANES;
        let mut len = 0;
        let panels: Vec<Range<usize>> = layers
            .iter()
            .map(|(weight, bias)| {
                let start = len;
                len += bias.len().div_ceil(nr) * inputs(weight, bias) * nr;
                start..len
            })
            .collect();

        let mut memory = Pages::zeroed(len);
        for ((weight, bias), panels) in layers.iter().zip(&panels) {
            level.run(Pack {
                weight: Rows::new(weight, inputs(weight, bias)),
                panels: &mut memory[panels.clone()],
            });
        }
        let memory = Arc::new(memory);
        let linear = |((weight, bias), panels): (&(&[f32], &[f32]), _)| {
            let (memory, k) = (Arc::clone(&memory), inputs(weight, bias));
            Linear { level, memory, panels, bias: bias.to_vec(), k }
        };
        layers.iter().zip(panels).map(linear).collect()
    }

    /// Columns of x: K.
    pub fn inputs(&self) -> usize {
        self.k
    }

    /// Columns of y: N.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The bias `[N]`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// y = x·Wᵀ + b for dense x `[M, K]` and y `[M, N]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn forward(&self, x: &[f32], y: &mut [f32]) {
        self.forward_with(Rows::new(x, self.k), RowsMut::new(y, self.outputs()), Epilogue::Bias);
    }

    /// y = epilogue(x·Wᵀ + b) for x `[M, K]` and y `[M, N]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn forward_with(&self, x: Rows, y: RowsMut, epilogue: Epilogue) {
        self.columns(0..self.outputs()).accumulate(x, 0..self.k, y, epilogue);
    }

    /// The weights from panel `p` on, NV vectors for every k: K for this panel, and then what lies
    /// behind it.
    #[inline(always)]
    pub(super) fn weights_from<const NV: usize>(&self, p: usize) -> &[[[f32; LANES]; NV]] {
        &self.memory[self.panels.start..].as_chunks().0.as_chunks().0[p * self.k..]
    }
}

/// K of a layer `[N, K]` with N biases.
fn inputs(weight: &[f32], bias: &[f32]) -> usize {
    let n = bias.len();
    assert!(n > 0 && !weight.is_empty(), "a linear layer has at least one weight");
    assert!(
        weight.len().is_multiple_of(n),
        "{} weights are no whole rows for {n} outputs",
        weight.len()
    );
    weight.len() / n
}

/// W into panels of the level's width.
struct Pack<'a> {
    weight: Rows<'a>,      // [N, K]
    panels: &'a mut [f32], // [panels, K, NR]
}

impl Kernel for Pack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match S::VECTORS {
            32 => self.pack::<S, 3>(s),
            _ => self.pack::<S, 1>(s),
        }
    }
}

impl Pack<'_> {
    #[inline(always)]
    fn pack<S: Simd, const NV: usize>(self, s: S) {
        debug_assert_eq!(NV, super::panel_vectors::<S>(), "the width of the level's panels");
        let panels = self.panels.as_chunks_mut().0.as_chunks_mut().0;
        for (p, panel) in panels.chunks_exact_mut(self.weight.cols()).enumerate() {
            let rows = p * NV * LANES..self.weight.rows().min((p + 1) * NV * LANES);
            transpose::<S, NV>(s, self.weight.slice(rows), panel);
        }
    }
}

/// Up to `16 * NV` rows to the columns of a panel, sixteen of each at a time; columns without a row
/// repeat the last one.
#[inline(always)]
pub(crate) fn transpose<S: Simd, const NV: usize>(
    s: S,
    rows: Rows,                       // [up to 16 * NV, K]
    panel: &mut [[[f32; LANES]; NV]], // [K]
) {
    let last = rows.rows() - 1;
    let (whole, rest) = panel.split_at_mut(rows.cols() / LANES * LANES); // [K]
    for j in 0..NV {
        let row = |lane: usize| rows.row((j * LANES + lane).min(last)).as_chunks::<LANES>();
        let mut from: [&[[f32; LANES]]; LANES] = [&[]; LANES];
        for (lane, from) in from.iter_mut().enumerate() {
            *from = &row(lane).0[..whole.len() / LANES];
        }
        for (block, panel) in whole.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut square = [s.zero(); LANES];
            for lane in 0..LANES {
                square[lane] = s.load(&from[lane][block]);
            }
            let columns = s.transpose(square);
            for k in 0..LANES {
                s.store(columns[k], &mut panel[k][j]);
            }
        }
        if !rest.is_empty() {
            let mut square = [s.zero(); LANES];
            for (lane, to) in square.iter_mut().enumerate() {
                *to = s.load_or(row(lane).1, 0.0);
            }
            let columns = s.transpose(square);
            for (k, to) in rest.iter_mut().enumerate() {
                s.store(columns[k], &mut to[j]);
            }
        }
    }
}

/// How wide the level's panels are.
struct PanelVectors;

impl Kernel for PanelVectors {
    type Output = usize;
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        super::panel_vectors::<S>()
    }
}
