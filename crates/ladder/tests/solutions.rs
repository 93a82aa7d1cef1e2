//! The solutions of the exercises: proof that each can be solved. Spoilers.

mod check;
mod exercise;

use exercise::{Gemm, Part};
use minilm_kernels::{
    naive,
    simd::{Kernel, LANES, ROUNDER, Simd},
};
use std::ops::Range;

#[test]
fn chapter_1() {
    exercise::flop_of_a_batch(|lengths| {
        lengths.iter().map(|l| 2 * 6 * (l * 1_769_472 + 768 * l * l)).sum()
    });
    // 2·T·W FLOP and 4·W bytes for W weights.
    exercise::tokens_for_arithmetic(|flop_per_second, bytes_per_second| {
        2.0 * flop_per_second / bytes_per_second
    });
}

#[test]
fn chapter_2() {
    exercise::pack(|w, k, nr| {
        let panel = |panel: &[f32]| {
            let at = |i: usize| panel.get(i % nr * k + i / nr).copied().unwrap_or(0.0);
            (0..k * nr).map(at).collect::<Vec<_>>()
        };
        w.chunks(nr * k).flat_map(panel).collect()
    });
    exercise::lines(|rows, cols| (rows, cols / 16));
}

#[test]
fn chapter_3() {
    exercise::best_tile(|registers| {
        let tiles = (1..registers).flat_map(|mr| (1..registers).map(move |nv| (mr, nv)));
        let loads = |&(mr, nv): &(usize, usize)| (mr + nv) as f64 / (mr * nv) as f64;
        tiles
            .filter(|(mr, nv)| mr * nv + nv < registers)
            .min_by(|a, b| loads(a).total_cmp(&loads(b)))
            .expect("a tile of 1 × 1")
    });
    exercise::product(|x, w, k, y| {
        let (m, n) = (x.len() / k, w.len() / k);
        for i in (0..m).step_by(2) {
            for j in (0..n).step_by(2) {
                // A row or column that is missing is the one before it, and not written.
                let (i1, j1) = ((i + 1).min(m - 1), (j + 1).min(n - 1));
                let mut sums = [0.0; 4];
                for at in 0..k {
                    let (a, b) = ([x[i * k + at], x[i1 * k + at]], [w[j * k + at], w[j1 * k + at]]);
                    for t in 0..4 {
                        sums[t] += a[t / 2] * b[t % 2];
                    }
                }
                for t in 0..4 {
                    y[[i, i1][t / 2] * n + [j, j1][t % 2]] = sums[t];
                }
            }
        }
    });
}

#[test]
fn chapter_4() {
    struct Relu<'a>(f32, f32, &'a [f32], &'a mut [f32]);
    impl Kernel for Relu<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for (x, y) in self.2.chunks(LANES).zip(self.3.chunks_mut(LANES)) {
                let value = s.mul_add(s.splat(self.0), s.load_or(x, 0.0), s.splat(self.1));
                s.store_first(s.max(value, s.zero()), y);
            }
        }
    }
    exercise::relu(|level, a, b, x, y| level.run(Relu(a, b, x, y)));

    struct Largest<'a>(&'a [f32]);
    impl Kernel for Largest<'_> {
        type Output = usize;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> usize {
            let mut max = s.splat(f32::NEG_INFINITY);
            for x in self.0.chunks(LANES) {
                max = s.max(s.load_or(x, f32::NEG_INFINITY), max);
            }
            let max = s.max_lane(max);
            self.0.iter().position(|x| *x == max).expect("the largest is among them")
        }
    }
    exercise::largest(|level, x| level.run(Largest(x)));
}

#[test]
fn chapter_5() {
    struct Exp2<'a>(&'a mut [f32]);
    impl Kernel for Exp2<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            // ln 2ᵏ / k!: 2ʳ = e^(r·ln 2), |r| ≤ ½
            let ln_2 = std::f64::consts::LN_2;
            let mut c = [1.0f64; 8];
            for k in 1..8 {
                c[k] = c[k - 1] * ln_2 / k as f64;
            }
            for x in self.0.chunks_mut(LANES) {
                let v = s.load_or(x, 0.0);
                let n = s.add(v, s.splat(ROUNDER));
                let r = s.sub(v, s.sub(n, s.splat(ROUNDER)));
                let mut p = s.splat(c[7] as f32);
                for k in (0..7).rev() {
                    p = s.mul_add(p, r, s.splat(c[k] as f32));
                }
                s.store_first(s.mul(p, s.exp2_int(n)), x);
            }
        }
    }
    exercise::exp2(|level, x| level.run(Exp2(x)));

    exercise::online(|x| {
        x.fold((f32::NEG_INFINITY, 0.0), |(max, sum), x| {
            let larger = max.max(x);
            (larger, sum * (max - larger).exp() + (x - larger).exp())
        })
    });
}

#[test]
fn chapter_6() {
    exercise::merge(|a: Part, b: Part| {
        let max = a.max.max(b.max);
        let (of_a, of_b) = (a.sum * (a.max - max).exp(), b.sum * (b.max - max).exp());
        let sum = of_a + of_b;
        let context =
            a.context.iter().zip(&b.context).map(|(a, b)| (a * of_a + b * of_b) / sum).collect();
        Part { max, sum, context }
    });
    exercise::padding(|lengths| {
        let longest = lengths.iter().max().copied().unwrap_or(0);
        let needed: usize = lengths.iter().map(|l| l * l).sum();
        1.0 - needed as f64 / (lengths.len() * longest * longest) as f64
    });
}

