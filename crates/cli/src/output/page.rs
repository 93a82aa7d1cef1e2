//! A page for the browser.

use super::Target;
use crate::error::Error;
use std::{io::Write, path::Path};

/// A file that appears when it is complete.
pub(crate) struct Page {
    target: Target,
    name: String,
}

impl Page {
    /// Finds out at once whether `path` can be written to.
    pub(crate) fn open(path: &Path) -> Result<Page, Error> {
        let name = path.display().to_string();
        match Target::file(path) {
            Ok(target) => Ok(Page { target, name }),
            Err(source) => Err(Error::Write { name, source }),
        }
    }

    pub(crate) fn write(self, html: &str) -> Result<(), Error> {
        let Page { mut target, name } = self;
        let written = target.write_all(html.as_bytes()).and_then(|()| target.finish());
        written.map_err(|source| Error::Write { name, source })
    }
}
