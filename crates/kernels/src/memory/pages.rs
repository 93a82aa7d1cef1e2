//! Zeroed bytes: an anonymous mapping, or the heap where nothing can be mapped.
//!
//! In the book: `docs/02-memory.md`.

#[cfg(target_family = "wasm")]
pub(super) use heap::Bytes;
#[cfg(not(target_family = "wasm"))]
pub(super) use mapping::Bytes;

/// Bytes of a huge page on x86-64 and on ARM with pages of 4 KiB.
#[cfg(not(target_family = "wasm"))]
pub(super) const HUGE_PAGE: usize = 2 << 20;

#[cfg(not(target_family = "wasm"))]
mod mapping {
    use super::HUGE_PAGE;
    use memmap2::MmapMut;

    /// Zeroed bytes that begin on a page.
    pub(in crate::memory) struct Bytes(MmapMut);

    impl Bytes {
        /// At least `bytes` zeros, if there is memory for them; `bytes` is at most `isize::MAX`.
        pub(in crate::memory) fn zeroed(bytes: usize) -> Option<Bytes> {
            // No overflow: `bytes` is at most half of what a usize holds.
            let rounded =
                if bytes < HUGE_PAGE { bytes.max(1) } else { bytes.next_multiple_of(HUGE_PAGE) };
            MmapMut::map_anon(rounded).ok().map(Bytes)
        }

        /// Asks for huge pages.
        pub(in crate::memory) fn advise(&self) {
            #[cfg(target_os = "linux")]
            let _ = self.0.advise(memmap2::Advice::HugePage); // a system may refuse; it is a hint
        }

        #[inline]
        pub(in crate::memory) fn as_ptr(&self) -> *const u8 {
            self.0.as_ptr()
        }

        #[inline]
        pub(in crate::memory) fn as_mut_ptr(&mut self) -> *mut u8 {
            self.0.as_mut_ptr()
        }
    }
}

#[cfg(target_family = "wasm")]
mod heap {
    use crate::memory::Line;

    /// Zeroed bytes that begin on a cache line.
    pub(in crate::memory) struct Bytes(Vec<Line>);

    impl Bytes {
        /// At least `bytes` zeros, if there is memory for them.
        pub(in crate::memory) fn zeroed(bytes: usize) -> Option<Bytes> {
            let (mut lines, len) = (Vec::new(), bytes.div_ceil(size_of::<Line>()));
            lines.try_reserve_exact(len).ok()?;
            lines.resize(len, Line([0; 64]));
            Some(Bytes(lines))
        }

        /// There are no pages to ask for.
        pub(in crate::memory) fn advise(&self) {}

        #[inline]
        pub(in crate::memory) fn as_ptr(&self) -> *const u8 {
            self.0.as_ptr().cast()
        }

        #[inline]
        pub(in crate::memory) fn as_mut_ptr(&mut self) -> *mut u8 {
            self.0.as_mut_ptr().cast()
        }
    }
}
