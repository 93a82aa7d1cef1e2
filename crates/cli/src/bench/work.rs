//! The amount of work, and the least time that it can take.

use super::clock::{Ceilings, Sample};
use minilm::{
    kernels::counting,
    model::{Bert, Config},
};
use serde::Serialize;

/// Lanes of a vector, on every level.
const LANES: f64 = 16.0;

/// Operations of the linear layers for one token.
pub(super) fn linear_flop(config: &Config) -> f64 {
    2.0 * config.linear_weights() as f64
}

/// Operations of attention for one token and each token of its sentence.
pub(super) fn attention_flop(config: &Config) -> f64 {
    config.num_hidden_layers as f64 * config.attention_flop(1) as f64
}

/// Bytes of the weights of the linear layers, which every pass over a batch reads.
pub(super) fn weight_bytes(bert: &Bert) -> f64 {
    bert.config().linear_weights() as f64 * bert.precision().bytes() as f64
}

/// Some work, and how fast it went.
#[derive(Debug, Serialize)]
pub(super) struct Speed {
    /// Floating-point operations of one run, a multiply-add as two.
    pub flop: f64,
    pub best_seconds: f64,
    pub median_seconds: f64,
    /// By the best run.
    pub flops_per_second: f64,
    /// Of the multiply-add ceiling.
    pub percent: f64,
}

impl Speed {
    pub(super) fn new(flop: f64, Sample { best, median }: Sample) -> Speed {
        let flops_per_second = flop / best;
        Speed { flop, best_seconds: best, median_seconds: median, flops_per_second, percent: 0.0 }
    }

    pub(super) fn compare(&mut self, ceiling: f64) {
        self.percent = 100.0 * self.flops_per_second / ceiling;
    }
}

/// Vector operations for sixteen elements, as they are written in the kernel.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Operations {
    /// Multiply-adds.
    pub fused: f64,
    pub products: f64,
    /// Additions and subtractions.
    pub sums: f64,
    pub divisions: f64,
    /// Minimum, maximum, absolute value, rounding, conversion, permutation, integer arithmetic.
    pub others: f64,
    pub loads: f64,
    pub stores: f64,
}

impl Operations {
    pub(super) const NONE: Operations = Operations {
        fused: 0.0,
        products: 0.0,
        sums: 0.0,
        divisions: 0.0,
        others: 0.0,
        loads: 0.0,
        stores: 0.0,
    };

    /// Those that were counted for so many elements. Broadcasts are left out: those of constants
    /// happen once, outside of the loop.
    pub(super) fn of(counted: counting::Operations, elements: usize) -> Operations {
        let per_vector = |count: u64| LANES * count as f64 / elements as f64;
        let counting::Operations { comparisons, powers, lookups, interleavings, .. } = counted;
        Operations {
            fused: per_vector(counted.fused),
            products: per_vector(counted.products),
            sums: per_vector(counted.sums),
            divisions: per_vector(counted.divisions),
            // A power is a shift and an addition, an interleaving one permutation per half.
            others: per_vector(comparisons + 2 * powers + lookups + 2 * interleavings),
            loads: per_vector(counted.loads),
            stores: per_vector(counted.stores),
        }
    }

    /// Both.
    pub(super) fn with(self, other: Operations) -> Operations {
        Operations {
            fused: self.fused + other.fused,
            products: self.products + other.products,
            sums: self.sums + other.sums,
            divisions: self.divisions + other.divisions,
            others: self.others + other.others,
            loads: self.loads + other.loads,
            stores: self.stores + other.stores,
        }
    }

    /// Floating-point operations.
    pub(super) fn flop(&self) -> f64 {
        LANES * (2.0 * self.fused + self.products + self.sums + self.divisions)
    }

    /// Bytes between registers and the first-level cache.
    pub(super) fn bytes(&self) -> f64 {
        LANES * size_of::<f32>() as f64 * (self.loads + self.stores)
    }

    /// The least time, in slots: one slot is the time in which a core starts one multiply-add of
    /// sixteen lanes.
    ///
    /// In one slot a core starts at the most one multiplication or multiply-add, one load, and half
    /// a store: these are the ports of AMD's Zen 2 to Zen 4 and of Intel's cores with AVX-512. How
    /// many vector operations of any kind it starts, and how long the divider is busy, is measured.
    pub(super) fn least_slots(&self, ceilings: &Ceilings) -> f64 {
        let multiplications = self.fused + self.products;
        let all = multiplications + self.sums + self.others + self.divisions;
        let slots_per_second = ceilings.flops_per_second / (2.0 * LANES);
        let in_a_slot = ceilings.operations_per_second / slots_per_second;
        let division = LANES * slots_per_second / ceilings.divisions_per_second;
        [multiplications, all / in_a_slot, self.loads, 2.0 * self.stores, self.divisions * division]
            .into_iter()
            .fold(0.0, f64::max)
    }
}

/// `seconds` for sixteen elements, in slots.
pub(super) fn slots(seconds: f64, ceilings: &Ceilings) -> f64 {
    seconds * ceilings.flops_per_second / (2.0 * LANES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minilm() -> Config {
        let json = r#"{ "model_type": "bert", "vocab_size": 30522, "hidden_size": 384,
            "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
            "max_position_embeddings": 512 }"#;
        serde_json::from_str(json).expect("a configuration")
    }

    #[test]
    fn the_work_of_all_minilm_l6_v2_is_that_of_the_map() {
        // docs/00-map.md, in multiply-adds
        assert_eq!(linear_flop(&minilm()), 2.0 * 10_616_832.0);
        assert_eq!(attention_flop(&minilm()), 2.0 * 4_608.0);
        assert_eq!(minilm().flop(256), 2 * 256 * (10_616_832 + 256 * 4_608));
    }

    #[test]
    fn the_busiest_part_of_the_core_sets_the_least_time() {
        let ceilings = Ceilings {
            flops_per_second: 32e9,
            operations_per_second: 2e9,
            divisions_per_second: 2e9,
            read: Vec::new(),
            ..Ceilings::default()
        };
        let least = |operations: Operations| operations.least_slots(&ceilings);
        let none = Operations::NONE;
        assert_eq!(least(Operations { fused: 3.0, products: 2.0, others: 4.0, ..none }), 5.0);
        assert_eq!(least(Operations { fused: 3.0, sums: 4.0, others: 5.0, ..none }), 6.0);
        assert_eq!(least(Operations { fused: 3.0, loads: 4.0, ..none }), 4.0);
        assert_eq!(least(Operations { fused: 1.0, stores: 1.0, ..none }), 2.0);
        assert_eq!(least(Operations { fused: 1.0, divisions: 1.0, ..none }), 8.0);
        assert_eq!(slots(1e-9, &ceilings), 1.0);
        let shared = Ceilings { operations_per_second: 1e9, ..ceilings };
        assert_eq!(
            Operations { fused: 3.0, sums: 4.0, ..none }.least_slots(&shared),
            7.0,
            "no ports beside the multiplications'"
        );
    }
}
