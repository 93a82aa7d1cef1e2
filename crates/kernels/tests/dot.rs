//! Dot products and squared distances: exact on integers, within a derived bound of f64 on others,
//! the same bits on every level and in any number of rows.

mod support;

use minilm_kernels::{
    Level, Rows,
    dot::{ByteRows, Bytes, Product, Steps, dot, products, roundings, squared_distances},
};
use support::{Random, assert_exact, assert_same_bits, assert_within, gamma};

/// Columns: K, around one vector, two vectors, the hidden size.
const WIDTHS: [usize; 9] = [1, 15, 16, 17, 31, 33, 383, 384, 385];

/// Rows: M, around the groups of two and of four.
const ROWS: [usize; 7] = [0, 1, 2, 3, 4, 5, 9];

/// Everything the kernels compute for x `[M, K]`, one after the other: dot products, squares,
/// distances.
fn run(level: Level, x: &[f32], y: &[f32]) -> Vec<f32> {
    let rows = Rows::new(x, y.len());
    let mut found = vec![Product { dot: f32::NAN, square: f32::NAN }; rows.rows()];
    let mut distances = vec![f32::NAN; rows.rows()];
    products(level, rows, y, &mut found);
    squared_distances(level, rows, y, &mut distances);
    let both = found.iter().map(|p| p.dot).chain(found.iter().map(|p| p.square));
    both.chain(distances).collect()
}

/// The same in f64, and the magnitude of each sum.
fn oracle(x: &[f32], y: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let sum = |term: fn(f64, f64) -> f64| {
        let row = move |row: &[f32]| {
            row.iter().zip(y).map(|(&x, &y)| term(x.into(), y.into())).sum::<f64>()
        };
        x.chunks_exact(y.len()).map(row).collect::<Vec<f64>>()
    };
    let values = [sum(|x, y| x * y), sum(|x, _| x * x), sum(|x, y| (x - y) * (x - y))].concat();
    let magnitudes =
        [sum(|x, y| (x * y).abs()), sum(|x, _| x * x), sum(|x, y| (x - y) * (x - y))].concat();
    (values, magnitudes)
}

#[test]
fn integers_are_exact_at_every_size() {
    for level in Level::available() {
        for k in WIDTHS {
            for m in ROWS {
                let mut random = Random((k * 100 + m) as u64);
                let (x, y) = (random.integers(m * k), random.integers(k));
                assert_exact(
                    &format!("{level} [{m}, {k}]"),
                    m.max(1),
                    &run(level, &x, &y),
                    &oracle(&x, &y).0,
                );
            }
        }
    }
}

