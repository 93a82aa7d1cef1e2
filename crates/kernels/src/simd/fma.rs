//! The multiply-add of the portable level: rounded once, also where the target has no instruction.
//!
//! [`f32::mul_add`] is a call of a library function there, for one lane at a time. This one is
//! arithmetic on `f64`, and the compiler makes vectors of it:
//!
//! ```text
//! p = a·b            exact: 24 + 24 bits fit the 53 of an f64, and no exponent leaves its range
//! s = p + c          rounded to 53 bits
//! r = s as f32       rounded to 24 bits
//! if s of any lane is a midpoint of two f32, or r is subnormal or nearly:
//!     e = p + c − s  exact (TwoSum)
//!     o = odd(s, e)  the one of the two neighbours of p + c whose last bit is 1, unless e = 0
//!     r = o as f32   rounded to 24 bits, or fewer where r is subnormal
//! ```
//!
//! *Why two roundings do no harm where s is no midpoint.* Rounding never moves a value across an
//! f64, and midpoints of neighbouring f32 are f64. So s and a·b + c lie on the same side of each of
//! them, and round to the same f32. The same holds for 2¹²⁸ − 2¹⁰³, from which on a value rounds to
//! infinity, and which has the last bits of a midpoint.
//!
//! *Why rounding to odd does none at all.* An f32 and a midpoint of two f32, subnormal ones among
//! them, have at most 25 significant bits and are 0 or at least 2⁻¹⁵⁰, so as f64 they are normal
//! and their last bit is 0. Rounding to odd keeps an f64 as it is and never yields a last bit of 0
//! for anything else. So it moves no value onto an f32 or a midpoint, or across one.
//!
//! Reference: S. Boldo and G. Melquiond, *Emulation of a FMA and Correctly Rounded Sums: Proved
//! Algorithms Using Rounding to Odd*, IEEE Transactions on Computers 57(4), 2008. TwoSum: D. Knuth,
//! *The Art of Computer Programming*, volume 2, section 4.2.2.
//!
//! In the book: `docs/04-simd.md`.

use super::LANES;
use std::array::from_fn;

type V = [f32; LANES];

/// `a · b + c`, rounded once: by the target's instruction if it has one, else by [`emulated`].
#[inline(always)]
pub(super) fn mul_add(a: &V, b: &V, c: &V) -> V {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        from_fn(|i| a[i].mul_add(b[i], c[i]))
    } else {
        emulated(a, b, c)
    }
}

/// `a · b + c`, rounded once, by arithmetic on `f64`.
#[inline(never)] // a loop of its own becomes vectors; one among the loops of a kernel does not
fn emulated(a: &V, b: &V, c: &V) -> V {
    let mut rounded = [0.0; LANES];
    let mut doubt = [false; LANES];
    for i in 0..LANES {
        let sum = f64::from(a[i]) * f64::from(b[i]) + f64::from(c[i]);
        rounded[i] = sum as f32;
        // An f64 has 29 bits more than an f32.
        let midpoint = sum.to_bits() as u32 & 0x1fff_ffff == 0x1000_0000;
        // Subnormal f32 have midpoints elsewhere; the last one rounds to MIN_POSITIVE.
        doubt[i] = midpoint | (rounded[i].abs() <= f32::MIN_POSITIVE);
    }
    // All lanes are looked at, since a search would stop the loop from becoming vectors.
    if doubt.iter().fold(false, |any, &doubt| any | doubt) {
        return from_fn(|i| by_odd(a[i], b[i], c[i]));
    }
    rounded
}

/// `a · b + c`, rounded to an odd `f64` and then once.
#[inline(always)]
pub(super) fn by_odd(a: f32, b: f32, c: f32) -> f32 {
    let (a, b, c) = (f64::from(a), f64::from(b), f64::from(c));
    let product = a * b;
    let sum = product + c;
    let part = sum - product; // of c in the sum
    let error = (product - (sum - part)) + (c - part);
    // The last bit of an inexact sum becomes 1; one that was rounded away from zero steps back
    // first. Neither comparison holds for a NaN, which the error is where the sum is not finite.
    // The product is far from underflow: both factors are 0 or at least 2⁻²⁹⁸.
    let towards = sum * error;
    let (away, inexact) = (towards < 0.0, towards.abs() > 0.0);
    f64::from_bits((sum.to_bits() - u64::from(away)) | u64::from(inexact)) as f32
}

#[cfg(test)]
mod tests {
    use super::{LANES, by_odd, emulated};
    use minilm_testing::Random;

    /// Compares with the library's fused multiply-add. The payload of a NaN is not specified.
    fn check(a: f32, b: f32, c: f32) {
        let want = a.mul_add(b, c);
        let lanes = emulated(&[a; LANES], &[b; LANES], &[c; LANES]);
        for got in [by_odd(a, b, c), lanes[0], lanes[LANES - 1]] {
            let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
            assert!(same, "{a:e} · {b:e} + {c:e}: got {got:e}, want {want:e}");
        }
    }

    #[test]
    fn any_bit_patterns() {
        let mut random = Random(1);
        let mut any = || f32::from_bits(random.bits() as u32);
        for _ in 0..2_000_000 {
            check(any(), any(), any());
        }
    }

    #[test]
    fn sums_whose_terms_have_like_magnitudes() {
        // Two patterns of a product's exponent, so that c neither vanishes in it nor hides it.
        let mut random = Random(2);
        for _ in 0..2_000_000 {
            let bits = random.bits();
            let [a, b] = [bits as u32, (bits >> 32) as u32].map(f32::from_bits);
            let near = (a * b).to_bits() ^ (random.bits() as u32 & 0x87ff_ffff);
            check(a, b, f32::from_bits(near));
        }
    }

