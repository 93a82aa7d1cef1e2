//! Finds a folder of the repository from wherever the program is started or installed.

use crate::error::Error;
use std::{
    env,
    path::{Path, PathBuf},
};

/// Looks for `folder` in the current directory and those above it, then in those above the program.
///
/// What another user put into a directory above, such as one where everyone may write, is passed
/// over.
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
    let there = places.iter().map(|place| place.join(folder)).filter(|path| path.is_dir());
    let trusted = [&here, &program].into_iter().flatten();
    let (mut own, foreign): (Vec<_>, Vec<_>) =
        there.partition(|path| trusted.clone().any(|owned| is_owned_with(path, owned)));
    if !own.is_empty() {
        return Ok(own.swap_remove(0));
    }
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    let foreign = foreign.first().map_or(String::new(), |path| {
        format!(", except for {}, which is passed over: it is another user's", path.display())
    });
    let places = places.join(", ");
    Err(Error::NotFound(format!("there is no {folder} in any of {places}{foreign}; {remedy}")))
}

/// Whether `path` belongs to this user, the administrator, or the owner of `trusted`: the current
/// directory, or the program.
#[cfg(unix)]
fn is_owned_with(path: &Path, trusted: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = |path: &Path| path.metadata().map(|metadata| metadata.uid());
    let Ok(uid) = owner(path) else { return false };
    uid == 0
        || uid == rustix::process::geteuid().as_raw()
        || owner(trusted).is_ok_and(|trusted| trusted == uid)
}

#[cfg(not(unix))]
fn is_owned_with(_: &Path, _: &Path) -> bool {
    true
}
