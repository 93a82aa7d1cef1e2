//! Where the polynomials of `exp` and `gelu` come from: interpolation at Chebyshev nodes, in `f64`. Compiled for tests only.

use std::{array::from_fn, f64::consts::PI};

/// The coefficients `c₀ … c_{N−1}` of the polynomial of degree N − 1 in `u` that meets `f` at the N Chebyshev nodes of |u| ≤ `radius`.
///
/// ```text
/// f(radius·z) ≈ Σ aₘ·Tₘ(z)     aₘ = (2/N) Σⱼ f(radius·zⱼ)·Tₘ(zⱼ), a₀ half of that     zⱼ = cos θⱼ, θⱼ = π(2j + 1)/2N
/// ```
pub(crate) fn interpolate<const N: usize>(radius: f64, f: impl Fn(f64) -> f64) -> [f64; N] {
    let theta: [f64; N] = from_fn(|j| PI * (2 * j + 1) as f64 / (2 * N) as f64);
    let (mut previous, mut current) = ([0.0; N], [0.0; N]); // powers of z in Tₘ₋₁ and Tₘ
    current[0] = 1.0;

    let mut powers = [0.0; N];
    for m in 0..N {
        let a: f64 = theta.iter().map(|t| f(radius * t.cos()) * (m as f64 * t).cos()).sum::<f64>() / N as f64;
        for k in 0..N {
            powers[k] += if m == 0 { a } else { 2.0 * a } * current[k];
        }
        // T₁ = z·T₀, then Tₘ₊₁ = 2z·Tₘ − Tₘ₋₁
        let times = if m == 0 { 1.0 } else { 2.0 };
        let next = from_fn(|k| if k == 0 { -previous[0] } else { times * current[k - 1] - previous[k] });
        (previous, current) = (current, next);
    }
    from_fn(|k| powers[k] / radius.powi(k as i32))
}

#[test]
fn a_polynomial_is_its_own_interpolation() {
    let found = interpolate::<5>(0.25, |u| 3.0 - u + 7.0 * u * u + 0.5 * u * u * u * u);
    for (found, c) in found.into_iter().zip([3.0, -1.0, 7.0, 0.0, 0.5]) {
        assert!((found - c).abs() < 1e-12, "{found} is not {c}");
    }
}