    /// Operands whose exact result is next to a midpoint of two f32, nearer than an f64 can tell.
    fn beside_midpoints() -> impl Iterator<Item = [f32; 3]> {
        let mut random = Random(3);
        (0..1_000_000).flat_map(move |_| {
            let bits = random.bits();
            // (1 + ε)·(1 − ε) = 1 − 2⁻⁴⁶ times half the distance from c to a neighbour.
            let c = f32::from_bits((bits as u32 & 0x87ff_ffff) + (40 << 23));
            let half = (c - f32::from_bits(c.to_bits() ^ 1)) / 2.0;
            let c_decides = [half * (1.0 + f32::EPSILON), 1.0 - f32::EPSILON, c];
            // Odd integers of 13 and 12 bits: where their product has 25, it is a midpoint itself.
            let a = ((bits >> 32) % (1 << 12) + (1 << 12)) as u32 | 1;
            let b = ((bits >> 44) % (1 << 11) + (1 << 11)) as u32 | 1;
            let c = 2f32.powi(-((bits >> 56) as i32 % 100) - 30);
            [c_decides, [a as f32, b as f32, c], [a as f32, -(b as f32), c]]
        })
    }

    #[test]
    fn beside_midpoints_the_last_bits_decide() {
        let mut twice_is_wrong = 0;
        for [a, b, c] in beside_midpoints() {
            check(a, b, c);
            check(a, b, -c);
            let twice = (f64::from(a) * f64::from(b) + f64::from(c)) as f32;
            twice_is_wrong += u32::from(twice != a.mul_add(b, c));
        }
        assert!(twice_is_wrong > 500_000, "two plain roundings are wrong {twice_is_wrong} times");
    }

    #[test]
    fn at_midpoints_the_even_neighbour() {
        let mut random = Random(5);
        for _ in 0..1_000_000 {
            let c = f32::from_bits(random.bits() as u32);
            let half = (c - f32::from_bits(c.to_bits() ^ 1)) / 2.0;
            for near in [1.0, 1.0 + f32::EPSILON, 1.0 - f32::EPSILON] {
                check(half, near, c);
                check(-half, near, c);
            }
        }
    }

    #[test]
    fn subnormal_results() {
        // Products from 2⁻¹⁹⁰ to 2⁻¹²⁰ and a subnormal or small c; ties lie at multiples of 2⁻¹⁵⁰.
        let mut random = Random(4);
        for _ in 0..2_000_000 {
            let bits = random.bits();
            let exponent = |shift: u64| 2f32.powi(-60 - ((bits >> shift) % 36) as i32);
            let mantissa = |shift: u64| 1.0 + ((bits >> shift) % (1 << 12)) as f32 / 4096.0;
            let (a, b) = (mantissa(0) * exponent(12), mantissa(24) * exponent(36));
            let c = f32::from_bits(random.bits() as u32 & 0x80ff_ffff);
            check(a, b, c);
            check(-a, b, c);
            check(a, b, 0.0);
            check(a, b, f32::from_bits(1 + (bits >> 60) as u32));
        }
    }

    #[test]
    fn one_lane_in_doubt_changes_no_other() {
        let mut random = Random(6);
        for doubtful in 0..LANES {
            let mut any = || -> [f32; LANES] { std::array::from_fn(|_| random.value()) };
            let (mut a, b, mut c) = (any(), any(), any());
            (a[doubtful], c[doubtful]) = (0.0, f32::from_bits(1));
            let want: [f32; LANES] = std::array::from_fn(|i| a[i].mul_add(b[i], c[i]));
            assert_eq!(emulated(&a, &b, &c), want);
        }
    }

    #[test]
    fn around_the_smallest_normal_number() {
        for steps in -4..=4 {
            let c = f32::from_bits(f32::MIN_POSITIVE.to_bits().wrapping_add_signed(steps));
            for half in [0.5, 0.5 + f32::EPSILON, 0.5 - f32::EPSILON, 1.5, 0.25] {
                for near in [1.0, 1.0 + f32::EPSILON, 1.0 - f32::EPSILON] {
                    // About half · 2⁻¹⁴⁹, the distance between the numbers here.
                    let (a, b) = (2f32.powi(-74) * half, 2f32.powi(-75) * near);
                    for (a, c) in [(a, c), (-a, c), (a, -c), (-a, -c)] {
                        check(a, b, c);
                    }
                }
            }
        }
    }

    #[test]
    fn every_triple_of_special_values() {
        let mut values = Vec::new();
        for x in [
            0.0,
            f32::from_bits(1),
            f32::from_bits(0x007f_ffff),
            f32::MIN_POSITIVE,
            2f32.powi(-75),
            1.5 * 2f32.powi(-75),
            f32::EPSILON / 2.0,
            1.0 - f32::EPSILON / 2.0,
            1.0,
            1.0 + f32::EPSILON,
            2f32.powi(64),
            2f32.powi(64) * (1.0 - f32::EPSILON / 2.0),
            2f32.powi(103),
            2f32.powi(102),
            2f32.powi(127),
            f32::MAX,
            f32::INFINITY,
            f32::NAN,
        ] {
            values.extend([x, -x]);
        }
        for &a in &values {
            for &b in &values {
                for &c in &values {
                    check(a, b, c);
                }
            }
        }
    }
}
