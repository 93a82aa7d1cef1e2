//! Which call fails, and how. Nothing here allocates or locks, because a signal handler asks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Kinds of system calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Open,
    Read,
    Write,
    Fsync,
    Rename,
    Mmap,
    Close,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Open => "open",
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::Fsync => "fsync",
            Kind::Rename => "rename",
            Kind::Mmap => "mmap",
            Kind::Close => "close",
        }
    }

    fn named(name: &str) -> Option<Kind> {
        use Kind::{Close, Fsync, Mmap, Open, Read, Rename, Write};
        [Open, Read, Write, Fsync, Rename, Mmap, Close].into_iter().find(|kind| kind.name() == name)
    }
}

/// What happens instead of the call.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// It fails with this error number.
    Error(i32),
    /// It reads or writes half of the bytes, or one.
    Short,
    /// The program is killed before it.
    Kill,
}

impl What {
    fn named(name: &str) -> Option<What> {
        Some(match name {
            "EIO" => What::Error(libc::EIO),
            "ENOSPC" => What::Error(libc::ENOSPC),
            "EINTR" => What::Error(libc::EINTR),
            "EMFILE" => What::Error(libc::EMFILE),
            "ENOMEM" => What::Error(libc::ENOMEM),
            "EACCES" => What::Error(libc::EACCES),
            "SHORT" => What::Short,
            "KILL" => What::Kill,
            _ => return None,
        })
    }
}

/// One fault.
#[derive(Debug)]
pub struct Plan {
    kind: Kind,
    number: u64,
    what: What,
    /// The directory whose files count.
    pub under: Vec<u8>,
    calls: AtomicU64,
}

impl Plan {
    /// `CALL:N:WHAT`.
    pub fn parse(text: &str, under: Vec<u8>) -> Option<Plan> {
        let mut parts = text.split(':');
        let plan = Plan {
            kind: Kind::named(parts.next()?)?,
            number: parts.next()?.parse().ok()?,
            what: What::named(parts.next()?)?,
            under,
            calls: AtomicU64::new(0),
        };
        parts.next().is_none().then_some(plan)
    }

    /// Whether calls of this kind are counted.
    pub fn is_about(&self, kind: Kind) -> bool {
        self.kind == kind
    }

    /// What happens to the next call of this kind on a file that counts.
    pub fn next(&self) -> Option<What> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        (number == self.number).then_some(self.what)
    }
}
