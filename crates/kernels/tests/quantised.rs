//! Products of rounded rows: exact integer sums, the bits of the documented order on every level,
//! and the rounding that `naive` describes.

mod support;

use minilm_kernels::{
    Level, QuantisedLinear, Rows, RowsMut,
    gelu::gelu_slice,
    linear::Epilogue,
    naive,
    quantise::{CHUNK, Integer, QuantisedRows, Rotation},
};
use support::{Random, assert_exact, assert_same_bits, assert_within};

const ROTATIONS: [Rotation; 2] = [Rotation::Rotated, Rotation::Plain];

/// M, N and K.
#[rustfmt::skip]
const SHAPES: [(usize, usize, usize); 16] = [
    (1, 1, 1), // everything at its least
    (3, 17, 15), (4, 16, 16), (5, 15, 17), // around a vector
    (6, 48, CHUNK), // whole tiles, a whole panel of AVX-512, a whole chunk
    (7, 49, CHUNK - 1), (8, 47, CHUNK + 1), // a ragged chunk; a second one of one value
    (9, 95, CHUNK + 16), (13, 97, 2 * CHUNK), // chunks of 1 and of 24 registers
    (2, 33, 256), (2, 33, 160), (2, 33, 2 * CHUNK + 50), // 16 and 10 registers; no rotation
    (16, 33, CHUNK + 2), (21, 16, CHUNK - 2), // more tiles; an odd word
    (33, 49, CHUNK + 68), (70, 48, 100), // more than one block of matrix registers
];

/// y `[M, N]` of both precisions' kernels.
fn product<E: Integer>(
    level: Level,
    (x, weight, bias): (&[f32], &[f32], &[f32]),
    rotation: Rotation,
    epilogue: Epilogue,
) -> Vec<f32> {
    let (n, k) = (bias.len(), weight.len() / bias.len());
    let linear = QuantisedLinear::<E>::pack(level, weight, n, rotation).with_bias(bias);
    let mut rows = QuantisedRows::default();
    rows.quantise(level, Rows::new(x, k), rotation);
    // NaN shows whether anything of the old y is kept.
    let mut y = vec![f32::NAN; x.len() / k * n];
    linear.forward(&rows, RowsMut::new(&mut y, n), epilogue);
    y
}

/// Rows whose values stand out, vanish, alternate, or are all alike. Each chunk has a value of
/// magnitude `largest`, so its scale is 1 and its integers are its values.
fn extreme_row(kind: usize, k: usize, largest: i64, random: &mut Random) -> Vec<f32> {
    let l = largest as f32;
    let mut row: Vec<f32> = (0..k)
        .map(|i| match kind % 8 {
            0 => l,
            1 => -l,
            2 => [l, -l][i % 2],
            3 => [l, -l][i / 2 % 2],
            4 => 0.0,
            5 => [l, 0.0, -l][random.below(3)],
            6 => (random.below(2 * largest as usize + 1) as i64 - largest) as f32,
            _ => random.below(3) as f32 - 1.0,
        })
        .collect();
    for chunk in row.chunks_mut(CHUNK) {
        if kind % 8 > 4 {
            let place = random.below(chunk.len());
            chunk[place] = [l, -l][random.below(2)];
        }
    }
    row
}

/// Extreme rows against `i64`: the sum as `f32` if a chunk has one, exactly.
fn extremes_are_exact<E: Integer>(largest: i64) {
    let mut random = Random(1);
    for (m, n, k) in SHAPES {
        let mut rows = |count: usize, shift: usize| -> Vec<f32> {
            (0..count).flat_map(|i| extreme_row(i + shift, k, largest, &mut random)).collect()
        };
        let (x, weight) = (rows(m, k), rows(n, m));
        let bias = vec![0.0; n];
        let dot = |x: &[f32], w: &[f32]| -> f32 {
            let chunks = x.chunks(CHUNK).zip(w.chunks(CHUNK));
            chunks.fold(0.0, |y, (x, w)| {
                let sum: i64 = x.iter().zip(w).map(|(&x, &w)| x as i64 * w as i64).sum();
                assert!(i32::try_from(sum).is_ok());
                y + sum as f32
            })
        };
        let want: Vec<f64> = x
            .chunks(k)
            .flat_map(|x| weight.chunks(k).map(|w| f64::from(dot(x, w))).collect::<Vec<_>>())
            .collect();
        for level in Level::available() {
            let operands = (&x[..], &weight[..], &bias[..]);
            let y = product::<E>(level, operands, Rotation::Plain, Epilogue::Identity);
            assert_exact(&format!("{level} {m}×{n}×{k}, {largest}"), n, &y, &want);
        }
    }
}

#[test]
fn extreme_rows_of_s8_are_exact() {
    extremes_are_exact::<i8>(127);
}

#[test]
fn extreme_rows_of_s16_are_exact() {
    extremes_are_exact::<i16>(2047);
}

/// Values of which one in a hundred stands out.
fn spiky(random: &mut Random, len: usize) -> Vec<f32> {
    (0..len).map(|_| random.value() * if random.below(100) == 0 { 30.0 } else { 1.0 }).collect()
}

