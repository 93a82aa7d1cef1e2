//! The loss of a cheaper search, counted in hits.

use crate::{Error, search::Hit};
use std::collections::HashSet;

/// The share of the hits in `exact` that are also in `found`, from 0 to 1: the mean over the
/// queries that have any.
///
/// Give both searches the same `top_k`: it is then the recall of the cheaper one.
///
/// # Errors
/// [`Error::Count`] if the two are not of the same queries, or [`Error::TooFew`] if no query has a
/// hit.
///
/// ```
/// use minilm_tasks::{quantize::overlap, search::Hit};
/// let hits = |rows: [usize; 2]| rows.map(|corpus_id| Hit::new(corpus_id, 0.0)).to_vec();
/// assert_eq!(overlap(&[hits([1, 2]), hits([3, 4])], &[hits([2, 1]), hits([4, 9])])?, 0.75);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn overlap(exact: &[Vec<Hit>], found: &[Vec<Hit>]) -> Result<f64, Error> {
    if exact.len() != found.len() {
        return Err(Error::Count { what: "queries", found: found.len(), expected: exact.len() });
    }
    let pairs = exact.iter().zip(found).filter(|(exact, _)| !exact.is_empty());
    let shares: Vec<f64> = pairs.map(|(exact, found)| share(exact, found)).collect();
    if shares.is_empty() {
        return Err(Error::TooFew { what: "queries with hits", found: 0, least: 1 });
    }
    Ok(shares.iter().sum::<f64>() / shares.len() as f64)
}

fn share(exact: &[Hit], found: &[Hit]) -> f64 {
    let found: HashSet<usize> = found.iter().map(|hit| hit.corpus_id).collect();
    exact.iter().filter(|hit| found.contains(&hit.corpus_id)).count() as f64 / exact.len() as f64
}
