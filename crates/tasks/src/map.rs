//! Rows on a plane: a map on which rows that are alike lie together.
//!
//! ```text
//! embeddings [n, d] ── Pca: the directions in which they differ most ──► [n, 50]
//!                   ── Layout: t-SNE, each row beside its nearest    ──► [n, 2]
//! ```
//!
//! t-SNE keeps neighbours: rows that are near on the map are near in truth, as a rule. It does not
//! keep distances: the distance of two groups, their size and their density say little. A map is no
//! evidence that there are groups at all.
//!
//! Both are deterministic: the same rows and the same seed give the same bits, on any number of
//! threads and any level.

mod affinities;
mod layout;
mod pca;
mod tree;

pub use layout::Layout;
pub use pca::Pca;
