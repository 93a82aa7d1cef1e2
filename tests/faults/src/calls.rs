//! The system calls of each kind, by their numbers, and which argument names their file.

use crate::plan::Kind;
use std::ffi::c_long;

/// Which argument of a call names the file.
#[derive(Clone, Copy)]
pub enum File {
    Descriptor(usize),
    Path(usize),
}

/// The system calls of each kind, on every CPU.
const EVERYWHERE: &[Call] = &[
    (libc::SYS_openat, Kind::Open, File::Path(1)),
    (libc::SYS_renameat, Kind::Rename, File::Path(3)),
    (libc::SYS_renameat2, Kind::Rename, File::Path(3)),
    (libc::SYS_linkat, Kind::Rename, File::Path(3)),
    (libc::SYS_read, Kind::Read, File::Descriptor(0)),
    (libc::SYS_pread64, Kind::Read, File::Descriptor(0)),
    (libc::SYS_readv, Kind::Read, File::Descriptor(0)),
    (libc::SYS_write, Kind::Write, File::Descriptor(0)),
    (libc::SYS_pwrite64, Kind::Write, File::Descriptor(0)),
    (libc::SYS_writev, Kind::Write, File::Descriptor(0)),
    (libc::SYS_copy_file_range, Kind::Write, File::Descriptor(2)),
    (libc::SYS_fsync, Kind::Fsync, File::Descriptor(0)),
    (libc::SYS_fdatasync, Kind::Fsync, File::Descriptor(0)),
    (libc::SYS_mmap, Kind::Mmap, File::Descriptor(4)),
    (libc::SYS_close, Kind::Close, File::Descriptor(0)),
];

/// The older forms of some, which x86-64 has beside them.
#[cfg(target_arch = "x86_64")]
const X86_64: &[Call] = &[
    (libc::SYS_open, Kind::Open, File::Path(0)),
    (libc::SYS_rename, Kind::Rename, File::Path(1)),
    (libc::SYS_link, Kind::Rename, File::Path(1)),
];
#[cfg(not(target_arch = "x86_64"))]
const X86_64: &[Call] = &[];

/// A system call's number, its kind, and its file.
type Call = (c_long, Kind, File);

/// All calls of this CPU.
pub fn calls() -> impl Iterator<Item = &'static Call> {
    EVERYWHERE.iter().chain(X86_64)
}
