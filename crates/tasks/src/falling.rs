//! Scores in the order of results: the highest first.

use std::cmp::Ordering;

/// A score ordered in reverse: `sort` puts the best first, and a
/// [`BinaryHeap`](std::collections::BinaryHeap) pops the worst first. −0 is the same score as 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Falling(pub f32);

impl Ord for Falling {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.0 + 0.0).total_cmp(&(self.0 + 0.0)) // −0 + 0 is 0
    }
}

impl PartialOrd for Falling {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Falling {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Falling {}

#[cfg(test)]
mod tests {
    use super::Falling;

    #[test]
    fn the_highest_comes_first_and_zeros_are_equal() {
        let mut scores = [0.5, -1.0, 2.0].map(Falling);
        scores.sort();
        assert_eq!(scores, [2.0, 0.5, -1.0].map(Falling));
        assert_eq!(Falling(0.0), Falling(-0.0));
        assert!(
            (Falling(-0.0), 3) > (Falling(0.0), 2),
            "equal scores leave it to what stands behind them"
        );
    }
}
