//! AdamW: one step of the optimiser, element by element.
//!
//! ```text
//! g ← clip·g
//! w ← w·(1 − rate·decay)
//! m ← m + (1 − β₁)·(g − m)
//! v ← β₂·v + (1 − β₂)·g²
//! w ← w − rate/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)             t: the number of this step, from 1
//! g ← 0
//! ```
//!
//! The order of operations is that of `torch.optim.AdamW`. Seven values are read or written per
//! parameter and few operations done, so the speed is that of the memory; the gradient is cleared
//! while it is in the cache.
//!
//! Reference: I. Loshchilov and F. Hutter, *Decoupled Weight Decay Regularization*,
//! arXiv:1711.05101.
//!
//! In the book: `docs/14-training.md`.

use crate::simd::{Kernel, LANES, Level, Simd};

/// The numbers of one step, the same for all parameters of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    clip: f32,
    keep: f32,        // 1 − rate·decay
    betas: [f32; 2],  // β₂, and 1 − β₁
    rest: f32,        // 1 − β₂
    size: f32,        // rate/(1 − β₁ᵗ)
    second_root: f32, // √(1 − β₂ᵗ)
    epsilon: f32,
}

impl Step {
    /// The numbers of step `t` ≥ 1, computed in `f64` and rounded once.
    pub fn new(betas: (f64, f64), epsilon: f64, decay: f64, rate: f64, clip: f64, t: u64) -> Step {
        let power = |beta: f64| beta.powi(i32::try_from(t).unwrap_or(i32::MAX));
        Step {
            clip: clip as f32,
            keep: (1.0 - rate * decay) as f32,
            betas: [betas.1 as f32, (1.0 - betas.0) as f32],
            rest: (1.0 - betas.1) as f32,
            size: (rate / (1.0 - power(betas.0))) as f32,
            second_root: (1.0 - power(betas.1)).sqrt() as f32,
            epsilon: epsilon as f32,
        }
    }

    /// The factor of weight decay, 1 − rate·decay.
    pub fn keep(&self) -> f32 {
        self.keep
    }
}

/// One step for parameters `w` with their gradient `g`, which becomes zero, and the moments `m` and
/// `v`.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use minilm_kernels::{Level, adamw::{Step, adamw}};
/// let (mut w, mut g, mut m, mut v) = ([1.0], [0.5], [0.0], [0.0]);
/// let step = Step::new((0.9, 0.999), 1e-8, 0.0, 0.01, 1.0, 1);
/// adamw(Level::detect(), &step, &mut w, &mut g, &mut m, &mut v);
/// assert!((w[0] - 0.99).abs() < 1e-6); // the first step has the size of the rate
/// assert_eq!(g, [0.0]);
/// ```
pub fn adamw(
    level: Level,
    step: &Step,
    w: &mut [f32],
    g: &mut [f32],
    m: &mut [f32],
    v: &mut [f32],
) {
    assert_eq!([g.len(), m.len(), v.len()], [w.len(); 3], "one gradient and two moments each");
    level.run(AdamW { step, w, g, m, v });
}

struct AdamW<'a> {
    step: &'a Step,
    w: &'a mut [f32],
    g: &'a mut [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl Kernel for AdamW<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let [beta, first] = self.step.betas;
        let whole = self.w.len() / LANES * LANES;
        for at in (0..self.w.len()).step_by(LANES) {
            let end = if at < whole { at + LANES } else { self.w.len() };
            let [w_, g_, m_, v_] = [&mut *self.w, self.g, self.m, self.v].map(|x| &mut x[at..end]);
            let g = s.mul(s.load_or(g_, 0.0), s.splat(self.step.clip));
            let w = s.mul(s.load_or(w_, 0.0), s.splat(self.step.keep));
            let m = s.load_or(m_, 0.0);
            let m = s.mul_add(s.sub(g, m), s.splat(first), m);
            let squares = s.mul(s.mul(g, g), s.splat(self.step.rest));
            let v = s.mul_add(s.load_or(v_, 0.0), s.splat(beta), squares);
            // The portable level has no square root of a vector: the lanes take it one by one.
            let root = s.div(root(s, v), s.splat(self.step.second_root));
            let move_ = s.div(m, s.add(root, s.splat(self.step.epsilon)));
            let w = s.mul_add(move_, s.splat(-self.step.size), w);
            s.store_first(w, w_);
            s.store_first(m, m_);
            s.store_first(v, v_);
            g_.fill(0.0);
        }
    }
}

/// √v in each lane, correctly rounded.
#[inline(always)]
fn root<S: Simd>(s: S, v: S::F32x16) -> S::F32x16 {
    let mut lanes = s.to_array(v);
    for lane in &mut lanes {
        *lane = lane.sqrt();
    }
    s.load(&lanes)
}
