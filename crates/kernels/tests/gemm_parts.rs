//! The linear layer in parts: strided operands, slices of k and some of the columns give the bits
//! of one call.

mod support;

use minilm_kernels::{
    Level, Rows, RowsMut,
    gemm::{Epilogue, KC, Linear, PART},
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
fn slices_of_k_accumulate_to_the_bits_of_one_call() {
    let (m, n) = (7, 65);
    // Ends inside a chain; at the end of one.
    for k in [3 * KC + 5, 3 * KC] {
        let p = Problem::random(m, n, k);
        for level in Level::available() {
            let linear = p.pack(level);
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
                    let mut y = vec![f32::NAN; m * n];
                    let mut start = 0;
                    for &end in &ends {
                        let x = Rows::new(&p.x, k).columns(start..end);
                        linear.columns(0..n).accumulate(
                            x,
                            start..end,
                            RowsMut::new(&mut y, n),
                            epilogue,
                        );
                        start = end;
                    }
                    assert_same_bits(&format!("{level} {name}, k to {ends:?}"), n, &y, &want);
                }
            }
        }
    }
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
                linear.columns(part.clone()).accumulate(
                    Rows::new(&p.x, k),
                    0..k,
                    y.columns(part),
                    epilogue,
                );
            }
            assert_same_bits(&format!("{level} {name}"), n, &y, &p.run(level, epilogue));
        }
    }
}

#[test]
fn what_comes_next_changes_no_bit() {
    let (m, n, k) = (9, PART + 50, KC + 3);
    let p = Problem::random(m, n, k);
    for level in Level::available() {
        let (linear, short) = (p.pack(level), Linear::pack(level, &[1.0, 2.0], &[0.0])); // less than a chain's weights
        // From the start; the last weights of all; no columns at all, as for a thread without a
        // share.
        for (next, from) in [
            (linear.columns(PART..n), 0),
            (linear.columns(PART..n), k - 1),
            (short.columns(0..1), 1),
            (linear.columns(n..n), 0),
        ] {
            let mut y = vec![f32::NAN; m * n];
            let columns = linear.columns(0..n).before(Some(&next), from);
            columns.accumulate(Rows::new(&p.x, k), 0..k, RowsMut::new(&mut y, n), Epilogue::Bias);
            assert_same_bits(
                &format!("{level}, then {:?} from {from}", next.range()),
                n,
                &y,
                &p.run(level, Epilogue::Bias),
            );
        }
    }
}

#[test]
#[should_panic(expected = "the next product has no column 2")]
fn a_next_product_past_the_last_column_of_x_is_refused() {
    let linear = Linear::pack(Level::detect(), &[1.0; 2], &[0.0]);
    let _ = linear.columns(0..1).before(Some(&linear.columns(0..1)), 2);
}

#[test]
fn a_next_product_of_another_level_is_refused() {
    for pair in Level::available().windows(2) {
        let [linear, other] =
            [pair[0], pair[1]].map(|level| Linear::pack(level, &[1.0; 2], &[0.0]));
        let call =
            std::panic::catch_unwind(|| linear.columns(0..1).before(Some(&other.columns(0..1)), 0));
        assert!(call.is_err(), "{} then {}", pair[0], pair[1]);
    }
}

#[test]
#[should_panic(expected = "columns start at a multiple of 96")]
fn a_part_that_starts_inside_a_panel_is_refused() {
    Linear::pack(Level::detect(), &[1.0; 200], &[0.0; 200]).columns(16..200);
}

#[test]
#[should_panic(expected = "a slice starts where a chain does")]
fn a_slice_that_starts_inside_a_chain_is_refused() {
    let linear = Linear::pack(Level::detect(), &[1.0; 10], &[0.0]);
    linear.columns(0..1).accumulate(
        Rows::new(&[1.0; 9], 9),
        1..10,
        RowsMut::new(&mut [0.0], 1),
        Epilogue::Bias,
    );
}

#[test]
#[should_panic(expected = "a slice ends where a chain does")]
fn a_slice_that_ends_inside_a_chain_is_refused() {
    let linear = Linear::pack(Level::detect(), &[1.0; 10], &[0.0]);
    linear.columns(0..1).accumulate(
        Rows::new(&[1.0; 9], 9),
        0..9,
        RowsMut::new(&mut [0.0], 1),
        Epilogue::Bias,
    );
}
