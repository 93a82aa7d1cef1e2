//! Random numbers from a seed.

/// splitmix64.
///
/// Reference: G. Steele, D. Lea and C. Flood, *Fast Splittable Pseudorandom Number Generators*,
/// OOPSLA 2014.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, without 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0 to n − 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.fraction() * n as f64) as usize).min(n - 1)
    }
}
