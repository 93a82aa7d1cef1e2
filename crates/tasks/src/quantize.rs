//! Embeddings in one byte, or one bit, for each dimension
//! (`sentence_transformers.quantize_embeddings`), and search in them.
//!
//! | precision | a dimension becomes | bytes of 384 dimensions |
//! |---|---|---|
//! | `f32` | itself | 1536 |
//! | [`Ranges::to_u8`], [`Ranges::to_i8`] | the number of its step, of 256 equal steps of its range | 384 |
//! | [`to_ubinary`], [`to_binary`] | whether it is positive | 48 |
//!
//! The values are those of the original, to the bit. The loss depends on the data, and a mean
//! cosine between vectors before and after does not show it: neighbours are near each other, and a
//! small error reorders them. [`overlap`] measures the part of the true hits that a search still
//! finds; measure it on your own queries. [`QuantizedSearch`] takes a few times `top_k` rows and
//! scores them again with the `f32` rows, which brings most of the hits back.
//!
//! ```
//! use minilm_tasks::{
//!     quantize::{QuantizedSearch, Ranges, overlap, to_ubinary},
//!     search::Search,
//! };
//! use ndarray::Array2;
//!
//! let corpus =
//!     Array2::from_shape_fn((200, 16), |(i, j)| ((i * 37 + j * 101) % 97) as f32 - 48.0);
//! let queries = corpus.slice(ndarray::s![..5, ..]);
//! let exact = Search::new().run(queries, corpus.view())?;
//!
//! let ranges = Ranges::of(corpus.view())?;
//! let bytes = ranges.to_u8(corpus.view())?;
//! let found =
//!     QuantizedSearch::new().scalar(queries, bytes.view(), &ranges, Some(corpus.view()))?;
//! assert_eq!(overlap(&exact, &found)?, 1.0);
//!
//! let bits = to_ubinary(corpus.view())?;
//! let found = QuantizedSearch::new().multiplier(10).binary(
//!     queries,
//!     bits.view(),
//!     Some(corpus.view()),
//! )?;
//! assert!(overlap(&exact, &found)? > 0.5);
//! # Ok::<(), minilm_tasks::Error>(())
//! ```

mod bits;
mod overlap;
mod ranges;
mod search;

pub use bits::{signs, to_binary, to_ubinary};
pub use overlap::overlap;
pub use ranges::Ranges;
pub use search::QuantizedSearch;

use minilm_kernels::dot::Bytes;

/// A byte of a quantised matrix: `u8`, or `i8`, which is the same less 128.
pub trait Byte: Copy + Send + Sync + 'static {
    /// The byte as `u8`.
    fn unsigned(self) -> u8;
    /// Rows of such bytes, as the kernels take them.
    fn rows(bytes: &[Self]) -> Bytes<'_>
    where
        Self: Sized;
}

impl Byte for u8 {
    fn unsigned(self) -> u8 {
        self
    }

    fn rows(bytes: &[u8]) -> Bytes<'_> {
        Bytes::Unsigned(bytes)
    }
}

impl Byte for i8 {
    fn unsigned(self) -> u8 {
        self.cast_unsigned() ^ 0x80
    }

    fn rows(bytes: &[i8]) -> Bytes<'_> {
        Bytes::Signed(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::Byte;

    #[test]
    fn signed_bytes_are_the_unsigned_ones_less_128() {
        for byte in 0..=u8::MAX {
            let signed = (i16::from(byte) - 128) as i8;
            assert_eq!((signed.unsigned(), byte.unsigned()), (byte, byte));
        }
    }
}
