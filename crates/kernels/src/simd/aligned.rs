//! A vector of `f32` that starts on a cache line, so that no sixteen-lane load crosses one.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    slice,
};

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A `Vec<f32>` whose first element is 64-byte aligned. It dereferences to `[f32]`.
///
/// ```
/// let mut v = minilm_kernels::AlignedVec::zeroed(20);
/// v[19] = 1.0;
/// assert_eq!(v.len(), 20);
/// assert_eq!(v.as_ptr() as usize % 64, 0);
/// ```
#[derive(Clone, Default)]
pub struct AlignedVec {
    lines: Vec<Line>,
    len: usize,
}

impl AlignedVec {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> AlignedVec {
        AlignedVec { lines: vec![Line([0.0; 16]); len.div_ceil(16)], len }
    }

    /// Makes the vector `len` long and returns it. Memory is only ever gained, so what a place holds is zero or left from before.
    pub fn resize(&mut self, len: usize) -> &mut [f32] {
        let lines = len.div_ceil(16);
        if lines > self.lines.len() {
            self.lines.resize(lines, Line([0.0; 16]));
        }
        self.len = len;
        self
    }
}

impl Deref for AlignedVec {
    type Target = [f32];
    #[inline]
    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `len` values: each `Line` is sixteen `f32` without padding.
        unsafe { slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for AlignedVec {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`, and the vector is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl fmt::Debug for AlignedVec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlignedVec(len {})", self.len)
    }
}
