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

/// A chunk on its way through [`rotate`].
#[derive(Default)]
pub(super) struct Between {
    halves: [[f32; LANES]; VECTORS], // after the first stages of a mixing
    twice: [[[f32; LANES]; 2]; VECTORS], // after the first mixing, each register beside itself
}

/// R·v, by [`stretch`] too long, or v itself: registers from `load`, by their number, to `store`.
#[inline(always)]
pub(super) fn rotate<S: Simd>(
    s: S,
    rotation: Rotation,
    registers: usize,
    Between { halves, twice }: &mut Between,
    load: impl Fn(usize) -> S::F32x16,
    mut store: impl FnMut(usize, S::F32x16),
) {
    if rotation == Rotation::Plain {
        for t in 0..registers {
            store(t, load(t));
        }
        return;
    }
    let halves = &mut halves[..registers];
    mix(
        s,
        halves,
        load,
        #[inline(always)]
        |t, v| {
            s.store(v, &mut twice[t][0]);
            s.store(v, &mut twice[t][1]);
        },
    );
    // Lane l of register t becomes lane (l + t) mod 16 of what it was.
    mix(
        s,
        halves,
        #[inline(always)]
        |t| s.load_or(&twice[t].as_flattened()[t % LANES..], 0.0),
        store,
    );
}

/// Mixes registers with each other, lane by lane: the Hadamard matrix of size 2ᵃ over each of m
/// blocks of registers, then I − 2/m·J over the blocks.
///
/// ```text
/// 2ᵃ⁻¹ registers at a time:  all stages of the Hadamard matrix but the last
/// then 2·m at a time:        its last stage, which pairs register i with i + 2ᵃ⁻¹; I − 2/m·J
/// ```
///
/// So a chunk of 24 registers has no more than six in use at once.
#[inline(always)]
fn mix<S: Simd>(
    s: S,
    halves: &mut [[f32; LANES]],
    load: impl Fn(usize) -> S::F32x16,
    mut store: impl FnMut(usize, S::F32x16),
) {
    let size = 1 << halves.len().trailing_zeros();
    let (m, half) = (halves.len() / size, (size / 2).max(1));
    for first in (0..halves.len()).step_by(half) {
        let mut r = [s.zero(); VECTORS];
        for i in 0..half {
            r[i] = load(first + i);
        }
        hadamard(s, &mut r[..half]);
        for i in 0..half {
            s.store(r[i], &mut halves[first + i]);
        }
    }
    let factor = s.splat(-2.0 / m as f32);
    for i in 0..half {
        let mut pairs = [[s.zero(); VECTORS]; 2]; // [up to m] each
        for block in 0..m {
            let v = s.load(&halves[block * size + i]);
            pairs[0][block] = v;
            if size > 1 {
                let other = s.load(&halves[block * size + i + half]);
                [pairs[0][block], pairs[1][block]] = [s.add(v, other), s.sub(v, other)];
            }
        }
        for (second, v) in pairs[..size.min(2)].iter().enumerate() {
            let mut sum = v[0];
            for block in 1..m {
                sum = s.add(sum, v[block]);
            }
            for block in 0..m {
                let mixed = if m > 1 { s.mul_add(factor, sum, v[block]) } else { v[block] };
                store(block * size + i + second * half, mixed);
            }
        }
    }
}

/// The Hadamard matrix over all registers of `r`, a power of two of them.
#[inline(always)]
fn hadamard<S: Simd>(s: S, r: &mut [S::F32x16]) {
    let mut half = 1;
    while half < r.len() {
        for i in 0..r.len() {
            if i & half == 0 {
                let (a, b) = (r[i], r[i + half]);
                (r[i], r[i + half]) = (s.add(a, b), s.sub(a, b));
            }
        }
        half *= 2;
    }
}
