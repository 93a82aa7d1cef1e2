//! Support for the tests of the linear layer: its operands, and the shapes to try.

use super::Random;
use minilm_kernels::{
    Level, Rows, RowsMut,
    gemm::KC,
    linear::{Epilogue, Linear},
};

/// M, N and K: a few combinations, for tests that go through something else as well.
pub const FEW_SHAPES: [(usize, usize, usize); 8] = [
    (1, 1, 1),            // everything at its least
    (5, 17, KC + 1),      // tiles 4 + 1 (portable) and 5; a ragged vector; two chains
    (6, 16, KC),          // whole tile of AVX2, whole vector, whole chain
    (7, 15, KC - 1),      // one more row than a tile, one less column, one less k
    (24, 48, 2 * KC),     // whole tiles, a whole AVX-512 panel, whole chains
    (25, 49, 2 * KC + 1), // one more of each
    (4, 130, 3),          // a whole portable tile, three AVX-512 panels with a ragged vector
    (18, 47, 3 * KC + 2), // a ragged AVX-512 panel, four chains
];

/// The operands of y = x·Wᵀ + b, with an epilogue.
pub struct Problem {
    pub x: Vec<f32>,        // [M, K]
    pub weight: Vec<f32>,   // [N, K]
    pub bias: Vec<f32>,     // [N]
    pub residual: Vec<f32>, // [M, N]
    pub n: usize,
    pub k: usize,
}

impl Problem {
    fn new(m: usize, n: usize, k: usize, mut draw: impl FnMut(usize) -> Vec<f32>) -> Problem {
        Problem { x: draw(m * k), weight: draw(n * k), bias: draw(n), residual: draw(m * n), n, k }
    }

    pub fn random(m: usize, n: usize, k: usize) -> Problem {
        let mut random = Random((m * 1_000_000 + n * 1000 + k) as u64);
        Problem::new(m, n, k, |len| random.values(len))
    }

    pub fn integers(m: usize, n: usize, k: usize) -> Problem {
        let mut random = Random((m * 1_000_000 + n * 1000 + k) as u64);
        Problem::new(m, n, k, |len| random.integers(len))
    }

    pub fn pack(&self, level: Level) -> Linear {
        Linear::pack(level, &self.weight, self.n).with_bias(&self.bias)
    }

    /// The three epilogues by name.
    pub fn epilogues(&self) -> [(&'static str, Epilogue<'_>); 3] {
        [
            ("identity", Epilogue::Identity),
            ("gelu", Epilogue::Gelu),
            ("residual", Epilogue::Residual(Rows::new(&self.residual, self.n))),
        ]
    }

    /// y `[M, N]` in one call.
    pub fn run(&self, level: Level, epilogue: Epilogue) -> Vec<f32> {
        // NaN shows whether anything of the old y is kept.
        let mut y = vec![f32::NAN; self.residual.len()];
        self.pack(level).forward_with(
            Rows::new(&self.x, self.k),
            RowsMut::new(&mut y, self.n),
            epilogue,
        );
        y
    }
}
