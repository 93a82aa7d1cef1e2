//! Library erf: the formula with a function from the shelf.
//!
//! ```text
//! x·Φ(x) = x/2 · (1 + erf(x/√2))
//! ```
//!
//! - **Idea**: `erff` of the crate `libm`, a translation of the C library's.
//! - **Why**: it is right to the last place, for all x.
//! - **Cost**: it chooses one of five approximations by the size of x, and some of them call `exp`.
//!   A branch that depends on the data is guessed wrong often, and a call for each value keeps the
//!   compiler from making vectors.
//! - **Limits**: 1 + erf cancels where x is negative: below −5.5 the result is −0, and the truth is
//!   −10⁻⁷.
//! - **Exercise**: use `erfc(−x/√2)` instead of `1 + erf(x/√2)`. Which errors does the test report
//!   now?
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::Level;
use std::f32::consts::FRAC_1_SQRT_2;

/// x·Φ(x) in place.
pub fn gelu(_: Level, x: &mut [f32]) {
    for x in x {
        *x = 0.5 * *x * (1.0 + libm::erff(*x * FRAC_1_SQRT_2));
    }
}
