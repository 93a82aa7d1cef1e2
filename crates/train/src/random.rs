//! Random numbers from a seed.

/// splitmix64.
///
/// Reference: G. Steele, D. Lea and C. Flood, *Fast Splittable Pseudorandom Number Generators*,
/// OOPSLA 2014.
///
/// ```
/// let mut numbers: Vec<u32> = (0..10).collect();
/// minilm_train::Random::new(42, 0).shuffle(&mut numbers);
/// assert_ne!(numbers, (0..10).collect::<Vec<u32>>());
/// ```
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of a seed and a stream of it, such as an epoch. Streams share no numbers in
    /// practice.
    pub fn new(seed: u64, stream: u64) -> Random {
        let mut of_seed = Random(seed);
        let start = of_seed.bits() ^ Random(stream).bits().rotate_left(32);
        Random(start)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to n − 1; the product's high half, so that there is no division.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "there is no number below 0");
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Puts the items in a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn every_order_of_four_is_about_as_frequent() {
        let mut times = std::collections::BTreeMap::new();
        for stream in 0..24_000 {
            let mut order = [0, 1, 2, 3];
            Random::new(7, stream).shuffle(&mut order);
            *times.entry(order).or_insert(0) += 1;
        }
        assert_eq!(times.len(), 24);
        // A thousand each; five standard deviations of a binomial are 155.
        assert!(times.values().all(|&n| (845..=1155).contains(&n)), "{times:?}");
    }
}