#[test]
fn chapter_7() {
    // The sum of two is rounded to a multiple of 2ε, and ½·2ε to the even one of its neighbours.
    exercise::order(|| [1.0, 1.0 + f32::EPSILON, 1.0 + f32::EPSILON]);
    exercise::tree(|x| {
        let mut lanes = [0.0; LANES];
        for (i, x) in x.iter().enumerate() {
            lanes[i % LANES] += x;
        }
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                lanes[i] += lanes[i + half];
            }
        }
        lanes[0]
    });
}

#[test]
fn chapter_8() {
    exercise::share(|columns, part, rank, size| -> Range<usize> {
        let parts = columns.div_ceil(part);
        let start = |rank: usize| columns.min(parts * rank / size * part);
        start(rank)..start(rank + 1)
    });
    exercise::deal(|seconds, threads| {
        let mut order: Vec<usize> = (0..seconds.len()).collect();
        order.sort_by(|&a, &b| seconds[b].total_cmp(&seconds[a]));
        let (mut dealt, mut loads) = (vec![Vec::new(); threads], vec![0.0; threads]);
        for batch in order {
            let least = (0..threads)
                .min_by(|&a, &b| f64::total_cmp(&loads[a], &loads[b]))
                .expect("a thread");
            dealt[least].push(batch);
            loads[least] += seconds[batch];
        }
        dealt
    });
}

#[test]
fn chapter_9() {
    exercise::is_right(|gemm: Gemm| {
        [(1, 1, 1), (3, 5, 7), (4, 16, 130)].into_iter().all(|(m, n, k)| {
            // Integers are exact in any order; a NaN is equal to nothing.
            let integers = |len: usize, step: usize| {
                (0..len).map(|i| (i * step % 13) as f32 - 6.0).collect::<Vec<_>>()
            };
            let (x, w) = (integers(m * k, 5), integers(n * k, 7));
            let mut y = vec![0.5; m * n];
            gemm(&x, &w, k, &mut y);
            y.iter()
                .zip(naive::linear(&x, &w, &vec![0.0; n]))
                .all(|(&y, want)| f64::from(y) == want)
        })
    });
    exercise::ulps(|got, want| {
        let ulp = 2f64.powi(want.abs().log2().floor() as i32 - 23);
        (f64::from(got) - want).abs() / ulp
    });
}

#[test]
fn chapter_10() {
    exercise::roofline(|flop, bytes, flop_per_second, bytes_per_second| {
        (flop / flop_per_second).max(bytes / bytes_per_second)
    });
    exercise::rest(|part, factor| 1.0 / (1.0 - part + part / factor));
}

#[test]
fn wrong_answers_are_refused() {
    let refused = |name: &str, check: fn()| {
        assert!(std::panic::catch_unwind(check).is_err(), "{name} passed")
    };
    refused("flop without attention", || {
        exercise::flop_of_a_batch(|lengths| lengths.iter().map(|l| 12 * l * 1_769_472).sum())
    });
    refused("twice the tokens", || {
        exercise::tokens_for_arithmetic(|flop, bytes| 4.0 * flop / bytes)
    });
    refused("not packed", || exercise::pack(|w, _, _| w.to_vec()));
    refused("lines of a column by bytes", || exercise::lines(|rows, cols| (rows / 16, cols / 16)));
    refused("the shipped tile is not the one with fewest loads", || {
        exercise::best_tile(|_| (8, 3))
    });
    refused("no product", || exercise::product(|_, _, _, y| y.fill(0.0)));
    refused("no maximum", || {
        exercise::relu(|_, a, b, x, y| y.iter_mut().zip(x).for_each(|(y, x)| *y = a.mul_add(*x, b)))
    });
    refused("the last index", || exercise::largest(|_, x| x.len() - 1));
    refused("e instead of 2", || exercise::exp2(|_, x| x.iter_mut().for_each(|x| *x = x.exp())));
    refused("a sum that does not shrink", || {
        exercise::online(|x| {
            x.fold((f32::NEG_INFINITY, 0.0), |(max, sum), x| {
                (max.max(x), sum + (x - max.max(x)).exp())
            })
        })
    });
    refused("one half", || exercise::merge(|a, _| a));
    refused("no padding", || exercise::padding(|_| 0.0));
    refused("an exact sum", || exercise::order(|| [1.0, 1.0, 1.0]));
    refused("one chain", || exercise::tree(|x| x.iter().sum()));
    refused("all to each", || exercise::share(|columns, _, _, _| 0..columns));
    refused("all to one", || {
        exercise::deal(|seconds, threads| {
            let mut dealt = vec![Vec::new(); threads];
            dealt[0] = (0..seconds.len()).collect();
            dealt
        })
    });
    refused("accepts all", || exercise::is_right(|_| true));
    refused("refuses all", || exercise::is_right(|_| false));
    refused("absolute errors", || exercise::ulps(|got, want| (f64::from(got) - want).abs()));
    refused("the sum of both times", || {
        exercise::roofline(|flop, bytes, f, b| flop / f + bytes / b)
    });
    refused("the part alone", || exercise::rest(|_, factor| factor));
}

#[test]
fn chapter_16() {
    exercise::quantise(|row| {
        let most = row.iter().fold(1e-30_f32, |most, x| most.max(x.abs()));
        let scale = most / 127.0;
        (row.iter().map(|x| (x / scale).round_ties_even() as i8).collect(), scale)
    });
}
