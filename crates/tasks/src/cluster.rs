//! Clusters: groups of rows that are alike.
//!
//! | | given | found | cost |
//! |---|---|---|---|
//! | [`Communities`] | the least cosine, the smallest size | dense groups around a row; most rows may be in none | every pair, by GEMM, once or twice |
//! | [`KMeans`] | the number of clusters | a centre for each; every row is in one | rows × clusters, a few dozen times |
//! | [`Agglomerative`] | the largest distance of clusters that are joined | a tree, cut there; every row is in one | every pair, held in memory |
//!
//! All are deterministic. Rows that are to be compared by cosine should have length 1, as those of
//! all-MiniLM-L6-v2 have, or be normalised first: [`KMeans`], and [`Agglomerative`] by default,
//! take Euclidean distances.

mod agglomerative;
mod communities;
mod k_means;
pub(crate) mod random;
mod seeding;

pub use agglomerative::{Agglomerative, Distance, Linkage};
pub use communities::Communities;
pub use k_means::{KMeans, KMeansClusters};

/// The rows of each cluster, ascending, by their labels.
///
/// ```
/// assert_eq!(minilm_tasks::cluster::members(&[0, 1, 0]), [vec![0, 2], vec![1]]);
/// ```
pub fn members(labels: &[usize]) -> Vec<Vec<usize>> {
    let clusters = labels.iter().max().map_or(0, |label| label + 1);
    let mut members = vec![Vec::new(); clusters];
    labels.iter().enumerate().for_each(|(row, &label)| members[label].push(row));
    members
}
