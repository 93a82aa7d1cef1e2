//! Random numbers without an import: SplitMix64 from a seed that JavaScript gives.
//!
//! The tokenizer's hash tables take them. No embedding depends on them.
#![expect(unsafe_code, reason = "the function that `getrandom` calls gets a pointer")]

use std::{
    slice,
    sync::atomic::{AtomicU64, Ordering},
};

static STATE: AtomicU64 = AtomicU64::new(0);

pub fn seed(seed: u64) {
    STATE.store(seed, Ordering::Relaxed);
}

/// S. Vigna's SplitMix64.
fn next() -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut z = STATE.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// What the crate `getrandom` calls in a build with `getrandom_backend="custom"`.
///
/// # Safety
/// `to` is valid for writing `bytes` bytes.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(
    to: *mut u8,
    bytes: usize,
) -> Result<(), getrandom::Error> {
    // SAFETY: the caller's promise.
    unsafe { to.write_bytes(0, bytes) };
    // SAFETY: the caller's promise, and the bytes have just been written.
    let to = unsafe { slice::from_raw_parts_mut(to, bytes) };
    for chunk in to.chunks_mut(8) {
        chunk.copy_from_slice(&next().to_le_bytes()[..chunk.len()]);
    }
    Ok(())
}
