//! Levels: the instruction sets of this CPU, found at run time.
//!
//! In the book: `docs/04-simd.md`.

use super::{Kernel, Simd};
use crate::tiles::instruction_sets;
use std::{fmt, str::FromStr};

/// An instruction set that this CPU is known to have.
///
/// There is no public way to make one that the CPU lacks, so every function that takes a `Level` is
/// safe to call.
///
/// ```
/// use minilm_kernels::Level;
/// let best = Level::detect();
/// assert!(Level::available().contains(&best));
/// println!("this machine runs {best}");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Level(Isa);

/// The enum, its names and its dispatch, from the one table in `tiles.rs`.
macro_rules! levels {
    ($(
        $name:ident $isa:ident [$targets:meta] $registers:literal $($mr:literal x $nv:literal)*;
    )*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        enum Isa {$(
            #[cfg($targets)]
            $isa(super::$name::$isa),
        )*}

        impl Level {
            /// The names that [`Level::from_str`] knows, fastest first; a CPU has some of them.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Every level of this CPU, fastest first; the last is [`Level::PORTABLE`].
            pub fn available() -> Vec<Level> {
                let mut levels = Vec::new();
                $(
                    #[cfg($targets)]
                    levels.extend(super::$name::$isa::detect().map(|isa| Level(Isa::$isa(isa))));
                )*
                levels
            }

            /// The level's name, one of [`Level::NAMES`].
            pub fn name(self) -> &'static str {
                match self.0 {$(
                    #[cfg($targets)]
                    Isa::$isa(_) => stringify!($name),
                )*}
            }

            /// Runs `kernel` with this level's instructions: the one dispatch of every operation.
            #[inline]
            pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
                match self.0 {$(
                    #[cfg($targets)]
                    Isa::$isa(isa) => isa.vectorize(kernel),
                )*}
            }

            /// As [`Level::run`], with the fastest integer products that the CPU has beside the
            /// level's instructions: VNNI or AMX. The result has the same bits.
            #[inline]
            pub fn run_integers<K: Kernel>(self, kernel: K) -> K::Output {
                match self.0 {$(
                    #[cfg($targets)]
                    Isa::$isa(isa) => isa.vectorize_integers(kernel),
                )*}
            }
        }
    };
}
instruction_sets!(levels);

impl Level {
    /// Plain Rust, on every machine. Slow where the compilation target has no fused multiply-add.
    pub const PORTABLE: Level = Level(Isa::Portable(super::portable::Portable));

    /// The level `unfused` of WebAssembly, which has other bits than every other.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(feature = "relaxed-simd")))]
    pub const UNFUSED: Level = Level(Isa::Unfused(super::unfused::Unfused::NAMED));

    /// Whether the level rounds a multiply-add once, and so gives the bits that all such levels
    /// give. Only `unfused` of WebAssembly, which has to be named, does not.
    ///
    /// ```
    /// use minilm_kernels::Level;
    /// assert!(Level::available().into_iter().all(Level::is_fused));
    /// ```
    pub fn is_fused(self) -> bool {
        self.name() != "unfused"
    }

    /// The fastest level of this CPU.
    pub fn detect() -> Level {
        Level::available()[0]
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Level({})", self.name())
    }
}

impl Default for Level {
    /// [`Level::detect`].
    fn default() -> Level {
        Level::detect()
    }
}

/// A level's name that is misspelt, or names instructions that this CPU does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLevel {
    name: String,
}

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here: Vec<_> = Level::available().iter().map(|level| level.name()).collect();
        let here = here.join(", ");
        if Level::NAMES.contains(&self.name.as_str()) {
            write!(f, "this CPU does not have level {:?}; it has: {here}", self.name)
        } else {
            write!(f, "no level is called {:?}; this CPU has: auto, {here}", self.name)
        }
    }
}

impl std::error::Error for UnknownLevel {}

impl FromStr for Level {
    type Err = UnknownLevel;

    /// `"auto"` is [`Level::detect`]; a name from [`Level::NAMES`] is that level, if the CPU has
    /// it.
    fn from_str(name: &str) -> Result<Level, UnknownLevel> {
        if name == "auto" {
            return Ok(Level::detect());
        }
        #[cfg(all(
            target_arch = "wasm32",
            target_feature = "simd128",
            not(feature = "relaxed-simd")
        ))]
        if name == Level::UNFUSED.name() {
            return Ok(Level::UNFUSED);
        }
        let found = Level::available().into_iter().find(|level| level.name() == name);
        found.ok_or_else(|| UnknownLevel { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_levels_match_both_ways() {
        for level in Level::available() {
            assert_eq!(level.name().parse(), Ok(level));
        }
        assert_eq!("auto".parse(), Ok(Level::detect()));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_names_that_exist() {
        let error = "avx9".parse::<Level>().unwrap_err().to_string();
        assert!(error.contains("avx9") && error.contains("portable"), "{error}");
    }
}
