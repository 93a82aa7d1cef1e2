//! Points in squares within squares, so that a far group counts as one point (Barnes–Hut).
//!
//! ```text
//! cells in preorder:  root, first quarter, its quarters …, second quarter, …
//! push on a point:    cell = root
//!                     a leaf, or side/distance ≤ θ:  its points all push from their centre;
//!                                                    cell = the next beside it
//!                     else:                          cell = the next, its first quarter
//! ```
//!
//! Points are sorted by the interleaved bits of their places (Morton order), so that every square
//! is a range of them. The tree, and with it every sum, is a function of the points alone.

/// Bits of a place along each axis. Points that share all of them are in one leaf.
const BITS: u32 = 21;

/// The largest side/distance at which a square counts as one point.
const THETA: f64 = 0.5;

/// A point of the plane.
pub(super) type Point = [f64; 2];

pub(super) struct Tree {
    cells: Vec<Cell>,
    /// The points in Morton order: neighbours in it are neighbours on the plane.
    pub order: Vec<u32>,
}

struct Cell {
    centre: Point,
    points: f64,
    /// The squared distance from which on it counts as one point: (side/θ)², 0 for a leaf.
    far: f64,
    /// The first cell that is not within this one.
    skip: u32,
}

impl Tree {
    pub(super) fn new(points: &[Point]) -> Tree {
        let bound = |axis: usize, start: f64, pick: fn(f64, f64) -> f64| {
            points.iter().map(|p| p[axis]).fold(start, pick)
        };
        let low = [0, 1].map(|axis| bound(axis, f64::INFINITY, f64::min));
        let high = [0, 1].map(|axis| bound(axis, f64::NEG_INFINITY, f64::max));
        let side = (high[0] - low[0]).max(high[1] - low[1]).max(f64::MIN_POSITIVE);
        let place = |x: f64, low: f64| {
            (((x - low) / side * f64::from(1 << BITS)) as u64).min((1 << BITS) - 1)
        };
        let code = |p: &Point| spread(place(p[0], low[0])) | spread(place(p[1], low[1])) << 1;
        let mut codes: Vec<(u64, u32)> =
            points.iter().zip(0..).map(|(point, i)| (code(point), i)).collect();
        codes.sort_unstable();
        let order = codes.iter().map(|&(_, i)| i).collect();
        let mut tree = Tree { cells: Vec::with_capacity(2 * points.len()), order };
        tree.grow(points, &codes, BITS, side);
        tree
    }

    /// Appends the cells of a square of this side, whose points differ in the last `bits` of their
    /// places.
    fn grow(&mut self, points: &[Point], codes: &[(u64, u32)], bits: u32, side: f64) {
        if codes.is_empty() {
            return;
        }
        let cell = self.cells.len();
        let far = if codes.len() == 1 || bits == 0 { 0.0 } else { (side / THETA).powi(2) };
        self.cells.push(Cell { centre: [0.0; 2], points: codes.len() as f64, far, skip: 0 });
        let mut sum = [0.0; 2];
        if far == 0.0 {
            for &(_, i) in codes {
                sum = add(sum, points[i as usize], 1.0);
            }
        } else {
            let mut rest = codes;
            for quarter in 0..4 {
                let (some, others) = rest.split_at(
                    rest.partition_point(|(code, _)| code >> (2 * bits - 2) & 3 <= quarter),
                );
                let first = self.cells.len();
                self.grow(points, some, bits - 1, side / 2.0);
                if let Some(Cell { centre, points, .. }) = self.cells.get(first) {
                    sum = add(sum, *centre, *points);
                }
                rest = others;
            }
        }
        let skip = self.cells.len() as u32;
        let Cell { centre, points, .. } = &mut self.cells[cell];
        *centre = sum.map(|sum| sum / *points);
        self.cells[cell].skip = skip;
    }

    /// Σⱼ q² (p − pⱼ) and Σⱼ q over all points, q = 1 / (1 + |p − pⱼ|²). A point of the tree counts
    /// itself: q = 1.
    pub(super) fn push(&self, point: Point) -> (Point, f64) {
        let (mut force, mut total) = ([0.0; 2], 0.0);
        let mut next = 0;
        while let Some(cell) = self.cells.get(next) {
            let (x, y) = (point[0] - cell.centre[0], point[1] - cell.centre[1]);
            let square = x * x + y * y;
            if square < cell.far {
                next += 1;
                continue;
            }
            let q = 1.0 / (1.0 + square);
            let all = cell.points * q;
            total += all;
            force = [force[0] + all * q * x, force[1] + all * q * y];
            next = cell.skip as usize;
        }
        (force, total)
    }
}

fn add(sum: Point, point: Point, times: f64) -> Point {
    [sum[0] + times * point[0], sum[1] + times * point[1]]
}

/// The bits of `x` with a zero between each.
fn spread(x: u64) -> u64 {
    (0..BITS).fold(0, |all, bit| all | (x >> bit & 1) << (2 * bit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::random::Random;

    fn exact(points: &[Point], at: Point) -> (Point, f64) {
        points.iter().fold(([0.0; 2], 0.0), |(force, total), p| {
            let (x, y) = (at[0] - p[0], at[1] - p[1]);
            let q = 1.0 / (1.0 + x * x + y * y);
            ([force[0] + q * q * x, force[1] + q * q * y], total + q)
        })
    }

    #[test]
    fn pushes_are_nearly_those_of_every_single_point() {
        let mut random = Random(1);
        let points: Vec<Point> = (0..500)
            .map(|_| [random.fraction() * 60.0, random.fraction().powi(3) * 30.0])
            .collect();
        let tree = Tree::new(&points);
        let (mut wrong, mut size) = (0.0, 0.0);
        for &point in &points {
            let ((force, total), (expected, sum)) = (tree.push(point), exact(&points, point));
            assert!((total / sum - 1.0).abs() < 0.02, "{total} {sum}");
            wrong += (force[0] - expected[0]).powi(2) + (force[1] - expected[1]).powi(2);
            size += expected[0].powi(2) + expected[1].powi(2);
        }
        assert!(wrong < 1e-3 * size, "{wrong} {size}");
    }

    #[test]
    fn every_point_is_in_the_tree_once_also_where_many_share_a_place() {
        for points in [
            vec![],
            vec![[3.0, 4.0]],
            vec![[1.0, 1.0]; 9],
            vec![[0.0, 0.0], [1e-30, 0.0], [5.0, 5.0]],
        ] {
            let tree = Tree::new(&points);
            let mut order = tree.order.clone();
            order.sort_unstable();
            assert_eq!(order, (0..points.len() as u32).collect::<Vec<_>>());
            for &point in &points {
                let ((force, total), (expected, sum)) = (tree.push(point), exact(&points, point));
                assert!(
                    (total - sum).abs() < 1e-9 && (force[0] - expected[0]).abs() < 1e-9,
                    "{force:?} {expected:?}"
                );
            }
        }
    }
}