#[test]
fn random_values_are_within_the_bound_of_their_roundings() {
    for level in Level::available() {
        for k in WIDTHS {
            let mut random = Random(k as u64);
            let (x, y) = (random.values(5 * k), random.values(k));
            let (want, magnitude) = oracle(&x, &y);
            // A difference is rounded before it is squared: two roundings more.
            let bound: Vec<f64> = magnitude.iter().map(|m| gamma(roundings(k) + 2) * m).collect();
            assert_within(&format!("{level} K = {k}"), 5, &run(level, &x, &y), &want, &bound);
        }
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    for k in WIDTHS {
        let mut random = Random(k as u64 + 1);
        let (x, y) = (random.values(7 * k), random.values(k));
        let portable = run(Level::PORTABLE, &x, &y);
        for level in Level::available() {
            assert_same_bits(&format!("{level} K = {k}"), 7, &run(level, &x, &y), &portable);
        }
    }
}

#[test]
fn a_row_alone_has_the_bits_it_has_among_others_and_either_way_round() {
    let mut random = Random(2);
    let (x, y) = (random.values(7 * 100), random.values(100));
    for level in Level::available() {
        let together = run(level, &x, &y);
        for (i, row) in x.chunks_exact(100).enumerate() {
            let alone = run(level, row, &y);
            assert_same_bits(
                &format!("{level} row {i}"),
                1,
                &alone,
                &[together[i], together[7 + i], together[14 + i]],
            );
            assert_eq!(dot(level, row, &y).to_bits(), alone[0].to_bits());
            assert_eq!(dot(level, &y, row).to_bits(), alone[0].to_bits());
        }
    }
}

#[test]
fn columns_of_wider_rows_are_read_where_they_are() {
    let mut random = Random(3);
    let (wide, y) = (random.integers(5 * 40), random.integers(20));
    let narrow: Vec<f32> = wide.chunks_exact(40).flat_map(|row| &row[7..27]).copied().collect();
    let mut out = vec![Product::default(); 5];
    products(Level::detect(), Rows::new(&wide, 40).columns(7..27), &y, &mut out);
    let got: Vec<f32> = out.iter().map(|p| p.dot).collect();
    assert_exact("columns 7..27", 1, &got, &oracle(&narrow, &y).0[..5]);
}

#[test]
fn a_nan_is_seen_in_the_square_whatever_it_is_multiplied_with() {
    for level in Level::available() {
        for at in [0, 15, 16, 20] {
            let mut x = vec![1.0; 3 * 21];
            x[21 + at] = f32::NAN;
            let mut out = vec![Product::default(); 3];
            products(level, Rows::new(&x, 21), &[0.0; 21], &mut out);
            let nan: Vec<bool> = out.iter().map(|p| p.square.is_nan()).collect();
            assert_eq!(nan, [false, true, false], "{level}, column {at}");
        }
    }
}

#[test]
#[should_panic(expected = "x has 2 columns, y 3")]
fn another_width_is_refused() {
    dot(Level::detect(), &[1.0, 2.0], &[1.0, 2.0, 3.0]);
}

#[test]
fn every_call_gives_the_bits_of_single_rows_whatever_is_fetched_ahead() {
    let (m, k) = (70, 3 * 128 + 5); // enough rows for the trials of what to prefetch
    let mut random = Random(9);
    let (x, y) = (random.values(m * k), random.values(k));
    let x = Rows::new(&x, k);
    for level in Level::available() {
        let single: Vec<f32> = (0..m).map(|i| dot(level, x.row(i), &y)).collect();
        for call in 0..150 {
            let mut out = vec![Product::default(); m];
            products(level, x, &y, &mut out);
            let dots: Vec<f32> = out.iter().map(|product| product.dot).collect();
            assert_eq!(dots, single, "call {call} on {level}");
        }
    }
}

/// Bytes of both kinds, and the steps of their dimensions.
struct Stored {
    bytes: Vec<u8>,
    signed: Vec<i8>,
    steps: [Vec<f32>; 3],
}

impl Stored {
    fn new(m: usize, k: usize) -> Stored {
        let mut random = Random((m * 1000 + k) as u64);
        let bytes: Vec<u8> = (0..m * k).map(|_| random.bits() as u8).collect();
        let signed = bytes.iter().map(|byte| (byte ^ 0x80).cast_signed()).collect();
        let lowest = random.values(k);
        let step: Vec<f32> = random.values(k).iter().map(|x| x.abs() / 255.0).collect();
        let highest = lowest.iter().zip(&step).map(|(x, step)| x + 255.0 * step).collect();
        Stored { bytes, signed, steps: [lowest, step, highest] }
    }

    fn rows(&self, is_signed: bool) -> ByteRows<'_> {
        let [lowest, step, highest] = &self.steps;
        let bytes = match is_signed {
            true => Bytes::Signed(&self.signed),
            false => Bytes::Unsigned(&self.bytes),
        };
        ByteRows::new(bytes, Steps { lowest, step, highest })
    }
}

#[test]
fn bytes_have_the_products_of_their_restored_rows() {
    for level in Level::available() {
        for k in WIDTHS {
            for m in ROWS {
                let stored = Stored::new(m, k);
                let y = Random(k as u64).values(k);
                let [lowest, step, highest] = &stored.steps;
                let want = stored.bytes.iter().enumerate().map(|(i, &byte)| {
                    let middle = f32::from(byte) + 0.5;
                    (lowest[i % k] + middle * step[i % k]).min(highest[i % k])
                });
                let want: Vec<f32> = want.collect();
                let mut products_of_rows = vec![Product::default(); m];
                products(level, Rows::new(&want, k), &y, &mut products_of_rows);
                for is_signed in [false, true] {
                    let rows = stored.rows(is_signed);
                    assert_eq!((rows.rows(), rows.cols()), (m, k));
                    let mut restored = vec![f32::NAN; m * k];
                    rows.restore(level, &mut restored);
                    assert_same_bits(&format!("{level} [{m}, {k}]"), m.max(1), &restored, &want);
                    let mut out = vec![Product { dot: f32::NAN, square: f32::NAN }; m];
                    rows.products(level, &y, &mut out);
                    assert_eq!(out, products_of_rows, "{level} [{m}, {k}]");
                }
            }
        }
    }
}
