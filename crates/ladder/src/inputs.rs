//! Numbers to compute with: the same in every run.

/// splitmix64.
///
/// Reference: G. Steele, D. Lea and C. Flood, *Fast Splittable Pseudorandom Number Generators*,
/// OOPSLA 2014.
///
/// ```
/// use minilm_ladder::inputs::Random;
/// let (mut a, mut b) = (Random(1), Random(1));
/// assert_eq!(a.values(9, 2.0), b.values(9, 2.0));
/// ```
pub struct Random(pub u64);

impl Random {
    /// `len` values between −`spread` and `spread`.
    ///
    /// ```
    /// let values = minilm_ladder::inputs::Random(1).values(100, 0.5);
    /// assert!(values.len() == 100 && values.iter().all(|x| x.abs() <= 0.5));
    /// ```
    pub fn values(&mut self, len: usize, spread: f32) -> Vec<f32> {
        let mut value =
            || ((self.bits() >> 40) as i32 - (1 << 23)) as f32 / (1 << 23) as f32 * spread;
        (0..len).map(|_| value()).collect()
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
