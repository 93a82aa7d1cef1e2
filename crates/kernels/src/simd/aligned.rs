//! Memory for `f32` that starts on a cache line, so that no sixteen-lane load crosses one.
//!
//! In the book: `docs/02-memory.md`.

use memmap2::MmapMut;
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

    /// Makes the vector `len` long and returns it. Memory is only ever gained, so what a place
    /// holds is zero or left from before.
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
        // SAFETY: `lines` holds at least `len` values: each `Line` is sixteen `f32` without
        // padding.
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

/// Bytes of a huge page on x86-64 and on ARM with pages of 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

/// Zeroed `f32`s for weights: many, read again and again from start to end.
///
/// In pages of 4 KiB, a processor that streams weights stops at each page's end to look up the next
/// and to start fetching anew. So this asks the system for huge pages. Where it has none, nothing
/// but speed is lost.
///
/// ```
/// let mut weights = minilm_kernels::simd::Pages::zeroed(3);
/// weights[1] = 0.5;
/// assert_eq!(*weights, [0.0, 0.5, 0.0]);
/// ```
pub struct Pages {
    map: MmapMut,
    len: usize,
}

impl Pages {
    /// `len` zeros.
    ///
    /// # Panics
    /// If the system has no memory left, as a `Vec` does.
    pub fn zeroed(len: usize) -> Pages {
        let bytes = len * size_of::<f32>();
        let rounded =
            if bytes < HUGE_PAGE { bytes.max(1) } else { bytes.next_multiple_of(HUGE_PAGE) };
        let map = MmapMut::map_anon(rounded)
            .unwrap_or_else(|error| panic!("no memory for {bytes} bytes of weights: {error}"));
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage); // a kernel without huge pages refuses, and that is fine
        Pages { map, len }
    }
}

impl Deref for Pages {
    type Target = [f32];
    #[inline]
    fn deref(&self) -> &[f32] {
        // SAFETY: the mapping starts on a page, is `len` values long or longer, and any bytes are
        // values.
        unsafe { slice::from_raw_parts(self.map.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Pages {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`, and the mapping is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.map.as_mut_ptr().cast(), self.len) }
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pages(len {})", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_zero_and_as_long_as_asked() {
        for len in [0, 1, 1023, HUGE_PAGE / 4 - 1, HUGE_PAGE / 4, HUGE_PAGE / 4 + 1] {
            let mut pages = Pages::zeroed(len);
            assert_eq!(pages.len(), len);
            assert!(pages.iter().all(|x| *x == 0.0));
            pages.fill(1.0);
            assert_eq!(pages.iter().sum::<f32>(), len as f32);
        }
    }
}
