//! The linear layer in parts: strided operands, slices of k and some of the columns give the bits
//! of one call.

mod support;

use minilm_kernels::{
    Level, Rows, RowsMut,
    gemm::{KC, PART},
    linear::{Epilogue, Linear},
};
use support::{
    assert_same_bits,
    linear::{FEW_SHAPES, Problem},
};

/// Puts `[rows, cols]` into a matrix that is `left` and 2 columns wider, filled up with `fill`.
fn widen(dense: &[f32], cols: usize, left: usize, fill: f32) -> Vec<f32> {
    let row = |row: &[f32]| [&vec![fill; left], row, &[fill; 2]].concat();
    dense.chunks_exact(cols).flat_map(row).collect()
}

#[test]
fn strided_operands_give_the_bits_of_dense_ones_and_nothing_beside_is_touched() {
    for (m, n, k) in FEW_SHAPES {
        let p = Problem::random(m, n, k);
        let wide_x = widen(&p.x, k, 3, f32::NAN);
        let wide_residual = widen(&p.residual, n, 1, f32::NAN);
        let wide_rows = Rows::new(&wide_x, k + 5).columns(3..3 + k);
        for level in Level::available() {
            for (name, epilogue) in p.epilogues() {
                let wide_epilogue = match epilogue {
                    Epilogue::Residual(_) => {
                        Epilogue::Residual(Rows::new(&wide_residual, n + 3).columns(1..1 + n))
                    }
                    other => other,
                };
                let mut got = vec![777.0; m * (n + 7)];
                let y = &mut RowsMut::new(&mut got, n + 7);
                p.pack(level).forward_with(wide_rows, y.columns(5..5 + n), wide_epilogue);

                let want = widen(&p.run(level, epilogue), n, 5, 777.0);
                assert_same_bits(&format!("{level} {name} {m}×{n}×{k}"), n + 7, &got, &want);
            }
        }
    }
}

#[test]
fn layers_cut_along_k_accumulate_to_the_bits_of_one_call() {
    let (m, n) = (7, 65);
    // Ends inside a chain; at the end of one.
    for k in [3 * KC + 5, 3 * KC] {
        let p = Problem::random(m, n, k);
        for level in Level::available() {
            for (name, epilogue) in p.epilogues() {
                let want = p.run(level, epilogue);
                for cuts in [
                    vec![KC],
                    vec![2 * KC],
                    vec![KC, 2 * KC],
                    vec![KC, 3 * KC],
                    vec![KC, 2 * KC, 3 * KC],
                ] {
                    let mut ends: Vec<usize> = cuts.into_iter().filter(|&cut| cut < k).collect();
                    ends.push(k);
                    let got = in_slices(&p, level, &ends, epilogue);
                    assert_same_bits(&format!("{level} {name}, k to {ends:?}"), n, &got, &want);
                }
            }
        }
    }
}

/// y of layers that take the columns of x up to each of `ends`; the last has bias and epilogue.
fn in_slices(p: &Problem, level: Level, ends: &[usize], epilogue: Epilogue) -> Vec<f32> {
    let m = p.x.len() / p.k;
    let starts = || [0].iter().chain(ends);
    let weights = starts().zip(ends).map(|(&start, &end)| {
        p.weight.chunks_exact(p.k).flat_map(|row| &row[start..end]).copied().collect::<Vec<_>>()
    });
    let layers = Linear::pack_together(level, |packer| {
        weights.map(|weight| packer.linear(weight, p.n)).collect::<Vec<_>>()
    });
    let layers = layers.expect("there is memory");
    let mut y = vec![f32::NAN; m * p.n];
    for ((&start, &end), layer) in starts().zip(ends).zip(layers) {
        let x = Rows::new(&p.x, p.k).columns(start..end);
        let y = RowsMut::new(&mut y, p.n);
        let last = end == p.k;
        let layer = if last { layer.with_bias(&p.bias) } else { layer };
        let epilogue = if last { epilogue } else { Epilogue::Identity };
        match start {
            0 => layer.columns(0..p.n).forward(x, y, epilogue),
            _ => layer.columns(0..p.n).accumulate(x, y, epilogue),
        }
    }
    y
}

#[test]
fn parts_of_the_columns_have_the_bits_of_one_call() {
    let (m, n, k) = (9, 2 * PART + 50, KC + 3);
    let p = Problem::random(m, n, k);
    for level in Level::available() {
        let linear = p.pack(level);
        for (name, epilogue) in p.epilogues() {
            let mut y = vec![f32::NAN; m * n];
            for part in [0..PART, PART..2 * PART, 2 * PART..n] {
                let epilogue = match epilogue {
                    Epilogue::Residual(r) => Epilogue::Residual(r.columns(part.clone())),
                    other => other,
                };
                let y = &mut RowsMut::new(&mut y, n);
                let columns = linear.columns(part.clone());
                columns.forward(Rows::new(&p.x, k), y.columns(part), epilogue);
            }
            assert_same_bits(&format!("{level} {name}"), n, &y, &p.run(level, epilogue));
        }
    }
}

#[test]
fn what_lies_behind_in_memory_changes_no_bit() {
    let (m, n, k) = (9, PART + 50, KC + 3);
    let p = Problem::random(m, n, k);
    let wide = vec![f32::NAN; 200 * 200];
    for level in Level::available() {
        let want = p.run(level, Epilogue::Identity);
        // A layer of more weights than one chain; of fewer; none.
        for behind in [&wide[..], &[f32::NAN; 2], &[]] {
            let layers = Linear::pack_together(level, |packer| {
                let first = packer.linear(&p.weight, n).with_bias(&p.bias);
                (first, (!behind.is_empty()).then(|| packer.linear(behind, 1)))
            });
            let (first, _behind) = layers.expect("there is memory");
            let mut y = vec![f32::NAN; m * n];
            first.forward(&p.x, &mut y);
            assert_same_bits(&format!("{level}, {} behind", behind.len()), n, &y, &want);
        }
    }
}

#[test]
fn a_layer_without_bias_is_the_sums_alone() {
    let (m, n, k) = (7, 65, KC + 3);
    let p = Problem::integers(m, n, k);
    let want = minilm_kernels::naive::linear(&p.x, &p.weight, &vec![0.0; n]);
    for level in Level::available() {
        let linear = Linear::pack(level, &p.weight, n);
        assert_eq!(linear.bias(), None);
        let mut y = vec![f32::NAN; m * n];
        linear.forward(&p.x, &mut y);
        support::assert_exact(level.name(), n, &y, &want);
    }
}

#[test]
#[should_panic(expected = "3 biases for 2 outputs")]
fn a_bias_of_another_length_is_refused() {
    let _ = Linear::pack(Level::detect(), &[1.0; 2], 2).with_bias(&[0.0; 3]);
}

#[test]
#[should_panic(expected = "columns start at a multiple of 96")]
fn a_part_that_starts_inside_a_panel_is_refused() {
    Linear::pack(Level::detect(), &[1.0; 200], 200).columns(16..200);
}
