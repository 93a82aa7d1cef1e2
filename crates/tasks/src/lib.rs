//! # minilm-tasks
//!
//! Uses of embeddings, with the meaning and the numbers of sentence-transformers.
//!
//! | module | content | sentence-transformers |
//! |---|---|---|
//! | [`search`] | the rows of a corpus nearest to each query, exactly | `util.semantic_search` |
//! | [`evaluate`] | the quality of embeddings: correlation, retrieval, pairs, triplets, reranking, clusterings | `evaluation` |
//! | [`paraphrases`] | the most alike pairs among all rows | `util.paraphrase_mining` |
//! | [`cluster`] | groups of rows: communities, k-means, agglomerative | `util.community_detection`, scikit-learn |
//! | [`duplicates`] | the rows or texts to keep and to drop | |
//! | [`map`] | rows on a plane: principal components, t-SNE | scikit-learn |
//! | [`index`] | vectors and their texts in one file, with the model that made them | |
//! | [`replace`] | files that appear when they are complete | |
//! | [`quantize`] | a byte or a bit for each dimension, and search in these | `quantize_embeddings` |
//!
//! Embeddings are matrices of `ndarray`, one embedding per row. A matrix that is not in standard
//! layout (a transpose, or some of the columns) is copied. This crate knows no model: any finite
//! vectors will do.
//!
//! Results do not depend on the number of threads, the order in which they finish, or the
//! instruction set. Work runs on the rayon pool of the caller; `ThreadPool::install` chooses
//! another.
//!
//! ```
//! use minilm_tasks::search::{Hit, Search};
//! use ndarray::array;
//!
//! let corpus = array![[1.0, 0.0], [0.0, 1.0], [3.0, 3.0]];
//! let hits = Search::new().top_k(2).run(array![[0.0, 2.0]].view(), corpus.view())?;
//! assert_eq!(hits[0][0], Hit::new(1, 1.0));
//! assert_eq!(hits[0][1].corpus_id, 2);
//! # Ok::<(), minilm_tasks::Error>(())
//! ```
//!
//! In the book: `docs/11-tasks.md`.
#![forbid(unsafe_code)]

pub mod cluster;
pub mod duplicates;
mod error;
pub mod evaluate;
mod falling;
pub mod index;
pub mod map;
mod matrix;
pub mod paraphrases;
pub mod quantize;
pub mod replace;
pub mod search;
mod similarity;
mod stop;

pub use error::Error;
pub use similarity::Similarity;
