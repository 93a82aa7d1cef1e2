//! Attention: exact where it can be, within a derived bound of f64 elsewhere, and independent of
//! the other sentences.

mod support;

use minilm_kernels::{
    Level, Rows, RowsMut,
    attention::{Scratch, attention, split},
    gemm::KC,
    naive,
};
use support::{Random, U, assert_exact, assert_same_bits, assert_within, gamma};

/// Tokens of a sentence: L.
#[rustfmt::skip]
const LENGTHS: [usize; 22] = [
    1, 2, // shortest: softmax of one value is 1
    3, 4, 5, // around the portable tile, 4 queries
    6, 7, // around the tile of AVX2, 6 queries
    11, 12, 13, // around the tile of AVX-512, 12 queries; two tiles of 6
    15, 16, 17, // around a vector, and where AVX-512 changes from one to two vectors of keys
    31, 32, 33, // around two vectors: its panel of keys
    KC - 1, KC, KC + 1, // around a chain
    2 * KC + 1, // a third chain is added to a sum of two
    256, // the longest sentence of all-MiniLM-L6-v2
    512, // the longest of BERT
];

/// Columns of a head: D.
const HEAD_SIZES: [usize; 4] = [
    32, // whole vectors, one value panel on AVX-512
    64, // two value panels
    26, // a ragged second vector
    1,  // one lane
];

const HEADS: usize = 2;

/// The shape of one call.
#[derive(Clone, Copy)]
struct Shape<'a> {
    d: usize,
    starts: &'a [usize],
}

impl Shape<'_> {
    fn hidden(self) -> usize {
        HEADS * self.d
    }

    fn tokens(self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// Queries, keys and values `[T, 3·H]`.
    fn random(self) -> Vec<f32> {
        Random((self.d * 1000 + self.tokens()) as u64).values(self.tokens() * 3 * self.hidden())
    }

    fn run_in(self, scratch: &mut Scratch, level: Level, qkv: &[f32]) -> Vec<f32> {
        let mut context = vec![f32::NAN; self.tokens() * self.hidden()];
        let (rows, out) =
            (Rows::new(qkv, 3 * self.hidden()), RowsMut::new(&mut context, self.hidden()));
        attention(level, split(rows), HEADS, self.starts, scratch, out);
        context
    }

    fn run(self, level: Level, qkv: &[f32]) -> Vec<f32> {
        self.run_in(&mut Scratch::default(), level, qkv)
    }
}

/// The bound of rounding for the context `[L, H]` of one sentence from the truth.
///
/// With t = q·k/√D − max and p = exp(t)/Σ, the kernel computes Σ êv / Σ ê with ê = exp(t + τ)·(1 +
/// ρ):
///
/// - τ: the dot product has D roundings, γ_D·Σ|q·k|/√D; subtraction, scaling and the scale itself
///   three, 3u·|t|. An error in the maximum is the same for all keys and cancels.
/// - ρ: exp is within 1 ULP, 2u; the sum over the values has at most KC roundings and one for each
///   further chain; the sum of the exponentials one for each sixteen and four of the tree.
fn bound(qkv: &[f32], hidden: usize, truth: &[f64]) -> Vec<f64> {
    let d = hidden / HEADS;
    let l = qkv.len() / (3 * hidden);
    let (of_values, of_sum) =
        (gamma(l.min(KC) + l.div_ceil(KC) + 2), gamma(l.div_ceil(16) + 4 + 2));
    let root = (d as f64).sqrt();
    let row = |token: usize, part: usize, head: usize| {
        &qkv[token * 3 * hidden + part * hidden + head * d..][..d]
    };

    let mut bound = vec![0.0; l * hidden];
    for head in 0..HEADS {
        for i in 0..l {
            let terms = |j| {
                row(i, 0, head)
                    .iter()
                    .zip(row(j, 1, head))
                    .map(|(&q, &k)| f64::from(q) * f64::from(k))
            };
            let scores: Vec<f64> = (0..l).map(|j| terms(j).sum::<f64>() / root).collect();
            let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let tau = |j: usize| {
                gamma(d) * terms(j).map(f64::abs).sum::<f64>() / root + 3.01 * U * (max - scores[j])
            };
            let growth: Vec<f64> = (0..l).map(|j| tau(j).exp()).collect();
            let p = naive::softmax(&scores);
            // Relative errors of numerator and denominator: p-weighted sums of (eᵗ·(1 + ρ) − 1).
            let sum: f64 = (0..l).map(|j| p[j] * (growth[j] * (1.0 + of_sum) - 1.0)).sum();
            for column in 0..d {
                let term = |j: usize| {
                    p[j] * f64::from(row(j, 2, head)[column]).abs()
                        * (growth[j] * (1.0 + of_values) - 1.0)
                };
                let at = i * hidden + head * d + column;
                let quotient =
                    ((0..l).map(term).sum::<f64>() + truth[at].abs() * sum) / (1.0 - sum);
                // The last rounding is the division's.
                bound[at] = quotient * (1.0 + U) + U * truth[at].abs();
            }
        }
    }
    bound
}

