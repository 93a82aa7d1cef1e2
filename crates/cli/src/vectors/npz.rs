//! Several NumPy arrays in a zip archive: one of them.

use super::{
    Wrong,
    npy::{Array, Bytes},
};
use std::{
    fs::File,
    io::{self, BufReader, Seek},
};
use zip::ZipArchive;

/// The array of that name, or the only one.
///
/// It is unpacked into a file without a name, because an array that is stored column by column is
/// not read from its beginning to its end.
pub(super) fn open(file: BufReader<File>, name: Option<&str>) -> Result<Array, Wrong> {
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
    let mut member = archive.by_name(&format!("{name}.npy")).map_err(broken)?;
    let mut unpacked = tempfile::tempfile()?;
    io::copy(&mut member, &mut unpacked)?;
    unpacked.rewind()?;
    Array::open(Bytes::new(unpacked)).map_err(|wrong| match wrong {
        Wrong::Content(reason) => Wrong::Content(format!("{name}: {reason}")),
        other => other,
    })
}
