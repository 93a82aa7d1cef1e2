//! A Python list of `str`, borrowed.

use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    pybacked::PyBackedStr,
    types::{PyList, PyString},
};

/// The texts of a list, without copying them.
///
/// # Errors
/// `TypeError` for an item that is no `str`, and `ValueError` for one that is not Unicode text.
pub(crate) fn borrowed(list: &Bound<'_, PyList>) -> PyResult<Vec<PyBackedStr>> {
    list.iter().enumerate().map(|(i, item)| one(i, item)).collect()
}

fn one(i: usize, item: Bound<'_, PyAny>) -> PyResult<PyBackedStr> {
    let Ok(text) = item.cast::<PyString>() else {
        let found = item.get_type().name()?;
        return Err(PyTypeError::new_err(format!("text {i} is a {found}, not a str")));
    };
    PyBackedStr::try_from(text.clone())
        .map_err(|error| PyValueError::new_err(format!("text {i} is not Unicode text: {error}")))
}

/// Numbers of characters before ascending places of a text.
pub(crate) struct Characters<'t> {
    text: &'t str,
    byte: usize,
    character: usize,
}

impl<'t> Characters<'t> {
    pub(crate) fn new(text: &'t str) -> Characters<'t> {
        Characters { text, byte: 0, character: 0 }
    }

    pub(crate) fn at(&mut self, byte: usize) -> usize {
        self.character += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        self.character
    }
}
