//! The numbers that the linear layers compute with.
//!
//! In the book: `docs/16-rounding.md`.

use std::{fmt, str::FromStr};

/// The numbers that the weights and inputs of the linear layers are rounded to.
///
/// Everything else (LayerNorm, attention, GELU, pooling) is `f32`. Weights are rounded when they
/// are loaded, from any checkpoint; no data is needed for it. Each precision gives the same bits on
/// every level, in any batch and on any number of threads, and vectors of different precisions are
/// not compared.
///
/// ```
/// use minilm_model::Precision;
/// assert_eq!("int8".parse(), Ok(Precision::Int8));
/// assert_eq!(Precision::default().to_string(), "f32");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit floating point, as the model was trained.
    #[default]
    F32,
    /// Integers up to ±2047 in 16 bits.
    Int16,
    /// Integers up to ±127 in 8 bits.
    Int8,
}

impl Precision {
    /// All of them, the most exact first.
    pub const ALL: [Precision; 3] = [Precision::F32, Precision::Int16, Precision::Int8];

    /// `f32`, `int16` or `int8`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Int16 => "int16",
            Precision::Int8 => "int8",
        }
    }

    /// Bytes of a weight of a linear layer.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::Int16 => 2,
            Precision::Int8 => 1,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is none of [`Precision::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no precision is called {name:?}; there are: f32, int16, int8")]
pub struct UnknownPrecision {
    name: String,
}

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(name: &str) -> Result<Precision, UnknownPrecision> {
        let found = Precision::ALL.into_iter().find(|precision| precision.name() == name);
        found.ok_or_else(|| UnknownPrecision { name: name.to_owned() })
    }
}
