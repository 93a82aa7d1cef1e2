//! The sixteen-lane operations: on every level, the bits of plain Rust on each lane.

mod support;

use minilm_kernels::{
    Level,
    simd::{Kernel, LANES, ROUNDER, Simd},
};
use support::{Random, assert_same_bits, specials};

type Lanes = [f32; LANES];

/// An operation that takes lane `i` to lane `i`.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Add,
    Sub,
    Mul,
    Div,
    MulAdd,
    Max,
    Min,
    Abs,
    Exp2Int,
}
use Operation::*;

/// The operations that are defined for all floats.
const TOTAL: [Operation; 8] = [Add, Sub, Mul, Div, MulAdd, Max, Min, Abs];

impl Operation {
    /// The operation on one lane: the documentation of [`Simd`] in plain Rust.
    fn of_lane(self, a: f32, b: f32, c: f32) -> f32 {
        match self {
            Add => a + b,
            Sub => a - b,
            Mul => a * b,
            Div => a / b,
            MulAdd => a.mul_add(b, c),
            Max if a > b => a,
            Min if a < b => a,
            Max | Min => b,
            Abs => a.abs(),
            Exp2Int => 2f64.powi((a - ROUNDER) as i32) as f32,
        }
    }

    fn run(self, level: Level, a: &Lanes, b: &Lanes, c: &Lanes) -> Lanes {
        level.run(Lanewise { operation: self, a, b, c })
    }
}

struct Lanewise<'a> {
    operation: Operation,
    a: &'a Lanes,
    b: &'a Lanes,
    c: &'a Lanes,
}

impl Kernel for Lanewise<'_> {
    type Output = Lanes;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Lanes {
        let (a, b, c) = (s.load(self.a), s.load(self.b), s.load(self.c));
        s.to_array(match self.operation {
            Add => s.add(a, b),
            Sub => s.sub(a, b),
            Mul => s.mul(a, b),
            Div => s.div(a, b),
            MulAdd => s.mul_add(a, b, c),
            Max => s.max(a, b),
            Min => s.min(a, b),
            Abs => s.abs(a),
            Exp2Int => s.exp2_int(a),
        })
    }
}

/// Compares `operations` on every level with plain Rust, for all triples of operands.
fn check(operations: &[Operation], triples: &[[f32; 3]]) {
    for triples in triples.chunks(LANES) {
        let operand = |part: usize| std::array::from_fn(|lane| triples[lane % triples.len()][part]);
        let (a, b, c) = (operand(0), operand(1), operand(2));
        for operation in operations {
            let want: Lanes = std::array::from_fn(|i| operation.of_lane(a[i], b[i], c[i]));
            for level in Level::available() {
                let got = operation.run(level, &a, &b, &c);
                assert_same_bits(
                    &format!("{level} {operation:?} of {a:?}, {b:?}, {c:?}"),
                    LANES,
                    &got,
                    &want,
                );
            }
        }
    }
}

#[test]
fn every_operation_has_the_bits_of_plain_rust_on_special_values() {
    let values = specials();
    let pairs = values.iter().flat_map(|&a| values.iter().map(move |&b| [a, b]));
    let triples: Vec<[f32; 3]> =
        pairs.flat_map(|[a, b]| values.iter().map(move |&c| [a, b, c])).collect();
    check(&TOTAL, &triples);
}

#[test]
fn every_operation_has_the_bits_of_plain_rust_on_random_values() {
    let mut random = Random(1);
    let of_order_one: Vec<[f32; 3]> =
        (0..20_000).map(|_| [random.value(), random.value(), random.value()]).collect();
    check(&TOTAL, &of_order_one);
    let mut any = || f32::from_bits(random.bits() as u32);
    let of_any_order: Vec<[f32; 3]> = (0..20_000).map(|_| [any(), any(), any()]).collect();
    check(&TOTAL, &of_any_order);
}

#[test]
fn mul_add_rounds_once() {
    // a² = 1 + 2⁻¹¹ + 2⁻²⁴, which rounds to 1 + 2⁻¹¹: after two roundings the difference is 0,
    // after one 2⁻²⁴.
    let a = 1.0 + 2f32.powi(-12);
    let c = -(1.0 + 2f32.powi(-11));
    assert_eq!(a * a + c, 0.0);
    for level in Level::available() {
        assert_eq!(
            MulAdd.run(level, &[a; LANES], &[a; LANES], &[c; LANES]),
            [2f32.powi(-24); LANES],
            "{level}"
        );
    }
}

#[test]
fn the_rounder_takes_ties_to_even() {
    for level in Level::available() {
        for (x, want) in [
            (0.5, 0.0),
            (1.5, 2.0),
            (2.5, 2.0),
            (-0.5, 0.0),
            (-1.5, -2.0),
            (-2.5, -2.0),
            (4_194_302.5, 4_194_302.0),
        ] {
            let sum = Add.run(level, &[x; LANES], &[ROUNDER; LANES], &[0.0; LANES]);
            assert_eq!(
                Sub.run(level, &sum, &[ROUNDER; LANES], &[0.0; LANES]),
                [want; LANES],
                "{level} {x}"
            );
        }
    }
}

#[test]
fn max_and_min_give_their_second_operand_where_one_is_nan() {
    for level in Level::available() {
        for operation in [Max, Min] {
            let second = operation.run(level, &[f32::NAN; LANES], &[3.0; LANES], &[0.0; LANES]);
            assert_eq!(second, [3.0; LANES], "{level} {operation:?}");
            let nan = operation.run(level, &[3.0; LANES], &[f32::NAN; LANES], &[0.0; LANES]);
            assert!(nan.iter().all(|x| x.is_nan()), "{level} {operation:?}: {nan:?}");
            // Zeros compare equal: the second one, whatever its sign.
            let zero = operation.run(level, &[0.0; LANES], &[-0.0; LANES], &[0.0; LANES]);
            assert_same_bits(&format!("{level} {operation:?}"), LANES, &zero, &[-0.0; LANES]);
        }
    }
}

