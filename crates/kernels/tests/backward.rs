//! The backward kernels: `naive` against central differences, the kernels against `naive`, and the
//! same bits on each level.

mod support;

use minilm_kernels::{
    AlignedVec, Level, Rows, RowsMut,
    attention::{AttentionDropout, BackwardScratch, attention_backward, split},
    column_sums::{column_products, column_sums},
    dropout::Dropout,
    gelu::{gelu_backward, gelu_derivative},
    gemm::{KC, input_gradient, weight_gradient},
    layer_norm::{layer_norm, layer_norm_backward, normalize_rows, scale_and_shift},
    naive::{self, backward},
};
use support::{Random, assert_exact, assert_same_bits, assert_within, dense_sample, gamma, ulps};

/// Around the tiles and vectors of all levels, and around chains: tokens and columns.
const SIZES: [usize; 9] = [1, 5, 6, 9, 17, 48, KC - 1, KC + 1, 2 * KC + 3];

/// Half the distance of the points of a central difference. Inputs are multiples of 2⁻⁸, so that
/// the points are `f32`.
const STEP: f32 = 1.0 / 256.0;

/// Multiples of 2⁻⁸ between −1 and 1.
fn coarse(random: &mut Random, len: usize) -> Vec<f32> {
    random.values(len).into_iter().map(|x| (x * 256.0).round() / 256.0).collect()
}

/// Σ dy·f(x) differentiated for each value of x: Richardson's combination of two central
/// differences, whose error is of the order of STEP⁴.
fn differences(x: &[f32], dy: &[f32], f: impl Fn(&[f32]) -> Vec<f64>) -> Vec<f64> {
    let loss = |x: &[f32]| f(x).iter().zip(dy).map(|(y, d)| y * f64::from(*d)).sum::<f64>();
    let at = |i: usize, by: f32| {
        let mut x = x.to_vec();
        x[i] += by;
        loss(&x)
    };
    let slope = |i: usize, by: f32| (at(i, by) - at(i, -by)) / (2.0 * f64::from(by));
    (0..x.len()).map(|i| (4.0 * slope(i, STEP) - slope(i, 2.0 * STEP)) / 3.0).collect()
}

fn assert_close(name: &str, got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{name}");
    let size = want.iter().fold(1.0_f64, |most, x| most.max(x.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() < 1e-6 * size, "{name}[{i}]: {got} is not {want}");
    }
}

#[test]
fn the_naive_backward_pass_is_the_derivative_of_the_naive_forward_pass() {
    let random = &mut Random(1);
    // y = x·Wᵀ + b with x [4, 3], W [2, 3]
    let (x, w, dy) = (coarse(random, 12), coarse(random, 6), coarse(random, 8));
    let d = backward::linear(&x, &w, 2, &dy);
    assert_close("dx", &d.x, &differences(&x, &dy, |x| naive::linear(x, &w, &[0.0; 2])));
    assert_close("dW", &d.weight, &differences(&w, &dy, |w| naive::linear(&x, w, &[0.0; 2])));
    let biased = |b: &[f32]| naive::linear(&x, &w, b);
    assert_close("db", &d.bias, &differences(&[0.5, -0.25], &dy, biased));
    // GELU
    let gelu = |x: &[f32]| x.iter().map(|&x| naive::gelu(x.into())).collect();
    let slopes: Vec<f64> = x.iter().map(|&x| backward::gelu_derivative(x.into())).collect();
    assert_close("gelu", &slopes, &differences(&x, &[1.0; 12], gelu));
    // LayerNorm of a row of 12
    let (g, b, dy) = (coarse(random, 12), coarse(random, 12), coarse(random, 12));
    let d = backward::layer_norm(&x, &g, 0.0, &dy);
    let of_x = |x: &[f32]| naive::layer_norm(x, &g, &b, 0.0);
    assert_close("LayerNorm dx", &d.x, &differences(&x, &dy, of_x));
    let of_gamma = |g: &[f32]| naive::layer_norm(&x, g, &b, 0.0);
    assert_close("dγ", &d.gamma, &differences(&g, &dy, of_gamma));
}

