//! Chapters 5 to 7: softmax in pieces, attention, the order of additions.

use crate::check::support::Random;
use minilm_kernels::{
    Level,
    simd::{Kernel, LANES, Simd},
};

type Row<'a> = std::iter::Copied<std::slice::Iter<'a, f32>>;

pub fn online(max_and_sum: fn(Row) -> (f32, f32)) {
    for len in [1, 2, 100] {
        let x: Vec<f32> = Random(len as u64).values(len).into_iter().map(|x| x * 100.0).collect();
        for x in [x.clone(), x.into_iter().rev().collect()] {
            let (max, sum) = max_and_sum(x.iter().copied());
            let want = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(max, want);
            let want: f64 = x.iter().map(|x| f64::from(x - max).exp()).sum();
            assert!(
                (f64::from(sum) - want).abs() < 1e-5 * want,
                "a sum of {sum}, and it should be {want}"
            );
        }
    }
}

/// One query's attention over some keys.
#[derive(Clone, Debug)]
pub struct Part {
    /// The largest score.
    pub max: f32,
    /// Σ exp(score − max)
    pub sum: f32,
    /// Σ exp(score − max)·value / sum
    pub context: Vec<f32>,
}

impl Part {
    fn of(scores: &[f32], values: &[[f32; 3]]) -> Part {
        let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let e: Vec<f32> = scores.iter().map(|score| (score - max).exp()).collect();
        let sum: f32 = e.iter().sum();
        let context = (0..3)
            .map(|d| e.iter().zip(values).map(|(e, v)| e * v[d]).sum::<f32>() / sum)
            .collect();
        Part { max, sum, context }
    }
}

pub fn merge(merge: fn(Part, Part) -> Part) {
    let mut random = Random(1);
    for (len, cut) in [(2, 1), (10, 3), (10, 9)] {
        let scores: Vec<f32> = random.values(len).into_iter().map(|score| score * 50.0).collect();
        let values: Vec<[f32; 3]> = (0..len).map(|_| [(); 3].map(|()| random.value())).collect();
        let whole = Part::of(&scores, &values);
        let (a, b) =
            (Part::of(&scores[..cut], &values[..cut]), Part::of(&scores[cut..], &values[cut..]));
        for merged in [merge(a.clone(), b.clone()), merge(b, a)] {
            assert_eq!(merged.max, whole.max);
            assert!((merged.sum - whole.sum).abs() < 1e-5 * whole.sum, "{merged:?} and {whole:?}");
            assert_eq!(merged.context.len(), 3);
            assert!(
                merged.context.iter().zip(&whole.context).all(|(a, b)| (a - b).abs() < 1e-5),
                "{merged:?} and {whole:?}"
            );
        }
    }
}

pub fn padding(padding: fn(&[usize]) -> f64) {
    super::close("equal lengths", padding(&[16; 8]), 0.0);
    super::close("one long and one short sentence", padding(&[1, 3]), 8.0 / 18.0);
    super::close(
        "the ladder's batch",
        padding(&[4, 7, 9, 12, 14, 19, 23, 40]),
        1.0 - 2976.0 / 12800.0,
    );
}

pub fn order(order: fn() -> [f32; 3]) {
    let [a, b, c] = order();
    assert!([a, b, c].iter().all(|x| (1.0..=2.0).contains(x)), "{a}, {b} and {c} are from 1 to 2");
    assert_ne!((a + b) + c, a + (b + c));
}

struct Sum<'a>(&'a [f32]);

impl Kernel for Sum<'_> {
    type Output = f32;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let mut sum = s.zero();
        for x in self.0.chunks(LANES) {
            sum = s.add(sum, s.load_or(x, 0.0));
        }
        s.sum(sum)
    }
}

pub fn tree(tree: fn(&[f32]) -> f32) {
    for len in [0, 1, 16, 17, 384, 1000] {
        let x = Random(len as u64).values(len);
        for level in Level::available() {
            assert_eq!(tree(&x).to_bits(), level.run(Sum(&x)).to_bits(), "{len} values, {level}");
        }
    }
}
