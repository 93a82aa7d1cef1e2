//! V-measure: the agreement of a clustering with known classes, whatever the clusters are called.
//!
//! ```text
//! homogeneity  = 1 − H(class | cluster) / H(class)          each cluster holds one class
//! completeness = 1 − H(cluster | class) / H(cluster)        each class is in one cluster
//! V            = (1 + β)·homogeneity·completeness / (β·homogeneity + completeness)
//! ```
//!
//! Reference: A. Rosenberg and J. Hirschberg, *V-Measure: A Conditional Entropy-Based External
//! Cluster Evaluation Measure*, EMNLP 2007.

use super::same_length;
use crate::Error;
use std::collections::BTreeMap;

/// All from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct VMeasure {
    /// Whether each cluster holds one class only.
    pub homogeneity: f64,
    /// Whether each class is in one cluster only.
    pub completeness: f64,
    /// Their weighted harmonic mean.
    pub v: f64,
}

/// Compares `predicted` `[n]` clusters with `classes` `[n]`
/// (`sklearn.metrics.homogeneity_completeness_v_measure`).
///
/// With `beta` above 1 completeness counts more; 1 is usual.
///
/// # Errors
/// [`Error::Count`], [`Error::TooFew`] if there is nothing to compare, or [`Error::Option`] if
/// `beta` is negative or NaN.
///
/// ```
/// let found = minilm_tasks::evaluate::v_measure(&["cat", "cat", "dog"], &[7, 7, 1], 1.0)?;
/// assert_eq!(found.v, 1.0);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn v_measure<C: Ord, P: Ord>(
    classes: &[C],
    predicted: &[P],
    beta: f64,
) -> Result<VMeasure, Error> {
    same_length("clusters", predicted.len(), classes.len(), 1)?;
    if !(0.0..f64::INFINITY).contains(&beta) {
        return Err(Error::Option {
            option: "beta",
            reason: format!("it is {beta}, but at least 0 and finite is needed"),
        });
    }
    let n = classes.len() as f64;
    let (class_sizes, cluster_sizes) = (count(classes.iter()), count(predicted.iter()));
    let mut information = 0.0;
    for ((class, cluster), both) in count(classes.iter().zip(predicted)) {
        let expected = class_sizes[class] as f64 * cluster_sizes[cluster] as f64 / n;
        information += both as f64 / n * (both as f64 / expected).ln();
    }
    let information = information.max(0.0);
    let share = |entropy: f64| if entropy == 0.0 { 1.0 } else { information / entropy };
    let homogeneity = share(entropy(&class_sizes, n));
    let completeness = share(entropy(&cluster_sizes, n));
    let weight = beta * homogeneity + completeness;
    let v = if homogeneity + completeness == 0.0 {
        0.0
    } else {
        (1.0 + beta) * homogeneity * completeness / weight
    };
    Ok(VMeasure { homogeneity, completeness, v })
}

fn count<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    items.for_each(|item| *counts.entry(item).or_default() += 1);
    counts
}

fn entropy<T>(sizes: &BTreeMap<T, usize>, n: f64) -> f64 {
    if sizes.len() == 1 {
        return 0.0;
    }
    -sizes.values().map(|&size| size as f64 / n * (size as f64 / n).ln()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_clusters_do_not_matter() {
        let classes = [0, 0, 1, 1, 2];
        let a = v_measure(&classes, &[5, 5, 6, 7, 7], 1.0).unwrap();
        let b = v_measure(&classes, &["x", "x", "a", "q", "q"], 1.0).unwrap();
        assert!((a.v - b.v).abs() < 1e-15 && a.v < 1.0);
    }

    #[test]
    fn one_cluster_says_nothing() {
        assert_eq!(
            v_measure(&[0, 1], &[0, 0], 1.0),
            Ok(VMeasure { homogeneity: 0.0, completeness: 1.0, v: 0.0 })
        );
        assert!(v_measure(&[0, 1], &[0, 0], -1.0).is_err());
    }
}
