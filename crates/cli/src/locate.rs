//! Finds a folder of the repository from wherever the program is started or installed.

use crate::error::Error;
use std::{
    env,
    path::{Path, PathBuf},
};

/// Looks for `folder` in the current directory and those above it, then in those above the program.
///
/// # Errors
/// The folder is in none of these places; the error lists them, and `remedy`.
pub(crate) fn find(folder: &str, remedy: &str) -> Result<PathBuf, Error> {
    let here = env::current_dir().ok();
    let program = env::current_exe().and_then(|path| path.canonicalize()).ok();
    let above_program = program.iter().flat_map(|path| path.ancestors().skip(1));
    let mut places: Vec<&Path> = here.iter().flat_map(|path| path.ancestors()).collect();
    for place in above_program {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let found = places.iter().map(|place| place.join(folder)).find(|path| path.is_dir());
    found.ok_or_else(|| {
        let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        Error::NotFound(format!("there is no {folder} in any of {}; {remedy}", places.join(", ")))
    })
}
