//! A small file system in memory, which stands for a disk that is full.

use super::is_required;
use crate::cargo;
use std::{fs, io, path::PathBuf, process::Command};

/// A mounted file system, which is unmounted when this is dropped.
pub struct Tmpfs {
    pub folder: PathBuf,
    /// Its size in kilobytes.
    size: usize,
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.folder).output();
    }
}

impl Tmpfs {
    /// Mounts one of so many kilobytes; `None` where that is not allowed.
    pub fn mount(folder: PathBuf, size: usize) -> Result<Option<Tmpfs>, String> {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}k"), "minilm-faults"]).arg(&folder);
        match cargo::run(&mut mount) {
            Ok(_) => Ok(Some(Tmpfs { folder, size })),
            Err(error) if is_required() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Removes all that is in it.
    pub fn empty(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }?;
        }
        Ok(())
    }

    /// Fills it, and gives so many kilobytes of that back.
    pub fn leave(&self, room: usize) -> io::Result<()> {
        let filler = self.filler();
        let mut size = (2 * self.size) << 10;
        while size > 0 && fs::write(&filler, vec![0; size]).is_err() {
            size = fs::metadata(&filler)
                .map_or(0, |found| found.len() as usize)
                .min(size.saturating_sub(4096));
        }
        let size = size.saturating_sub(room << 10);
        fs::OpenOptions::new().write(true).open(&filler)?.set_len(size as u64)
    }

    /// Gives all room back.
    pub fn free(&self) -> io::Result<()> {
        fs::remove_file(self.filler())
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

/// The count where none can be mounted.
pub const NONE: (&str, u64) = ("full disks (no tmpfs can be mounted here)", 0);

/// Whether a message is one line that names a file of the output and the reason.
pub fn is_told(message: &str) -> bool {
    let says = |what| message.contains(what);
    message.lines().count() == 1 && says("out") && says("No space left on device")
}
