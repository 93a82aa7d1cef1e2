//! k-means++: first centres that are far from each other.
//!
//! ```text
//! the first centre is a random row
//! each next one: 2 + ln k random rows, drawn with a probability ∝ D(x)²,
//!                the squared distance to the nearest centre so far;
//!                the one that makes Σ D(x)² smallest
//! ```
//!
//! Reference: D. Arthur and S. Vassilvitskii, *k-means++: The Advantages of Careful Seeding*, SODA
//! 2007; the choice among several is theirs too (section 5), and that of scikit-learn.

use super::random::Random;
use crate::{Error, matrix::Matrix, stop::check};
use minilm_kernels::{Level, dot::squared_distances};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// Rows whose distances are computed together. The sums are of whole blocks, so they do not depend
/// on the number of threads.
const BLOCK: usize = 4096;

/// `k` different rows, if there are as many.
pub(super) fn first_centres(
    rows: &Matrix,
    k: usize,
    random: &mut Random,
    level: Level,
    stop: &AtomicBool,
) -> Result<Vec<usize>, Error> {
    let mut centres = vec![random.below(rows.rows())];
    let mut nearest = distances(rows, centres[0], None, level); // D(x)²
    let trials = 2 + (k as f64).ln() as usize;
    while centres.len() < k {
        check(stop)?;
        let total = sum(&nearest);
        if total == 0.0 {
            // All rows lie on centres already: any others will do.
            centres.extend(
                (0..rows.rows())
                    .filter(|row| !centres.contains(row))
                    .take(k - centres.len())
                    .collect::<Vec<_>>(),
            );
            break;
        }
        let tried = (0..trials).map(|_| {
            let row = draw(&nearest, random.fraction() * total);
            let next = distances(rows, row, Some(&nearest), level);
            (sum(&next), row, next)
        });
        // The first of equal sums.
        let best = tried.reduce(|best, next| if next.0 < best.0 { next } else { best });
        if let Some((_, row, next)) = best {
            centres.push(row);
            nearest = next;
        }
    }
    Ok(centres)
}

/// |x − c|² for each row x, or the distance so far, if that is less.
fn distances(rows: &Matrix, centre: usize, so_far: Option<&[f32]>, level: Level) -> Vec<f32> {
    let mut found = vec![0.0; rows.rows()];
    found.par_chunks_mut(BLOCK).enumerate().for_each(|(i, found)| {
        let start = i * BLOCK;
        squared_distances(level, rows.slice(start..start + found.len()), rows.row(centre), found);
        if let Some(so_far) = so_far {
            found
                .iter_mut()
                .zip(&so_far[start..])
                .for_each(|(found, so_far)| *found = found.min(*so_far));
        }
    });
    found
}

fn sum(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum()
}

/// The row at which the running sum of `weights` passes `at`. Its weight is not 0.
fn draw(weights: &[f32], at: f64) -> usize {
    let mut sum = 0.0;
    let mut last = 0;
    for (row, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        sum += f64::from(weight);
        last = row;
        if sum > at {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::NEVER;
    use ndarray::Array2;

    #[test]
    fn rows_are_drawn_by_their_weight() {
        let weights = [0.0, 1.0, 0.0, 3.0, 0.0];
        assert_eq!([0.0, 0.99, 1.0, 3.99, 4.0].map(|at| draw(&weights, at)), [1, 1, 3, 3, 3]);
    }

    #[test]
    fn centres_are_different_rows_even_if_the_rows_are_equal() {
        let rows = Array2::from_elem((5, 3), 1.0);
        let rows = Matrix::new("rows", rows.view()).unwrap();
        let mut centres = first_centres(&rows, 5, &mut Random(1), Level::detect(), &NEVER).unwrap();
        centres.sort_unstable();
        assert_eq!(centres, [0, 1, 2, 3, 4]);
    }
}
