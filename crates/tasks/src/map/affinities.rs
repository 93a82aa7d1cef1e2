//! Affinities: the weights with which each row is drawn to its neighbours.
//!
//! ```text
//! p(j|i) ∝ exp(−β·|xᵢ − xⱼ|²) over the 3·perplexity nearest rows j;
//!          β such that the entropy of p(·|i) is ln(perplexity)
//! p(i, j) = (p(j|i) + p(i|j)) / 2n
//! ```
//!
//! The nearest are found by search: the row with the least |x − c|² is that with the largest x·c −
//! |c|²/2, a dot product with one column more.

use crate::{
    Error,
    search::{Metric, Search},
};
use minilm_kernels::Level;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// Halvings of the interval in which β is: more than an `f64` has bits.
const HALVINGS: usize = 64;

/// For each row its neighbours, ascending, and p(i, j).
pub(super) type Affinities = Vec<Vec<(u32, f64)>>;

/// The affinities of `rows` `[n, k]` with values from −1 to 1.
pub(super) fn affinities(
    rows: ArrayView2<f32>,
    perplexity: f64,
    level: Level,
) -> Result<Affinities, Error> {
    let neighbours = neighbours(rows, (3.0 * perplexity).ceil() as usize, level)?;
    let scale = 1.0 / (2 * rows.nrows()) as f64;
    let one_sided = neighbours.into_par_iter().enumerate().map(|(i, near)| {
        let squares: Vec<f64> = near.iter().map(|&j| squared_distance(rows, i, j)).collect();
        near.into_iter().zip(shares(&squares, perplexity)).collect::<Vec<_>>()
    });
    let one_sided: Vec<Vec<(usize, f64)>> = one_sided.collect();
    let mut both: Affinities = vec![Vec::new(); rows.nrows()];
    for (i, near) in one_sided.into_iter().enumerate() {
        for (j, share) in near {
            both[i].push((j as u32, share * scale));
            both[j].push((i as u32, share * scale));
        }
    }
    both.par_iter_mut().for_each(|near| {
        near.sort_by_key(|&(j, _)| j); // stable, so sums have one order
        near.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0.0 };
            same
        });
    });
    Ok(both)
}

/// The `most` rows nearest to each, without itself.
fn neighbours(rows: ArrayView2<f32>, most: usize, level: Level) -> Result<Vec<Vec<usize>>, Error> {
    let wider = (rows.nrows(), rows.ncols() + 1);
    let with = |last: fn(f32) -> f32| {
        Array2::from_shape_fn(wider, |(i, k)| match rows.row(i).get(k) {
            Some(&x) => x,
            None => last(rows.row(i).iter().map(|x| x * x).sum()),
        })
    };
    let (queries, corpus) = (with(|_| 1.0), with(|square| -square / 2.0));
    let others = |query: usize, row: usize| query != row;
    let search = Search::new().top_k(most).metric(Metric::Dot).level(level).filter(&others);
    let hits = search.run(queries.view(), corpus.view())?;
    Ok(hits.into_iter().map(|hits| hits.into_iter().map(|hit| hit.corpus_id).collect()).collect())
}

fn squared_distance(rows: ArrayView2<f32>, i: usize, j: usize) -> f64 {
    rows.row(i).iter().zip(rows.row(j)).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
}

/// p(·|i) from squared distances. If no β gives the perplexity, as among equal rows, the β with the
/// nearest one is taken.
fn shares(squares: &[f64], perplexity: f64) -> Vec<f64> {
    let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
    let (mut low, mut high, mut beta) = (0.0, f64::INFINITY, 1.0);
    let mut shares = Vec::new();
    for _ in 0..HALVINGS {
        shares = squares.iter().map(|square| (-beta * (square - least)).exp()).collect();
        let sum: f64 = shares.iter().sum(); // at least 1: that of the nearest
        shares.iter_mut().for_each(|share| *share /= sum);
        let entropy: f64 = shares.iter().filter(|&&p| p > 0.0).map(|p| -p * p.ln()).sum();
        if entropy > perplexity.ln() {
            low = beta;
            beta = if high.is_finite() { f64::midpoint(low, high) } else { beta * 2.0 };
        } else {
            high = beta;
            beta = f64::midpoint(low, high);
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_perplexity_that_was_asked_for() {
        let squares: Vec<f64> = (0..90).map(|i| 0.01 * f64::from(i * i) + 0.3).collect();
        let shares = shares(&squares, 30.0);
        let entropy: f64 = shares.iter().map(|p| -p * p.ln()).sum();
        assert!((entropy.exp() - 30.0).abs() < 1e-6, "{}", entropy.exp());
        assert!(shares.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn affinities_are_symmetric_and_add_up_to_one() {
        let rows = Array2::from_shape_fn((40, 3), |(i, k)| ((i * 7 + k * 13) % 11) as f32 / 11.0);
        let found = affinities(rows.view(), 5.0, Level::detect()).unwrap();
        let sum: f64 = found.iter().flatten().map(|(_, p)| p).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        for (i, near) in found.iter().enumerate() {
            for &(j, p) in near {
                let back =
                    found[j as usize].iter().find(|(k, _)| *k as usize == i).expect("both ways");
                assert!((back.1 - p).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn equal_rows_share_alike() {
        assert_eq!(shares(&[0.0; 4], 2.0), [0.25; 4]);
    }
}