#[test]
fn exp2_int_is_exact_for_every_normal_power() {
    let powers: Vec<[f32; 3]> = (-126..=127).map(|n| [n as f32 + ROUNDER, 0.0, 0.0]).collect();
    check(&[Exp2Int], &powers);
}

#[test]
fn interleave_takes_lanes_in_turn_and_transpose_turns_rows_into_columns() {
    struct Interleave<'a>(&'a Lanes, &'a Lanes);
    impl Kernel for Interleave<'_> {
        type Output = [Lanes; 2];
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> [Lanes; 2] {
            let [low, high] = s.interleave(s.load(self.0), s.load(self.1));
            [s.to_array(low), s.to_array(high)]
        }
    }
    struct Transpose<'a>(&'a [Lanes; LANES]);
    impl Kernel for Transpose<'_> {
        type Output = [Lanes; LANES];
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> [Lanes; LANES] {
            s.transpose(self.0.map(|row| s.load(&row))).map(|row| s.to_array(row))
        }
    }
    let row = |i: usize| -> Lanes { std::array::from_fn(|j| (100 * i + j) as f32) };
    let rows: [Lanes; LANES] = std::array::from_fn(row);
    for level in Level::available() {
        let [low, high] = level.run(Interleave(&row(0), &row(1)));
        assert_eq!(low[..6], [0.0, 100.0, 1.0, 101.0, 2.0, 102.0], "{level}");
        assert_eq!(high[10..], [13.0, 113.0, 14.0, 114.0, 15.0, 115.0], "{level}");
        let columns = level.run(Transpose(&rows));
        for (i, j) in (0..LANES).flat_map(|i| (0..LANES).map(move |j| (i, j))) {
            assert_eq!(columns[i][j], rows[j][i], "{level} [{i}, {j}]");
        }
    }
}

#[test]
fn lookup_finds_every_index_in_every_lane() {
    struct Lookup<'a>(&'a Lanes, &'a Lanes);
    impl Kernel for Lookup<'_> {
        type Output = Lanes;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Lanes {
            s.to_array(s.lookup(self.0, s.load(self.1)))
        }
    }
    let table: Lanes = std::array::from_fn(|i| 100.0 + i as f32);
    for level in Level::available() {
        for turn in 0..LANES {
            let index: Lanes = std::array::from_fn(|lane| ((lane + turn) % LANES) as f32);
            let got = level.run(Lookup(&table, &index.map(|i| ROUNDER + i)));
            assert_eq!(got, index.map(|i| 100.0 + i), "{level}");
        }
    }
}

#[test]
fn sum_adds_in_the_documented_tree() {
    struct Sum<'a>(&'a Lanes);
    impl Kernel for Sum<'_> {
        type Output = f32;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> f32 {
            s.sum(s.load(self.0))
        }
    }
    let mut random = Random(2);
    let mut order_matters = false;
    for _ in 0..1000 {
        let v: Lanes = std::array::from_fn(|_| random.value());
        let eight = |i: usize| v[i] + v[i + 8];
        let four = |i: usize| eight(i) + eight(i + 4);
        let two = |i: usize| four(i) + four(i + 2);
        let want = two(0) + two(1);
        order_matters |= want != v.iter().sum::<f32>();
        for level in Level::available() {
            assert_eq!(level.run(Sum(&v)).to_bits(), want.to_bits(), "{level}: sum of {v:?}");
        }
    }
    assert!(order_matters, "the data do not tell one order from another");
}

#[test]
fn max_lane_finds_the_largest_in_every_lane() {
    struct MaxLane<'a>(&'a Lanes);
    impl Kernel for MaxLane<'_> {
        type Output = f32;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> f32 {
            s.max_lane(s.load(self.0))
        }
    }
    for level in Level::available() {
        for lane in 0..LANES {
            let mut v = [f32::NEG_INFINITY; LANES];
            v[lane] = f32::MIN;
            assert_eq!(level.run(MaxLane(&v)), f32::MIN, "{level} lane {lane}");
        }
    }
}

#[test]
fn moves_keep_every_lane_in_place() {
    /// `load_or` the values, then `store_first` as many.
    struct Through<'a>(&'a [f32], &'a mut [f32]);
    impl Kernel for Through<'_> {
        type Output = [Lanes; 3];
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> [Lanes; 3] {
            let v = s.load_or(self.0, 7.0);
            s.store_first(v, self.1);
            let mut stored = [0.0; LANES];
            s.store(v, &mut stored);
            s.prefetch(&stored);
            [stored, s.to_array(s.zero()), s.to_array(s.splat(-0.0))]
        }
    }
    // Less than a vector, a vector, more than one: what is beyond the sixteenth value is neither
    // read nor written.
    let values: Vec<f32> = (0..LANES + 3).map(|i| i as f32 - 3.5).collect();
    for level in Level::available() {
        for len in 0..=values.len() {
            let mut first = vec![9.0; len];
            let [stored, zero, splat] = level.run(Through(&values[..len], &mut first));
            let filled: Lanes = std::array::from_fn(|i| if i < len { values[i] } else { 7.0 });
            let written: Vec<f32> =
                (0..len).map(|i| if i < LANES { values[i] } else { 9.0 }).collect();
            assert_eq!((stored, first), (filled, written), "{level} {len} values");
            assert_same_bits(level.name(), LANES, &zero, &[0.0; LANES]);
            assert_same_bits(level.name(), LANES, &splat, &[-0.0; LANES]);
        }
    }
}
