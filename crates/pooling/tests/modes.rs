//! Every pooling mode against values computed by hand.

use minilm_kernels::Rows;
use minilm_pooling::{Mode, Pooling};

/// Three tokens of two columns.
const TOKENS: [f32; 6] = [1.0, -2.0, 3.0, 0.0, 8.0, 5.0];

fn pool(modes: &[Mode], tokens: Rows) -> Vec<f32> {
    let pooling = Pooling::new(modes);
    let mut v = vec![f32::NAN; pooling.width(tokens.cols())];
    pooling.pool(tokens, &mut v);
    v
}

#[test]
fn every_mode_gives_the_values_of_its_formula() {
    let tokens = Rows::new(&TOKENS, 2);
    let root = 3f64.sqrt();
    for (mode, want) in [
        (Mode::Cls, [1.0, -2.0]),
        (Mode::Max, [8.0, 5.0]),
        (Mode::Mean, [4.0, 1.0]),                       // 12/3, 3/3
        (Mode::MeanSqrtLen, [12.0 / root, 3.0 / root]), // Σ/√3
        (Mode::WeightedMean, [(1.0 + 6.0 + 24.0) / 6.0, 13.0 / 6.0]), // Σ (i + 1)·xᵢ / (1 + 2 + 3)
        (Mode::LastToken, [8.0, 5.0]),
    ] {
        assert_eq!(pool(&[mode], tokens), want.map(|x| x as f32), "{mode:?}");
    }
}

#[test]
fn modes_are_concatenated_in_the_order_that_is_asked_for() {
    let tokens = Rows::new(&TOKENS, 2);
    assert_eq!(pool(&[Mode::Mean, Mode::Cls], tokens), [4.0, 1.0, 1.0, -2.0]);
    assert_eq!(pool(&[Mode::Cls, Mode::Mean], tokens), [1.0, -2.0, 4.0, 1.0]);
    let each: Vec<f32> = Mode::ALL.iter().flat_map(|&mode| pool(&[mode], tokens)).collect();
    assert_eq!(pool(Mode::ALL, tokens), each);
}

#[test]
fn one_token_is_its_own_pooling_in_every_mode() {
    for &mode in Mode::ALL {
        assert_eq!(pool(&[mode], Rows::new(&[0.1, -7.5], 2)), [0.1, -7.5], "{mode:?}");
    }
}

#[test]
fn the_largest_of_negative_values_is_negative() {
    assert_eq!(pool(&[Mode::Max], Rows::new(&[-3.0, -1.5, -2.0], 1)), [-1.5]);
}

#[test]
fn sums_keep_what_f32_would_lose() {
    // In f32, 1e8 + 1 is 1e8, and the sum is 0.
    let tokens = Rows::new(&[1e8, 1.0, -1e8, 0.0], 1);
    assert_eq!(pool(&[Mode::Mean], tokens), [0.25]);
    assert_eq!(pool(&[Mode::MeanSqrtLen], tokens), [0.5]);
}

#[test]
fn every_column_is_pooled_at_every_width() {
    // 64 columns are one block of sums: widths around one and two blocks.
    for width in [1, 63, 64, 65, 127, 128, 129] {
        let tokens: Vec<f32> = (0..3 * width).map(|i| i as f32).collect();
        // Row i, column j is i·width + j, so the mean of column j is that of the middle row.
        let middle = &tokens[width..2 * width];
        assert_eq!(pool(&[Mode::Mean], Rows::new(&tokens, width)), middle, "width {width}");
    }
}

#[test]
fn some_columns_of_a_wider_matrix_are_pooled_alone() {
    let wide: Vec<f32> = TOKENS.chunks(2).flat_map(|row| [99.0, row[0], row[1], 99.0]).collect();
    let view = Rows::new(&wide, 4).columns(1..3);
    assert_eq!(pool(Mode::ALL, view), pool(Mode::ALL, Rows::new(&TOKENS, 2)));
}

#[test]
#[should_panic(expected = "at least one token")]
fn a_sentence_without_tokens_is_refused() {
    pool(&[Mode::Mean], Rows::new(&[], 2));
}

#[test]
#[should_panic(expected = "the sentence vector's length")]
fn a_vector_of_another_length_is_refused() {
    Pooling::new(&[Mode::Mean]).pool(Rows::new(&TOKENS, 2), &mut [0.0; 3]);
}

#[test]
#[should_panic(expected = "pooling needs a mode")]
fn no_mode_is_refused() {
    Pooling::new(&[]);
}