#[test]
fn naive_attention_s_backward_pass_is_its_derivative_also_with_dropout() {
    let random = &mut Random(2);
    let (l, h, heads) = (5, 6, 2);
    let (qkv, dy) = (coarse(random, l * 3 * h), coarse(random, l * h));
    let d = backward::attention(&qkv, h, heads, |_, _, _| 1.0, &dy);
    let forward = |qkv: &[f32]| naive::attention(qkv, h, heads);
    assert_close("attention", &d, &differences(&qkv, &dy, forward));

    let mask = |head: usize, q: usize, k: usize| [0.0, 1.25, 1.25][(7 * head + 5 * q + 3 * k) % 3];
    let dropped = |qkv: &[f32]| {
        let (rows, d) = (Rows::new(qkv, 3 * h), h / heads);
        let mut context = vec![0.0; l * h];
        for head in 0..heads {
            let [q, k, v] =
                [0, 1, 2].map(|p| rows.columns(p * h + head * d..p * h + (head + 1) * d));
            let p = naive::attention_probabilities(q, k);
            for (at, p) in p.iter().enumerate() {
                let (i, j) = (at / l, at % l);
                for c in 0..d {
                    let value = p * mask(head, i, j) * f64::from(v.row(j)[c]);
                    context[i * h + head * d + c] += value;
                }
            }
        }
        context
    };
    let d = backward::attention(&qkv, h, heads, mask, &dy);
    assert_close("attention with dropout", &d, &differences(&qkv, &dy, dropped));
}

/// dx + r, dW + w and db + b of the kernels.
fn linear_kernels(
    level: Level,
    [t, n, k]: [usize; 3],
    x: &[f32],
    w: &[f32],
    dy: &[f32],
) -> [Vec<f32>; 3] {
    let [mut dx, mut dw, mut db] = [t * k, n * k, n].map(|len| vec![1.0; len]);
    let (x, dy) = (Rows::new(x, k), Rows::new(dy, n));
    let out = RowsMut::new(&mut dx, k);
    input_gradient(level, dy, Rows::new(w, k), Some(x), out);
    weight_gradient(level, dy, x, &mut AlignedVec::default(), RowsMut::new(&mut dw, k));
    column_sums(level, dy, &mut db);
    [dx, dw, db]
}

#[test]
fn gradients_of_linear_layers_are_exact_on_integers() {
    for t in SIZES {
        for [n, k] in [[1, 1], [17, 5], [48, 49], [96, KC + 1], [KC + 1, 48], [2 * KC + 3, 97]] {
            let random = &mut Random((t * n * k) as u64);
            let [x, w, dy] = [t * k, n * k, t * n].map(|len| random.integers(len));
            let want = backward::linear(&x, &w, n, &dy);
            let with_x: Vec<f64> = want.x.iter().zip(&x).map(|(d, &x)| d + f64::from(x)).collect();
            let with_one = |d: &[f64]| d.iter().map(|d| d + 1.0).collect::<Vec<_>>();
            for level in Level::available() {
                let name = format!("{level} [{t}, {n}, {k}]");
                let [dx, dw, db] = linear_kernels(level, [t, n, k], &x, &w, &dy);
                assert_exact(&format!("{name} dx"), k, &dx, &with_x);
                assert_exact(&format!("{name} dW"), k, &dw, &with_one(&want.weight));
                assert_exact(&format!("{name} db"), n, &db, &with_one(&want.bias));
            }
        }
    }
}

#[test]
fn every_level_gives_the_same_bits_for_linear_layers() {
    for (t, [n, k]) in SIZES.into_iter().flat_map(|t| [(t, [51, KC + 5]), (t, [2 * KC + 3, 97])]) {
        let random = &mut Random(t as u64);
        let [x, w, dy] = [t * k, n * k, t * n].map(|len| random.values(len));
        let want = linear_kernels(Level::PORTABLE, [t, n, k], &x, &w, &dy);
        for level in Level::available() {
            let got = linear_kernels(level, [t, n, k], &x, &w, &dy);
            for (got, want) in got.iter().zip(&want) {
                assert_same_bits(&format!("{level} [{t}, {n}, {k}]"), 1, got, want);
            }
        }
    }
}

