//! Every variant of the bake-off computes the product: the shipped bits with the shipped chains,
//! else those of its own chains.

use minilm_kernels::{
    Level, Rows, RowsMut,
    gemm::{KC, tuning::Layer},
    linear::{Epilogue, Linear},
};
use minilm_ladder::bakeoff::{BakeOff, ROWS, SHAPES, Variant, measure};
use std::collections::BTreeSet;

#[path = "../../kernels/tests/support/mod.rs"]
mod support;
use support::Random;

/// N and K besides those of the model: a ragged panel, one panel or a few of each tile, a chain
/// that is not whole, one that is a single k.
const EDGES: [(usize, usize); 4] = [(192, 1), (17, KC - 1), (192, KC + 1), (385, 3 * KC + 5)];

/// Levels that have tiles here.
fn levels() -> impl Iterator<Item = (Level, Variant)> {
    Level::available()
        .into_iter()
        .flat_map(|level| Variant::all(level).into_iter().map(move |variant| (level, variant)))
}

struct Case {
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    k: usize,
}

impl Case {
    fn new(rows: usize, (n, k): (usize, usize)) -> Case {
        let mut random = Random((rows * 1_000_000 + n * 1000 + k) as u64);
        Case { x: random.values(rows * k), weight: random.values(n * k), bias: random.values(n), k }
    }

    /// The second of two layers, so that a place in the memory counts; NaN shows whether anything
    /// of the old y is kept.
    fn run(&self, level: Level, variant: Variant) -> Vec<f32> {
        let other: Vec<f32> = self.weight.iter().map(|w| w + 1.0).collect();
        let layer = |weight| Layer { weight: Rows::new(weight, self.k), bias: &self.bias };
        let packed = variant.pack(level, &[layer(&other), layer(&self.weight)]);
        let mut y = vec![f32::NAN; self.x.len() / self.k * self.bias.len()];
        variant.run(
            level,
            Rows::new(&self.x, self.k),
            &packed[1],
            RowsMut::new(&mut y, self.bias.len()),
        );
        y
    }

    fn shipped(&self) -> Vec<f32> {
        let linear =
            Linear::pack(Level::detect(), &self.weight, self.bias.len()).with_bias(&self.bias);
        let mut y = vec![f32::NAN; self.x.len() / self.k * self.bias.len()];
        linear.forward_with(
            Rows::new(&self.x, self.k),
            RowsMut::new(&mut y, self.bias.len()),
            Epilogue::Identity,
        );
        y
    }

    /// `((chain₀ + chain₁) + …) + b`, each chain of `kc` fused multiply-adds from zero.
    fn by_definition(&self, kc: usize) -> Vec<f32> {
        let element = |x: &[f32], w: &[f32], b: f32| {
            let chain = |(x, w): (&[f32], &[f32])| {
                x.iter().zip(w).fold(0.0, |sum, (x, w)| x.mul_add(*w, sum))
            };
            x.chunks(kc)
                .zip(w.chunks(kc))
                .map(chain)
                .reduce(|y, sum: f32| y + sum)
                .expect("a chain")
                + b
        };
        let row =
            |x| self.weight.chunks(self.k).zip(&self.bias).map(move |(w, b)| element(x, w, *b));
        self.x.chunks(self.k).flat_map(row).collect()
    }
}

fn assert_same_bits(name: &str, n: usize, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(
            found.to_bits(),
            expected.to_bits(),
            "{name}: y[{}, {}] is {found}, not {expected}",
            i / n,
            i % n
        );
    }
}

#[test]
fn variants_with_the_shipped_chains_give_the_shipped_bits() {
    for shape in EDGES.into_iter().chain(SHAPES) {
        for rows in ROWS {
            let case = Case::new(rows, shape);
            let expected = case.shipped();
            for (level, variant) in levels().filter(|(_, variant)| variant.chain == KC) {
                let name = format!("{level}, {}, {rows} rows, {shape:?}", variant.name());
                assert_same_bits(&name, shape.0, &case.run(level, variant), &expected);
            }
        }
    }
}

#[test]
fn other_chains_give_the_bits_of_their_definition() {
    let case = Case::new(ROWS[0], (192, 385));
    let chains: BTreeSet<usize> = levels().map(|(_, variant)| variant.chain).collect();
    for (level, variant) in levels() {
        let name = format!("{level}, {}", variant.name());
        assert_same_bits(&name, 192, &case.run(level, variant), &case.by_definition(variant.chain));
    }
    assert!(chains.is_empty() || chains.len() == 5, "{chains:?}");
    assert_ne!(
        case.by_definition(64),
        case.by_definition(384),
        "the length of a chain shows in the bits"
    );
}

#[test]
fn names_are_unique_and_the_first_variant_is_the_shipped_one() {
    for level in Level::available() {
        let variants = Variant::all(level);
        let names: BTreeSet<String> = variants.iter().map(Variant::name).collect();
        assert_eq!(names.len(), variants.len(), "{names:?}");
        if let Some(first) = variants.first() {
            let shipped = if level.name() == "avx512" { "8 × 3" } else { "6 × 1" };
            assert_eq!((first.name().as_str(), first.chain, first.prefetch), (shipped, KC, true));
            for other in [", no prefetch", ", small pages", ", chains of 384"] {
                assert!(names.contains(&format!("{shipped}{other}")), "{names:?}");
            }
        }
    }
}

#[test]
fn a_tile_of_another_level_is_refused() {
    let (case, variants) = (Case::new(ROWS[0], EDGES[0]), levels().map(|(_, variant)| variant));
    for variant in variants {
        assert!(
            std::panic::catch_unwind(|| case.run(Level::PORTABLE, variant)).is_err(),
            "{}",
            variant.name()
        );
    }
}

#[test]
fn everything_is_measured() {
    let levels: Vec<Level> =
        Level::available().into_iter().filter(|&level| !Variant::all(level).is_empty()).collect();
    let BakeOff { rounds, levels: tables } = measure(&levels, 0.0);
    assert!(rounds >= 5);
    assert_eq!(tables.len(), levels.len());
    for (table, level) in tables.iter().zip(levels) {
        let names: Vec<&str> = table.variants.iter().map(|entry| entry.name.as_str()).collect();
        let variants: Vec<String> = Variant::all(level).iter().map(Variant::name).collect();
        assert_eq!(
            (names[0], &names[1..]),
            ("shipped", &variants.iter().map(String::as_str).collect::<Vec<_>>()[..])
        );
        for entry in &table.variants {
            for layer in &entry.layers {
                assert!(
                    0.0 < layer.median_percent && layer.median_percent <= layer.best_percent,
                    "{entry:?}"
                );
            }
        }
    }
}
