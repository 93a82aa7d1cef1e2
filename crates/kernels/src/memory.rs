//! Memory for activations and weights: aligned to cache lines, and in huge pages where it is large.
//!
//! In the book: `docs/02-memory.md`.

mod pages;

use pages::Bytes;
use std::{
    error::Error,
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    slice,
};

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A `Vec<f32>` whose first element is 64-byte aligned, so that no sixteen-lane load crosses a
/// cache line. It dereferences to `[f32]`.
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

    /// Makes the vector `len` long and returns it.
    ///
    /// The allocation only grows. An element is zero or keeps a value from before.
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

/// The numbers that weights may be stored as.
///
/// # Safety
/// Every pattern of bits is a value of the type, all zeros are the value 0, and its alignment is
/// at most that of a page.
pub unsafe trait Element: Copy + Default + Send + Sync + 'static {}

// SAFETY: every 32 bits are an `f32`, and 0 is 0.0.
unsafe impl Element for f32 {}
// SAFETY: every 16 bits are an `i16`.
unsafe impl Element for i16 {}
// SAFETY: every 8 bits are an `i8`.
unsafe impl Element for i8 {}

/// Zeroed memory for weights, which are many and are read again and again from start to end.
///
/// In pages of 4 KiB, a processor that streams weights stops at each page's end to look up the next
/// page and to start fetching anew. So this type asks the system for huge pages. On a system
/// without them the program is slower, and nothing else changes.
///
/// ```
/// let mut weights = minilm_kernels::memory::Pages::zeroed(3);
/// weights[1] = 0.5;
/// assert_eq!(*weights, [0.0, 0.5, 0.0]);
/// ```
pub struct Pages<E> {
    bytes: Bytes,
    len: usize,
    element: PhantomData<E>,
}

impl<E: Element> Pages<E> {
    /// `len` zeros.
    ///
    /// # Panics
    /// If the system has no memory left, or `len` elements exceed the address space, as a `Vec`
    /// does.
    pub fn zeroed(len: usize) -> Pages<E> {
        Pages::try_zeroed(len).unwrap_or_else(|error| panic!("{error}"))
    }

    /// `len` zeros.
    ///
    /// ```
    /// use minilm_kernels::memory::{OutOfMemory, Pages};
    /// let more_than_there_is = Pages::<f32>::try_zeroed(usize::MAX / 16);
    /// assert!(matches!(more_than_there_is, Err(OutOfMemory { .. })));
    /// ```
    ///
    /// # Errors
    /// If the system has no memory left, or `len` elements exceed the address space.
    pub fn try_zeroed(len: usize) -> Result<Pages<E>, OutOfMemory> {
        let pages = Pages::unadvised(len)?;
        pages.bytes.advise();
        Ok(pages)
    }

    /// `len` zeros in pages of the system's choice.
    pub(crate) fn unadvised(len: usize) -> Result<Pages<E>, OutOfMemory> {
        let bytes = len.saturating_mul(size_of::<E>());
        if bytes > isize::MAX as usize {
            return Err(OutOfMemory { bytes });
        }
        let bytes = Bytes::zeroed(bytes).ok_or(OutOfMemory { bytes })?;
        Ok(Pages { bytes, len, element: PhantomData })
    }
}

/// The system has no memory for weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutOfMemory {
    /// How much was asked for; the largest number if that is more than a `usize` holds.
    pub bytes: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no memory for {} bytes of weights", self.bytes)
    }
}

impl Error for OutOfMemory {}

impl<E: Element> Deref for Pages<E> {
    type Target = [E];
    #[inline]
    fn deref(&self) -> &[E] {
        // SAFETY: the memory is aligned for every `Element` and holds at least `len` of them
        // (`unadvised` checked the product), and any bytes are values.
        unsafe { slice::from_raw_parts(self.bytes.as_ptr().cast(), self.len) }
    }
}

impl<E: Element> DerefMut for Pages<E> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [E] {
        // SAFETY: as in `deref`, and the memory is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.bytes.as_mut_ptr().cast(), self.len) }
    }
}

impl<E> fmt::Debug for Pages<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pages(len {})", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::{pages::HUGE_PAGE, *};

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

    #[test]
    #[should_panic(expected = "no memory for 18446744073709551615 bytes")]
    #[cfg(target_pointer_width = "64")]
    fn a_length_whose_bytes_overflow_is_refused() {
        Pages::<f32>::zeroed(usize::MAX / 4 + 2);
    }
}