#[test]
fn the_gradient_of_weights_is_chains_over_tokens() {
    let (t, random) = (2 * KC + 3, &mut Random(3));
    let (x, dy) = (random.values(t), random.values(t));
    // One weight: chains of KC fused multiply-adds, added in order to what is there.
    let chains = x
        .chunks(KC)
        .zip(dy.chunks(KC))
        .map(|(x, dy)| x.iter().zip(dy).fold(0.0_f32, |sum, (x, dy)| dy.mul_add(*x, sum)));
    let want = chains.fold(1.0, |sum, chain| sum + chain);
    let [_, dw, _] = linear_kernels(Level::detect(), [t, 1, 1], &x, &[0.5], &dy);
    assert_eq!(dw[0].to_bits(), f32::to_bits(want));
    // Rows of dW are independent: a thread may compute some of them.
    let [n, k] = [30, 20];
    let (x, dy) = (random.values(t * k), random.values(t * n));
    let [_, whole, _] = linear_kernels(Level::detect(), [t, n, k], &x, &random.values(n * k), &dy);
    let mut part = vec![1.0; 7 * k];
    let (x, dy) = (Rows::new(&x, k), Rows::new(&dy, n).columns(11..18));
    let out = RowsMut::new(&mut part, k);
    weight_gradient(Level::detect(), dy, x, &mut AlignedVec::default(), out);
    assert_same_bits("rows 11 to 17", k, &part, &whole[11 * k..18 * k]);
}

#[test]
fn the_derivative_of_gelu_is_within_its_bound() {
    let x: Vec<f32> = dense_sample();
    for level in Level::available() {
        let mut got = x.clone();
        gelu_derivative(level, &mut got);
        for (&x, &got) in x.iter().zip(&got) {
            if x.is_nan() {
                assert!(got.is_nan(), "{level}: NaN stays NaN");
                continue;
            }
            let want = if x.is_infinite() {
                f64::from(u8::from(x > 0.0))
            } else {
                backward::gelu_derivative(x.into())
            };
            assert!((f64::from(got) - want).abs() < 1.3e-7, "{level}: gelu'({x:e}) = {got:e}");
        }
    }
    // The backward pass gives the forward pass's bits once more.
    let x = Random(4).values(100);
    let (mut y, mut dy, mut forward) = (x.clone(), vec![2.0; 100], x.clone());
    let (level, mut slope) = (Level::detect(), x);
    gelu_backward(level, RowsMut::new(&mut y, 20), RowsMut::new(&mut dy, 20));
    minilm_kernels::gelu::gelu_slice(level, &mut forward);
    gelu_derivative(level, &mut slope);
    assert_same_bits("gelu", 20, &y, &forward);
    assert!(dy.iter().zip(&slope).all(|(dy, slope)| ulps(*dy, 2.0 * f64::from(*slope)) < 1.0));
}