#[test]
fn every_length_and_head_size_is_within_the_rounding_bound_of_f64() {
    for d in HEAD_SIZES {
        for l in LENGTHS {
            let shape = Shape { d, starts: &[0, l] };
            let qkv = shape.random();
            let want = naive::attention(&qkv, shape.hidden(), HEADS);
            let bound = bound(&qkv, shape.hidden(), &want);
            for level in Level::available() {
                assert_within(
                    &format!("{level} D {d} L {l}"),
                    shape.hidden(),
                    &shape.run(level, &qkv),
                    &want,
                    &bound,
                );
            }
        }
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    for d in HEAD_SIZES {
        for l in LENGTHS {
            let shape = Shape { d, starts: &[0, l] };
            let qkv = shape.random();
            let want = shape.run(Level::PORTABLE, &qkv);
            for level in Level::available() {
                assert_same_bits(
                    &format!("{level} D {d} L {l}"),
                    shape.hidden(),
                    &shape.run(level, &qkv),
                    &want,
                );
            }
        }
    }
}

/// Keys are 0 but in column 0 of each head, where key `j` is `j`; values are small integers.
fn counting_keys(shape: Shape, query: impl Fn(usize) -> f32) -> Vec<f32> {
    let h = shape.hidden();
    let mut qkv = Random(7).integers(shape.tokens() * 3 * h);
    for (i, row) in qkv.chunks_exact_mut(3 * h).enumerate() {
        row[..2 * h].fill(0.0);
        for head in 0..HEADS {
            row[head * shape.d] = query(i);
            row[h + head * shape.d] = i as f32;
        }
    }
    qkv
}

#[test]
fn equal_scores_give_the_exact_mean_of_the_values() {
    for d in HEAD_SIZES {
        // Powers of two, so that the division is exact too.
        for l in [1, 2, 4, 8, 16, 32, 64, 256, 512] {
            let shape = Shape { d, starts: &[0, l] };
            let qkv = counting_keys(shape, |_| 0.0);
            let h = shape.hidden();
            let mean = |column: usize| {
                qkv.chunks_exact(3 * h).map(|row| f64::from(row[2 * h + column])).sum::<f64>()
                    / l as f64
            };
            let want: Vec<f64> = (0..l * h).map(|i| mean(i % h)).collect();
            for level in Level::available() {
                assert_exact(&format!("{level} D {d} L {l}"), h, &shape.run(level, &qkv), &want);
            }
        }
    }
}

#[test]
fn a_query_that_one_key_dominates_gets_exactly_its_value() {
    for d in HEAD_SIZES {
        for l in LENGTHS {
            let shape = Shape { d, starts: &[0, l] };
            // Scores fall by more than 87·√D from one key to the next: exp is e⁻⁸⁷ for all but the
            // largest, nothing beside a value. Queries of even tokens look for the last key, those
            // of odd ones for the first.
            let mut qkv = counting_keys(shape, |i| if i % 2 == 0 { 1000.0 } else { -1000.0 });
            let h = shape.hidden();
            let values = qkv.chunks_exact_mut(3 * h).flat_map(|row| &mut row[2 * h..]);
            values.filter(|v| **v == 0.0).for_each(|v| *v = 0.5);
            let key = |i: usize| if i.is_multiple_of(2) { l - 1 } else { 0 };
            let want: Vec<f64> =
                (0..l * h).map(|i| f64::from(qkv[key(i / h) * 3 * h + 2 * h + i % h])).collect();
            for level in Level::available() {
                assert_exact(&format!("{level} D {d} L {l}"), h, &shape.run(level, &qkv), &want);
            }
        }
    }
}

#[test]
fn huge_scores_stay_within_the_bound() {
    for d in HEAD_SIZES {
        let shape = Shape { d, starts: &[0, 33] };
        let h = shape.hidden();
        let mut qkv = shape.random();
        // Scores q·k/√D of order 1e4, of both signs; the values stay between −1 and 1.
        qkv.chunks_exact_mut(3 * h)
            .for_each(|row| row[..2 * h].iter_mut().for_each(|x| *x *= 170.0));
        let want = naive::attention(&qkv, h, HEADS);
        let bound = bound(&qkv, h, &want);
        for level in Level::available() {
            assert_within(&format!("{level} D {d}"), h, &shape.run(level, &qkv), &want, &bound);
        }
    }
}

#[test]
fn a_sentence_alone_has_the_bits_of_the_sentence_in_any_pack() {
    // 1, 2, 33, 1, 16, 12, 17, 193 and 13 tokens.
    let starts = [0, 1, 3, 36, 37, 53, 65, 82, 275, 288];
    for d in HEAD_SIZES {
        let shape = Shape { d, starts: &starts };
        let (qkv, h) = (shape.random(), shape.hidden());
        for level in Level::available() {
            let together = shape.run(level, &qkv);
            for sentence in starts.windows(2).map(|w| w[0]..w[1]) {
                let alone = Shape { d, starts: &[0, sentence.len()] };
                let got = alone.run(level, &qkv[sentence.start * 3 * h..sentence.end * 3 * h]);
                let want = &together[sentence.start * h..sentence.end * h];
                assert_same_bits(&format!("{level} D {d} rows {sentence:?}"), h, &got, want);
            }
        }
    }
}

#[test]
fn a_sentence_does_not_see_its_neighbours() {
    let shape = Shape { d: 26, starts: &[0, 17, 30, 47] };
    let h = shape.hidden();
    let qkv = shape.random();
    let mut poisoned = qkv.clone();
    poisoned[..17 * 3 * h].fill(f32::NAN);
    poisoned[30 * 3 * h..].fill(f32::INFINITY);
    for level in Level::available() {
        let (want, got) = (shape.run(level, &qkv), shape.run(level, &poisoned));
        assert_same_bits(level.name(), h, &got[17 * h..30 * h], &want[17 * h..30 * h]);
    }
}

#[test]
fn a_used_scratch_gives_the_bits_of_a_fresh_one() {
    for level in Level::available() {
        let mut scratch = Scratch::default();
        // Long and short, wide and narrow, in turn: what the one leaves behind is where the next
        // one pads.
        for (d, l) in
            [(64, 193), (26, 17), (1, 2), (32, 257), (26, 1), (64, 5), (1, 300), (26, 33), (32, 13)]
        {
            let shape = Shape { d, starts: &[0, l] };
            let qkv = shape.random();
            let got = shape.run_in(&mut scratch, level, &qkv);
            assert_same_bits(
                &format!("{level} D {d} L {l}"),
                shape.hidden(),
                &got,
                &shape.run(level, &qkv),
            );

            // Values that a call leaves behind are NaN.
            shape.run_in(&mut scratch, level, &vec![f32::NAN; qkv.len()]);
        }
    }
}

#[test]
fn strided_operands_give_the_bits_of_dense_ones_and_nothing_beside_is_touched() {
    for d in HEAD_SIZES {
        let shape = Shape { d, starts: &[0, 5, 38] };
        let (h, t) = (shape.hidden(), shape.tokens());
        let qkv = shape.random();
        let wide: Vec<f32> = qkv
            .chunks_exact(3 * h)
            .flat_map(|row| [&[f32::NAN; 3], row, &[f32::NAN]].concat())
            .collect();
        let wide = Rows::new(&wide, 3 * h + 4).columns(3..3 + 3 * h);
        for level in Level::available() {
            let mut got = vec![777.0; t * (h + 7)];
            let mut out = RowsMut::new(&mut got, h + 7);
            attention(
                level,
                split(wide),
                HEADS,
                shape.starts,
                &mut Scratch::default(),
                out.columns(2..2 + h),
            );

            let dense = shape.run(level, &qkv);
            let want: Vec<f32> = dense
                .chunks_exact(h)
                .flat_map(|row| [&[777.0; 2], row, &[777.0; 5]].concat())
                .collect();
            assert_same_bits(&format!("{level} D {d}"), h + 7, &got, &want);
        }
    }
}

#[test]
fn an_empty_sentence_is_no_work() {
    let with = Shape { d: 26, starts: &[0, 0, 5, 5, 12, 12] };
    let without = Shape { d: 26, starts: &[0, 5, 12] };
    let qkv = with.random();
    for level in Level::available() {
        assert_same_bits(
            level.name(),
            with.hidden(),
            &with.run(level, &qkv),
            &without.run(level, &qkv),
        );
    }
}

#[test]
fn no_sentences_are_no_work() {
    for level in Level::available() {
        Shape { d: 32, starts: &[0] }.run(level, &[]);
    }
}

#[test]
#[should_panic(expected = "the last sentence ends at the last row")]
fn starts_that_leave_rows_over_are_refused() {
    let mut context = [0.0; 3];
    let out = RowsMut::new(&mut context, 1);
    attention(
        Level::detect(),
        split(Rows::new(&[0.0; 9], 3)),
        1,
        &[0, 2],
        &mut Scratch::default(),
        out,
    );
}
