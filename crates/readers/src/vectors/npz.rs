//! Several NumPy arrays in a zip archive: one of them.

use super::{
    Bytes, Wrong,
    npy::{self, Array},
};
use std::io::{self, BufReader, Read, Seek};
use zip::ZipArchive;

/// The array of that name, or the only one.
///
/// It is unpacked into a file without a name, because an array that is stored column by column is
/// not read from its beginning to its end. No more is unpacked than the array's header tells of.
pub(super) fn open(file: impl Bytes, name: Option<&str>, longest: usize) -> Result<Array, Wrong> {
    let broken = |error| Wrong::Content(format!("no npz file: {error}"));
    let mut archive = ZipArchive::new(file).map_err(broken)?;
    let mut names: Vec<String> = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.strip_suffix(".npy")?.to_owned()))
        .collect();
    names.sort_unstable();
    let name = match (name, &names[..]) {
        (Some(name), _) => name.to_owned(),
        (None, [one]) => one.clone(),
        (None, []) => return Err(Wrong::Content("there is no array in it".to_owned())),
        (None, several) => {
            let several = several.join(", ");
            return Err(Wrong::Content(format!("--tensor has to name one of {several}")));
        }
    };
    if !names.contains(&name) {
        let names = names.join(", ");
        return Err(Wrong::Content(format!("there is no array {name:?}; it has {names}")));
    }
    let member = format!("{name}.npy");
    let size = npy::size(&mut archive.by_name(&member).map_err(broken)?, longest);
    let size = size.map_err(|wrong| wrong.of(&name))?;
    let mut unpacked = tempfile::tempfile()?;
    let packed = archive.by_name(&member).map_err(broken)?;
    io::copy(&mut packed.take(size.saturating_add(1)), &mut unpacked)?;
    unpacked.rewind()?;
    Array::open(Box::new(BufReader::new(unpacked)), longest).map_err(|wrong| wrong.of(&name))
}