#[test]
fn layer_norm_s_backward_pass_is_within_a_bound_and_the_same_on_every_level() {
    for h in [1, 15, 16, 17, 384, 385] {
        let random = &mut Random(h as u64);
        let [x, dy] = [3 * h, 3 * h].map(|len| random.values(len));
        let (g, b, epsilon) = (random.values(h), random.values(h), 1e-12);
        let run = |level| {
            let (mut normed, mut scale, mut y) = (x.clone(), [0.0; 3], vec![0.0; 3 * h]);
            normalize_rows(level, RowsMut::new(&mut normed, h), epsilon, &mut scale);
            scale_and_shift(level, Rows::new(&normed, h), &g, &b, RowsMut::new(&mut y, h));
            let (mut dx, mut dg) = (vec![0.0; 3 * h], vec![0.0; h]);
            let (rows, out) = (Rows::new(&normed, h), RowsMut::new(&mut dx, h));
            layer_norm_backward(level, Rows::new(&dy, h), rows, &scale, &g, out);
            column_products(level, Rows::new(&dy, h), rows, &mut dg);
            (y, dx, dg)
        };
        let (y, dx, dg) = run(Level::PORTABLE);
        let mut whole = x.clone();
        layer_norm(Level::PORTABLE, &mut whole, &g, &b, epsilon);
        assert_same_bits("two steps are LayerNorm", h, &y, &whole);
        for level in Level::available() {
            let got = run(level);
            assert_same_bits(&format!("{level} dx"), h, &got.1, &dx);
            assert_same_bits(&format!("{level} dγ"), h, &got.2, &dg);
        }
        if h == 1 {
            continue; // the variance is 0, and 1/√ε multiplies the rounding errors
        }
        let rows = x.chunks_exact(h).zip(dy.chunks_exact(h));
        let want: Vec<backward::LayerNorm> =
            rows.map(|(x, dy)| backward::layer_norm(x, &g, epsilon.into(), dy)).collect();
        // Each value is r·(q − mean − x̂·projection): sums of H/16 + 4 terms in a lane and a tree,
        // and a dozen roundings of parts that are no larger than r·(1 + |x̂|²) times the largest q.
        let bound = |want: &[f64], x: &[f64]| {
            let largest = x.iter().fold(1.0_f64, |most, x| most.max(x.abs()));
            let size = want.iter().fold(1e-3_f64, |most, x| most.max(x.abs()));
            vec![gamma(h / 16 + 24) * size * (1.0 + largest * largest); want.len()]
        };
        for (i, want) in want.iter().enumerate() {
            let normed =
                naive::layer_norm(&x[i * h..(i + 1) * h], &vec![1.0; h], &vec![0.0; h], 0.0);
            let bound = bound(&want.x, &normed);
            assert_within("dx", h, &dx[i * h..(i + 1) * h], &want.x, &bound);
        }
        let sum: Vec<f64> = (0..h).map(|j| want.iter().map(|row| row.gamma[j]).sum()).collect();
        assert_within("dγ", h, &dg, &sum, &vec![gamma(h / 16 + 30) * 6.0; h]);
    }
}

/// d_qkv of two sentences on a level.
fn attention_kernel(
    level: Level,
    [heads, d]: [usize; 2],
    starts: &[usize],
    qkv: &[f32],
    d_context: &[f32],
    dropout: Option<AttentionDropout>,
) -> Vec<f32> {
    let h = heads * d;
    let mut out = vec![f32::NAN; qkv.len()];
    let (rows, d_context) = (split(Rows::new(qkv, 3 * h)), Rows::new(d_context, h));
    let (scratch, to) = (&mut BackwardScratch::default(), RowsMut::new(&mut out, 3 * h));
    attention_backward(level, rows, d_context, heads, starts, dropout, scratch, to);
    out
}

#[test]
fn attention_s_backward_pass_is_close_to_naive_and_the_same_on_every_level() {
    for [heads, d] in [[2, 32], [1, 64], [2, 26], [3, 1], [5, 8]] {
        for l in [1, 2, 7, 16, 17, 33, KC, KC + 1, 2 * KC + 5] {
            let (h, first) = (heads * d, 3);
            let starts = [0, first, first + l];
            let random = &mut Random((d * 1000 + l) as u64);
            let (qkv, dy) = (random.values((first + l) * 3 * h), random.values((first + l) * h));
            let dropout = AttentionDropout { dropout: Dropout::new(0.25, [1, 2, 3]), first: 9 };
            for dropout in [None, Some(dropout)] {
                let name = format!("{heads} heads of {d}, {l} tokens, {}", dropout.is_some());
                let want =
                    attention_kernel(Level::PORTABLE, [heads, d], &starts, &qkv, &dy, dropout);
                for level in Level::available() {
                    let got = attention_kernel(level, [heads, d], &starts, &qkv, &dy, dropout);
                    assert_same_bits(&format!("{level} {name}"), 3 * h, &got, &want);
                }
                if dropout.is_none() {
                    let (qkv, dy) = (&qkv[first * 3 * h..], &dy[first * h..]);
                    let truth = backward::attention(qkv, h, heads, |_, _, _| 1.0, dy);
                    // Sums of D terms of size 1, softmax, and sums of L terms that add up to about
                    // 1 in all, of values up to D.
                    let bound = gamma(d + 40) * 4.0 * (d as f64).sqrt().max(2.0);
                    let got = &want[first * 3 * h..];
                    assert_within(&name, 3 * h, got, &truth, &vec![bound; truth.len()]);
                }
            }
        }
    }
}

