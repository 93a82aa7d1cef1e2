//! The agreement of an engine's answers with minilm's.

use crate::{
    sets::{Kind, Lookup, Set},
    vectors::DIMENSION,
};
use serde::Serialize;

/// Largest difference of a value, and of a cosine from 1, at which two vectors are the same but for
/// rounding.
const VECTORS: f64 = 1e-3;

/// Largest difference of two scores that are the same but for rounding; rows with such scores may
/// change places.
const SCORES: f64 = 1e-5;

/// Over all texts, or all queries, of a set.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum Agreement {
    /// Of vectors of length 1.
    Vectors { mean_cosine: f64, min_cosine: f64, max_difference: f64 },
    /// Of hits: the part of them with the right row, and the largest difference of a score.
    Hits { same_rows: f64, max_difference: f64 },
}

impl Agreement {
    /// The agreement of minilm and another engine on a set.
    pub fn between(set: &Set, ours: &[f32], theirs: &[f32]) -> Result<Agreement, String> {
        if ours.len() != theirs.len() {
            return Err(format!("it gave {} values instead of {}", theirs.len(), ours.len()));
        }
        match &set.search {
            Some(lookup) if set.kind == Kind::Search => {
                Ok(Agreement::of_hits(lookup, ours, theirs))
            }
            _ => Ok(Agreement::of_vectors(ours, theirs)),
        }
    }

    fn of_vectors(ours: &[f32], theirs: &[f32]) -> Agreement {
        let (mut distance, mut difference, mut sum) = (0.0, 0.0, 0.0);
        for (a, b) in ours.chunks_exact(DIMENSION).zip(theirs.chunks_exact(DIMENSION)) {
            let pairs = || a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
            let (dot, aa, bb) = pairs().fold((0.0, 0.0, 0.0), |(dot, aa, bb), (a, b)| {
                (dot + a * b, aa + a * a, bb + b * b)
            });
            let apart = 1.0 - dot / f64::sqrt(aa * bb);
            sum += apart;
            distance = larger(distance, apart);
            difference = pairs().fold(difference, |so_far, (a, b)| larger(so_far, (a - b).abs()));
        }
        let mean_cosine = 1.0 - sum / (ours.len() / DIMENSION) as f64;
        Agreement::Vectors { mean_cosine, min_cosine: 1.0 - distance, max_difference: difference }
    }

    /// A hit is a score and a row. Place by place the scores are compared; their row is right if
    /// ours has it there, or has it elsewhere with a score that is the same but for rounding, or if
    /// it might as well be ours' last.
    fn of_hits(lookup: &Lookup, ours: &[f32], theirs: &[f32]) -> Agreement {
        let (mut right, mut difference) = (0, 0.0);
        for (ours, theirs) in ours.chunks(2 * lookup.top_k).zip(theirs.chunks(2 * lookup.top_k)) {
            let (ours, theirs) = (ours.as_chunks::<2>().0, theirs.as_chunks::<2>().0);
            let last = ours.last().map_or(0.0, |last| last[0]);
            for (our, [score, row]) in ours.iter().zip(theirs) {
                let apart = |a: f32| (f64::from(a) - f64::from(*score)).abs();
                difference = larger(difference, apart(our[0]));
                let elsewhere = ours.iter().find(|hit| hit[1] == *row).map_or(last, |hit| hit[0]);
                right += usize::from(our[1] == *row || apart(elsewhere) <= SCORES);
            }
        }
        Agreement::Hits {
            same_rows: right as f64 / (ours.len() / 2) as f64,
            max_difference: difference,
        }
    }

    pub fn max_difference(&self) -> f64 {
        let (Agreement::Vectors { max_difference, .. } | Agreement::Hits { max_difference, .. }) =
            self;
        *max_difference
    }

    pub fn holds(&self) -> bool {
        match *self {
            Agreement::Vectors { min_cosine, max_difference, .. } => {
                max_difference <= VECTORS && min_cosine >= 1.0 - VECTORS
            }
            Agreement::Hits { same_rows, max_difference } => {
                same_rows == 1.0 && max_difference <= SCORES
            }
        }
    }
}

/// The larger of two numbers, or NaN if one is, unlike `f64::max`.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a >= b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(i: usize) -> Vec<f32> {
        (0..DIMENSION).map(|j| f32::from(i == j)).collect()
    }

    #[test]
    fn only_vectors_that_are_alike_agree() {
        let ours = [axis(0), axis(1)].concat();
        let mut theirs = ours.clone();
        assert!(Agreement::of_vectors(&ours, &theirs).holds());
        theirs[DIMENSION] = 0.002;
        let agreement = Agreement::of_vectors(&ours, &theirs);
        let Agreement::Vectors { min_cosine, max_difference, .. } = agreement else {
            panic!("{agreement:?}")
        };
        assert!(!agreement.holds() && min_cosine < 1.0 && max_difference > 0.0019, "{agreement:?}");
        assert!(!Agreement::of_vectors(&ours, &[axis(1), axis(0)].concat()).holds());
        theirs[DIMENSION] = f32::NAN;
        assert!(!Agreement::of_vectors(&ours, &theirs).holds());
        assert!(!Agreement::of_vectors(&ours, &vec![0.0; 2 * DIMENSION]).holds());
    }

    #[test]
    fn only_hits_that_are_alike_agree() {
        let set = Set::search(Lookup { folder: "".into(), queries: 2, rows: 100, top_k: 2 });
        let ours = [0.9, 7.0, 0.5, 3.0, 0.8, 1.0, 0.8, 2.0];
        let holds = |theirs: &[f32]| Agreement::between(&set, &ours, theirs).unwrap().holds();
        assert!(holds(&ours));
        assert!(
            holds(&[0.900_001, 7.0, 0.5, 4.0, 0.8, 2.0, 0.8, 1.0]),
            "ties, also with rows that are not among ours"
        );
        assert!(!holds(&[0.9, 3.0, 0.5, 7.0, 0.8, 1.0, 0.8, 2.0]), "rows in the wrong order");
        assert!(!holds(&[0.9, 4.0, 0.5, 3.0, 0.8, 1.0, 0.8, 2.0]), "another row");
        assert!(!holds(&[0.9, 7.0, 0.499, 3.0, 0.8, 1.0, 0.8, 2.0]), "another score");
        assert!(!holds(&[f32::NAN, 7.0, 0.5, 3.0, 0.8, 1.0, 0.8, 2.0]));
        assert!(Agreement::between(&set, &ours, &ours[..4]).is_err());
    }
}
