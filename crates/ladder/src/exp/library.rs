//! Library: `f32::exp`, one value at a time.
//!
//! - **Idea**: ask the C library of the system.
//! - **Why**: it is there, it is tested, and it is right within one unit in the last place.
//! - **Cost**: a call for each value. A good one takes about as long as a dozen multiplications,
//!   but fills one lane of sixteen.
//! - **Limits**: its bits depend on the system, so two machines may disagree.
//! - **Exercise**: sum x instead of writing eˣ. How much of the time is the call?
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::Level;

/// eˣ in place.
pub fn exp(_: Level, x: &mut [f32]) {
    for x in x {
        *x = x.exp();
    }
}
