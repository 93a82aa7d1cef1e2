//! The derivation of the coefficients in `exp` and `gelu`: interpolation in `f64`. It is compiled
//! for tests only.
//!
//! ```text
//! uⱼ = R·cos(π(2j + 1)/2N)                          the N Chebyshev nodes of |u| ≤ R
//! p(u) = d₀ + (u − u₀)·(d₁ + (u − u₁)·(d₂ + …))     dⱼ: the divided differences of f (Newton)
//!      = c₀ + c₁·u + c₂·u² + …                      multiplied out, from the inside
//! ```
//!
//! At these nodes |f − p| ≤ 2·(R/2)ᴺ/N!·max|f⁽ᴺ⁾|, the least that can be promised for any N nodes.
//!
//! In the book: `docs/05-functions.md`.

use std::{array::from_fn, f64::consts::PI};

/// The coefficients c of the polynomial of degree N − 1 that meets `f` at the N Chebyshev nodes of
/// |u| ≤ `radius`.
pub(crate) fn interpolate<const N: usize>(radius: f64, f: impl Fn(f64) -> f64) -> [f64; N] {
    let nodes: [f64; N] = from_fn(|j| radius * (PI * (2 * j + 1) as f64 / (2 * N) as f64).cos());

    let mut differences = nodes.map(f);
    for order in 1..N {
        for j in (order..N).rev() {
            differences[j] = (differences[j] - differences[j - 1]) / (nodes[j] - nodes[j - order]);
        }
    }

    let mut powers = [0.0; N];
    for (node, difference) in nodes.into_iter().zip(differences).rev() {
        // p ← dⱼ + (u − uⱼ)·p
        powers = from_fn(|k| if k == 0 { difference } else { powers[k - 1] } - node * powers[k]);
    }
    powers
}

#[test]
fn a_polynomial_is_its_own_interpolation() {
    let found = interpolate::<5>(0.25, |u| 3.0 - u + 7.0 * u * u + 0.5 * u * u * u * u);
    for (found, c) in found.into_iter().zip([3.0, -1.0, 7.0, 0.0, 0.5]) {
        // f has an error of 2e-16, which u⁴ divides by 0.25⁴.
        assert!((found - c).abs() < 1e-11, "{found} is not {c}");
    }
}