#[test]
fn dropout_s_masks_are_functions_of_places_and_drop_the_wanted_share() {
    let (rows, cols) = (200, 384);
    let mask = |numbers, first: usize, starts: &[usize]| {
        let mut x = vec![1.0; starts[starts.len() - 1] * cols];
        let out = RowsMut::new(&mut x, cols);
        Dropout::new(0.1, numbers).apply(Level::detect(), first, starts, out);
        x
    };
    let whole = mask([1, 2, 3], 0, &[0, 50, rows]);
    let dropped = whole.iter().filter(|x| **x == 0.0).count() as f64;
    let n = whole.len() as f64;
    // Five standard deviations of a binomial.
    assert!((dropped - 0.1 * n).abs() < 5.0 * (n * 0.09).sqrt(), "{dropped} of {n}");
    assert!(whole.iter().all(|&x| x == 0.0 || x == (1.0 / 0.9_f64) as f32 || x == 10.0 / 9.0));
    // The second sentence alone, as another pack has it.
    assert_same_bits("a pack", cols, &mask([1, 2, 3], 1, &[0, 150]), &whole[50 * cols..]);
    // Neighbours of every kind are independent: they agree in 0.1² + 0.9² of the places.
    for other in [
        mask([2, 2, 3], 0, &[0, 50, rows]),
        mask([1, 3, 3], 0, &[0, 50, rows]),
        mask([1, 2, 4], 0, &[0, 50, rows]),
        mask([1, 2, 3], 1, &[0, 50, rows]),
        [&whole[cols..], &whole[..cols]].concat(), // the next token
        [&whole[1..], &whole[..1]].concat(),       // the next column
    ] {
        let agree = whole.iter().zip(&other).filter(|(a, b)| a == b).count() as f64;
        let spread = (n * 0.82 * 0.18).sqrt();
        assert!((agree - 0.82 * n).abs() < 6.0 * spread, "{agree} of {n} agree");
    }
}

#[test]
fn attention_with_dropout_loses_what_the_mask_says() {
    use minilm_kernels::attention::{Attention, Scratch};
    // All queries and keys are 0, so the shares are 1/L, and a value of 1 counts what is kept.
    let (l, h, heads) = (40, 32, 4);
    let mut qkv = vec![0.0; l * 3 * h];
    qkv.chunks_exact_mut(3 * h).for_each(|row| row[2 * h..].fill(1.0));
    let dropout = Dropout::new(0.5, [1, 2, 3]);
    let starts = [0, l];
    let run = |level: Level| {
        let mut context = vec![0.0; l * h];
        let (rows, scratch) = (split(Rows::new(&qkv, 3 * h)), &mut Scratch::default());
        let attention =
            Attention::new(rows, heads, &starts, scratch, RowsMut::new(&mut context, h));
        level.run(attention.with_dropout(Some(AttentionDropout { dropout, first: 0 })));
        context
    };
    let want = run(Level::PORTABLE);
    let kept: f32 = want.iter().sum::<f32>() / want.len() as f32;
    assert!((kept - 1.0).abs() < 0.05, "the mean stays: {kept}");
    assert!(want.iter().any(|x| (x - 1.0).abs() > 0.1), "shares are dropped");
    for level in Level::available() {
        assert_same_bits(level.name(), h, &run(level), &want);
    }
}
