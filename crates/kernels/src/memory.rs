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
struct Line([u8; 64]);

/// A `Vec` of `f32` or other numbers whose first element is 64-byte aligned, so that no
/// sixteen-lane load crosses a cache line. It dereferences to a slice.
///
/// ```
/// let mut v = minilm_kernels::AlignedVec::zeroed(20);
/// v[19] = 1.0;
/// assert_eq!(v.len(), 20);
/// assert_eq!(v.as_ptr() as usize % 64, 0);
/// ```
#[derive(Clone)]
pub struct AlignedVec<E = f32> {
    lines: Vec<Line>,
    len: usize,
    element: PhantomData<E>,
}

impl AlignedVec {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> AlignedVec {
        let mut zeros = AlignedVec::default();
        zeros.resize(len);
        zeros
    }
}

impl<E: Element> AlignedVec<E> {
    /// Makes the vector `len` long and returns it.
    ///
    /// The allocation only grows. An element is zero or keeps a value from before.
    pub fn resize(&mut self, len: usize) -> &mut [E] {
        let lines = len.div_ceil(size_of::<Line>() / size_of::<E>());
        if lines > self.lines.len() {
            self.lines.resize(lines, Line([0; 64]));
        }
        self.len = len;
        self
    }
}

impl<E> Default for AlignedVec<E> {
    fn default() -> AlignedVec<E> {
        AlignedVec { lines: Vec::new(), len: 0, element: PhantomData }
    }
}

impl<E: Element> Deref for AlignedVec<E> {
    type Target = [E];
    #[inline]
    fn deref(&self) -> &[E] {
        // SAFETY: `lines` holds at least `len` values: a `Line` is 64 bytes, of which whole
        // elements are made, and is aligned for them. Any bytes are values.
        unsafe { slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<E: Element> DerefMut for AlignedVec<E> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [E] {
        // SAFETY: as in `deref`, and the vector is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl<E> fmt::Debug for AlignedVec<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlignedVec(len {})", self.len)
    }
}

/// The numbers that weights and activations may be stored as.
///
/// # Safety
/// Every pattern of bits is a value of the type, all zeros are the value 0, its size divides 64,
/// and its alignment is at most its size.
pub unsafe trait Element: Copy + Default + Send + Sync + 'static {}

// SAFETY: every 32 bits are an `f32`, and 0 is 0.0.
unsafe impl Element for f32 {}
// SAFETY: every 32 bits are a `u32`.
unsafe impl Element for u32 {}
// SAFETY: every 16 bits are an `i16`.
unsafe impl Element for i16 {}
// SAFETY: every 8 bits are an `i8`.
unsafe impl Element for i8 {}

/// Zeroed memory for weights, which are many and are read again and again from start to end. It
/// begins on a page, or on a cache line where memory is not mapped (WebAssembly).
///
/// In pages of 4 KiB, a processor that streams weights stops at each page's end to look up the next
/// page and to start fetching anew. So [`Pages::zeroed`] asks the system for huge pages. On a
/// system without them the program is slower, and nothing else changes.
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

    /// `len` zeros in pages of the system's choice. Where memory is mapped, a page that is never
    /// written takes none.
    ///
    /// ```
    /// # use minilm_kernels::memory::Pages;
    /// let mut moments = Pages::unadvised(1 << 26)?; // 256 MiB, of which one page is there
    /// moments[1 << 25] = 0.5;
    /// assert_eq!(moments[(1 << 25) - 1], 0.0);
    /// # Ok::<(), minilm_kernels::memory::OutOfMemory>(())
    /// ```
    ///
    /// # Errors
    /// If the system has no memory left, or `len` elements exceed the address space.
    pub fn unadvised(len: usize) -> Result<Pages<E>, OutOfMemory> {
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
