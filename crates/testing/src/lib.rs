//! Numbers for tests and measurements: the same on every machine and in every run.
//!
//! Tests and benchmarks of every crate draw from here, so this crate depends on none of them. A
//! published crate uses it for its tests alone; the ladder and the book, which are not published,
//! also use it for measurements and figures.
#![forbid(unsafe_code)]

/// The random generator SplitMix64; the field is its seed.
///
/// Seeds that differ by one give sequences that have nothing in common.
///
/// Reference: G. Steele, D. Lea and C. Flood, *Fast Splittable Pseudorandom Number Generators*,
/// OOPSLA 2014.
///
/// ```
/// use minilm_testing::Random;
///
/// assert_eq!(Random(1).values(9), Random(1).values(9));
/// assert_ne!(Random(1).values(9), Random(2).values(9));
/// ```
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// Sixty-four random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An integer from 0 to `n` − 1.
    ///
    /// # Panics
    ///
    /// `n` is 0.
    ///
    /// ```
    /// assert!(minilm_testing::Random(1).below(6) < 6);
    /// ```
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// A multiple of 2⁻²³ between −1 and 1.
    pub fn value(&mut self) -> f32 {
        ((self.bits() >> 40) as i32 - (1 << 23)) as f32 / (1 << 23) as f32
    }

    /// `len` values between −1 and 1.
    pub fn values(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.value()).collect()
    }

    /// `len` values between −`spread` and `spread`.
    ///
    /// ```
    /// let values = minilm_testing::Random(1).spread(100, 0.5);
    /// assert!(values.iter().all(|x| x.abs() <= 0.5));
    /// ```
    pub fn spread(&mut self, len: usize, spread: f32) -> Vec<f32> {
        (0..len).map(|_| self.value() * spread).collect()
    }

    /// `len` integers from −8 to 8, for which arithmetic is exact: sums of up to 2¹⁸ products of
    /// two of them are the same in any order.
    pub fn integers(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.below(17) as f32 - 8.0).collect()
    }
}

/// `len` values between −½ and ½, in an order that a kernel cannot guess; a thousand of them, again
/// and again.
///
/// ```
/// let values = minilm_testing::ramp(2000);
/// assert!(values.iter().all(|x| (-0.5..0.5).contains(x)));
/// assert_eq!(values[..1000], values[1000..]);
/// ```
pub fn ramp(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i % 1000 * 919 % 1000) as f32 / 1000.0 - 0.5).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_that_of_the_paper() {
        // The first numbers of the seed 1234567, as the authors' reference program prints them.
        let mut random = Random(1_234_567);
        let expected =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([(); 3].map(|()| random.bits()), expected);
    }

    #[test]
    fn values_are_spread_over_their_range() {
        let values = Random(1).values(10_000);
        assert!(values.iter().all(|x| (-1.0..1.0).contains(x)));
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / 1e4;
        let square = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 1e4;
        // Five standard deviations of the mean of x, √(1/3) each, and of that of x², √(4/45) each.
        assert!(mean.abs() < 5.0 * (1e-4 / 3.0_f64).sqrt(), "{mean}");
        assert!((square - 1.0 / 3.0).abs() < 5.0 * (1e-4 * 4.0 / 45.0_f64).sqrt(), "{square}");
    }

    #[test]
    fn integers_take_every_value_from_minus_8_to_8() {
        let mut values = Random(1).integers(1000);
        values.sort_by(f32::total_cmp);
        values.dedup();
        assert_eq!(values, (-8..=8).map(|i| i as f32).collect::<Vec<_>>());
    }

    #[test]
    fn a_ramp_has_a_thousand_different_values() {
        let mut values = ramp(1000);
        assert_eq!(values[..], ramp(2000)[1000..]);
        values.sort_by(f32::total_cmp);
        values.dedup();
        assert_eq!(values.len(), 1000);
        assert!(values[0] == -0.5 && values[999] < 0.5);
    }
}
