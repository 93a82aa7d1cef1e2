//! The rotation of a chunk before it is rounded.
//!
//! ```text
//! rotate: a chunk as registers of sixteen lanes, 24 of them for 384 values
//!   mix   Hadamard of size 8 over each eight registers, then I − ⅔·J over the three eights
//!   roll  the lanes of register t by t
//!   mix   again
//! ```
//!
//! Other widths have 2ᵃ·m registers with m odd: Hadamard of size 2ᵃ, then I − 2/m·J over the m
//! blocks. A chunk that is no multiple of sixteen is not rotated, and keeps what stands out.
//!
//! Reference: A. Householder, *Unitary Triangularization of a Nonsymmetric Matrix*, JACM 5(4),
//! 1958.
//!
//! In the book: `docs/16-rounding.md`.

use super::VECTORS;
use crate::simd::{LANES, Simd};

/// Whether rows are rotated before they are rounded. The two sides of a product must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// For rows in which a few values stand out.
    Rotated,
    /// For rows without such values.
    Plain,
}

/// The factor by which [`rotate`] stretches: products of two rotated rows have its square.
///
/// Each mixing stretches by √2ᵃ, and there are two.
pub(crate) fn stretch(rotation: Rotation, len: usize) -> f32 {
    match rotation {
        Rotation::Rotated if len.is_multiple_of(LANES) => {
            (1 << (len / LANES).trailing_zeros()) as f32
        }
        _ => 1.0,
    }
}

/// v ← R·v, by [`stretch`] too long.
#[inline(always)]
pub(super) fn rotate<S: Simd>(
    s: S,
    v: &mut [[f32; LANES]],
    twice: &mut [[[f32; LANES]; 2]; VECTORS],
) {
    mix(s, v);
    for (v, twice) in v.iter().zip(twice.iter_mut()) {
        let v = s.load(v);
        s.store(v, &mut twice[0]);
        s.store(v, &mut twice[1]);
    }
    // Lane l of register t becomes lane (l + t) mod 16 of what it was.
    for (t, (v, twice)) in v.iter_mut().zip(twice.iter()).enumerate() {
        s.store(s.load_or(&twice.as_flattened()[t % LANES..], 0.0), v);
    }
    mix(s, v);
}

/// Mixes registers with each other, lane by lane.
#[inline(always)]
fn mix<S: Simd>(s: S, v: &mut [[f32; LANES]]) {
    let size = 1 << v.len().trailing_zeros();
    match size {
        1 => {}
        2 => hadamard::<S, 2>(s, v),
        4 => hadamard::<S, 4>(s, v),
        8 => hadamard::<S, 8>(s, v),
        16 => hadamard::<S, 16>(s, v),
        size => unreachable!("a chunk has less than 32 registers, not {size}"),
    }
    if v.len() > size {
        householder(s, v, size);
    }
}

/// The Hadamard matrix of size N, over each N registers.
#[inline(always)]
fn hadamard<S: Simd, const N: usize>(s: S, v: &mut [[f32; LANES]]) {
    for block in v.as_chunks_mut::<N>().0 {
        let mut r = [s.zero(); N];
        for i in 0..N {
            r[i] = s.load(&block[i]);
        }
        let mut half = 1;
        while half < N {
            for i in 0..N {
                if i & half == 0 {
                    let (a, b) = (r[i], r[i + half]);
                    (r[i], r[i + half]) = (s.add(a, b), s.sub(a, b));
                }
            }
            half *= 2;
        }
        for i in 0..N {
            s.store(r[i], &mut block[i]);
        }
    }
}

/// I − 2/m·J over m blocks of `size` registers.
#[inline(always)]
fn householder<S: Simd>(s: S, v: &mut [[f32; LANES]], size: usize) {
    let factor = s.splat(-2.0 / (v.len() / size) as f32);
    for i in 0..size {
        let mut sum = s.load(&v[i]);
        for block in (i + size..v.len()).step_by(size) {
            sum = s.add(sum, s.load(&v[block]));
        }
        for block in (i..v.len()).step_by(size) {
            s.store(s.mul_add(factor, sum, s.load(&v[block])), &mut v[block]);
        }
    }
}
