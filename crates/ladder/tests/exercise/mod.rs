//! The checks of the book's exercises. Each function takes an answer and panics if it is wrong.

mod arithmetic;
mod order;
mod work;

pub use arithmetic::{best_tile, exp2, largest, lines, pack, product, quantise, relu};
pub use order::{Part, merge, online, order, padding, tree};
pub use work::{
    Gemm, deal, flop_of_a_batch, is_right, rest, roofline, share, tokens_for_arithmetic, ulps,
};

/// The answer is `want`, but for rounding in `f64`.
fn close(name: &str, got: f64, want: f64) {
    assert!((got - want).abs() <= 1e-9 * want.abs(), "{name}: {got}, and it should be {want}");
}