/// The documented order, from the integers and scales of the rows.
fn in_documented_order<E: Integer>(
    (x, weight, bias): (&[f32], &[f32], &[f32]),
    rotation: Rotation,
) -> Vec<f32> {
    let k = weight.len() / bias.len();
    let rows = |data: &[f32]| {
        let mut rows = QuantisedRows::<E>::default();
        rows.quantise(Level::PORTABLE, Rows::new(data, k), rotation);
        rows
    };
    let (x, w) = (rows(x), rows(weight));
    let mut y = Vec::new();
    for i in 0..x.rows() {
        for (j, &bias) in bias.iter().enumerate() {
            let (q, v) = (x.integers(i), w.integers(j));
            let chunks = q.chunks(CHUNK).zip(v.chunks(CHUNK)).enumerate();
            y.push(chunks.fold(bias, |y, (c, (q, v))| {
                let sum: i64 = q.iter().zip(v).map(|(&q, &v)| i64::from(q) * i64::from(v)).sum();
                let vectors = q.len() / 16;
                let is_rotated = rotation == Rotation::Rotated && q.len().is_multiple_of(16);
                let stretch = if is_rotated { 1 << vectors.trailing_zeros() } else { 1 };
                let of_column = w.scale(j, c) / (stretch * stretch) as f32;
                (sum as f32 * x.scale(i, c)).mul_add(of_column, y)
            }));
        }
    }
    y
}

fn has_the_bits_of_the_documented_order<E: Integer>() {
    let mut random = Random(2);
    for (m, n, k) in SHAPES {
        let (x, weight) = (spiky(&mut random, m * k), spiky(&mut random, n * k));
        let bias = random.values(n);
        let operands = (&x[..], &weight[..], &bias[..]);
        for rotation in ROTATIONS {
            let want = in_documented_order::<E>(operands, rotation);
            for level in Level::available() {
                let y = product::<E>(level, operands, rotation, Epilogue::Identity);
                let name = format!("{level} {m}×{n}×{k} {rotation:?}");
                assert_same_bits(&name, n, &y, &want);
            }
        }
    }
}

#[test]
fn every_level_gives_the_bits_of_the_documented_order() {
    has_the_bits_of_the_documented_order::<i8>();
    has_the_bits_of_the_documented_order::<i16>();
}

/// Integers and scales against `naive`, on every level.
fn rounds_as_naive_does<E: Integer>(largest: i64) {
    let mut random = Random(3);
    for k in [1, 15, 16, 17, 32, 160, 256, CHUNK, 2 * CHUNK + 96] {
        let x = spiky(&mut random, 5 * k);
        for (level, rotation) in
            Level::available().into_iter().flat_map(|level| ROTATIONS.map(|r| (level, r)))
        {
            let mut rows = QuantisedRows::<E>::default();
            rows.quantise(level, Rows::new(&x, k), rotation);
            for (i, x) in x.chunks(k).enumerate() {
                let q = rows.integers(i);
                for (c, (x, q)) in x.chunks(CHUNK).zip(q.chunks(CHUNK)).enumerate() {
                    let v: Vec<f64> = match rotation {
                        Rotation::Rotated => naive::rotate(x),
                        Rotation::Plain => x.iter().map(|&x| x.into()).collect(),
                    };
                    let (want, scale) = naive::quantise(&v, largest);
                    let name = format!("{level} {rotation:?} {k}, row {i}, chunk {c}");
                    let got = f64::from(rows.scale(i, c));
                    assert!((got / scale - 1.0).abs() < 1e-5, "{name}: scale {got}, not {scale}");
                    for (place, (&q, want)) in q.iter().zip(want).enumerate() {
                        // A value next to a tie may be rounded to either side.
                        let off = (f64::from(q) - v[place] / scale).abs();
                        assert!(off < 0.502, "{name}: {place} is {q}, not {want}: {off} off");
                        assert!(i64::from(q).abs() <= largest, "{name}: {place} is {q}");
                    }
                }
            }
        }
    }
}

#[test]
fn rows_are_rotated_and_rounded_as_naive_does() {
    rounds_as_naive_does::<i8>(127);
    rounds_as_naive_does::<i16>(2047);
}

#[test]
fn products_are_those_of_naive_up_to_the_rounding_of_ties() {
    let mut random = Random(4);
    for (m, n, k) in SHAPES {
        let (x, weight) = (spiky(&mut random, m * k), spiky(&mut random, n * k));
        let bias = random.values(n);
        for rotation in ROTATIONS {
            let rotated = rotation == Rotation::Rotated;
            let want = naive::quantised_linear(&x, &weight, &bias, 2047, rotated);
            // A step of 2047 in one of k products, for a tie here and there.
            let bound = vec![30.0 * 30.0 / 2047.0; m * n];
            for level in Level::available() {
                let operands = (&x[..], &weight[..], &bias[..]);
                let y = product::<i16>(level, operands, rotation, Epilogue::Identity);
                assert_within(&format!("{level} {m}×{n}×{k}"), n, &y, &want, &bound);
            }
        }
    }
}

