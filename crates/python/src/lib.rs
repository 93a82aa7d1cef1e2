//! The Python package `minilm`: a thin layer over the library of the same name.
//!
//! ```text
//! python/minilm/*.py   names, defaults and shapes of sentence-transformers
//!        │
//! minilm._minilm       this crate: str and ndarray in and out, GIL released, Ctrl-C
//!        │
//! minilm               the library
//! ```
//!
//! Texts are borrowed from Python's `str` objects and matrices from NumPy; results are moved into
//! NumPy arrays. Nothing is copied on the way, and the GIL is released while the library works.
//! Everything that runs on threads goes through the library, which gives a forked process threads
//! of its own.

mod arguments;
mod encoder;
mod errors;
mod evaluate;
mod index;
mod tasks;
mod texts;
mod train;
mod watch;

use pyo3::prelude::*;

/// The functions and classes behind the package `minilm`; use those of the package.
#[pymodule(gil_used = false)]
fn _minilm(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<encoder::Encoder>()?;
    module.add_class::<index::Index>()?;
    module.add_class::<train::Training>()?;
    tasks::register(module)?;
    evaluate::register(module)
}