#[test]
fn a_rotation_leaves_products_as_they_are() {
    let mut random = Random(5);
    for k in [16, 32, 48, 160, 256, CHUNK] {
        let (x, y) = (random.values(k), random.values(k));
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let stretch = f64::from(1 << (k / 16).trailing_zeros());
        let rotated = dot(&naive::rotate(&x), &naive::rotate(&y)) / (stretch * stretch);
        assert!((rotated - dot(&wide(&x), &wide(&y))).abs() < 1e-12, "{k}");
    }
}

#[test]
fn epilogues_come_after_the_last_chunk() {
    let mut random = Random(6);
    let (m, n, k) = (9, 100, CHUNK + 32);
    let (x, weight, bias) = (random.values(m * k), random.values(n * k), random.values(n));
    let residual = random.values(m * n);
    let operands = (&x[..], &weight[..], &bias[..]);
    for level in Level::available() {
        let run = |epilogue| product::<i8>(level, operands, Rotation::Rotated, epilogue);
        let plain = run(Epilogue::Identity);
        let mut want = plain.clone();
        gelu_slice(level, &mut want);
        assert_same_bits("gelu", n, &run(Epilogue::Gelu), &want);
        let want: Vec<f32> = plain.iter().zip(&residual).map(|(y, r)| y + r).collect();
        let added = run(Epilogue::Residual(Rows::new(&residual, n)));
        assert_same_bits("residual", n, &added, &want);
    }
}

#[test]
fn cut_along_k_and_n_the_bits_stay() {
    let mut random = Random(7);
    let (m, n, k) = (11, 200, 3 * CHUNK);
    let (x, weight, bias) = (random.values(m * k), random.values(n * k), random.values(n));
    for level in Level::available() {
        let whole =
            product::<i8>(level, (&x, &weight, &bias), Rotation::Rotated, Epilogue::Identity);
        let mut y = vec![0.0; m * n];
        for (piece, start) in (0..k).step_by(CHUNK).enumerate() {
            let cut = |data: &[f32]| -> Vec<f32> {
                data.chunks(k).flat_map(|row| row[start..start + CHUNK].to_vec()).collect()
            };
            let linear = QuantisedLinear::pack(level, &cut(&weight), n, Rotation::Rotated);
            let linear = if piece == 0 { linear.with_bias(&bias) } else { linear };
            let mut rows = QuantisedRows::<i8>::default();
            rows.quantise(level, Rows::new(&cut(&x), CHUNK), Rotation::Rotated);
            for columns in [0..96, 96..200] {
                let part = &mut RowsMut::new(&mut y, n);
                let part = part.columns(columns.clone());
                linear.columns(columns, &rows, part, Epilogue::Identity, piece > 0);
            }
        }
        assert_same_bits(&format!("{level}"), n, &y, &whole);
    }
}

#[test]
fn a_row_does_not_depend_on_its_neighbours() {
    let mut random = Random(8);
    let (m, n, k) = (23, 96, CHUNK);
    let (x, weight, bias) = (spiky(&mut random, m * k), random.values(n * k), random.values(n));
    for level in Level::available() {
        let run = |x: &[f32]| {
            product::<i8>(level, (x, &weight, &bias), Rotation::Rotated, Epilogue::Identity)
        };
        let together = run(&x);
        for i in 0..m {
            let alone = run(&x[i * k..(i + 1) * k]);
            assert_same_bits(&format!("{level} row {i}"), n, &alone, &together[i * n..][..n]);
        }
    }
}

#[test]
fn zeros_give_the_bias_and_what_is_not_finite_gives_nothing_finite() {
    let k = CHUNK;
    let (weight, bias) = (Random(9).values(17 * k), Random(10).values(17));
    for level in Level::available() {
        for rotation in ROTATIONS {
            let run =
                |x: &[f32]| product::<i8>(level, (x, &weight, &bias), rotation, Epilogue::Identity);
            assert_same_bits("zeros", 17, &run(&vec![0.0; k]), &bias);
            for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for place in [0, 100, k - 1] {
                    let mut x = Random(11).values(k);
                    x[place] = bad;
                    let y = run(&x);
                    assert!(y.iter().all(|y| !y.is_finite()), "{level} {rotation:?} {bad}: {y:?}");
                }
            }
            // One huge value and the smallest ones: no overflow on the way to the scale.
            let mut x = vec![f32::from_bits(1); k];
            x[7] = 1e30;
            assert!(run(&x).iter().all(|y| y.is_finite()), "{level} {rotation:?}");
        }
    }
}

#[test]
#[should_panic(expected = "x has 5 columns, the weights 4")]
fn rows_of_another_width_are_refused() {
    let level = Level::PORTABLE;
    let linear = QuantisedLinear::<i8>::pack(level, &[1.0; 8], 2, Rotation::Plain);
    let mut rows = QuantisedRows::default();
    rows.quantise(level, Rows::new(&[1.0; 5], 5), Rotation::Plain);
    linear.forward(&rows, RowsMut::new(&mut [0.0; 2], 2), Epilogue::Identity);
}
