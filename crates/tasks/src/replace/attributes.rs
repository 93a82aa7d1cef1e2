//! The attributes that a new file takes over from the one that it replaces.

use std::{
    fs::{File, Metadata},
    io,
};

#[cfg(unix)]
pub(super) use unix::Attributes;

/// Permissions, owner and group.
#[cfg(unix)]
mod unix {
    use super::{File, Metadata, io};
    use std::{
        fs::Permissions,
        os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    };

    #[derive(Debug)]
    pub(in super::super) struct Attributes {
        mode: u32,
        user: u32,
        group: u32,
    }

    impl Attributes {
        pub(in super::super) fn of(old: &Metadata) -> Attributes {
            Attributes { mode: old.mode() & 0o777, user: old.uid(), group: old.gid() }
        }

        pub(in super::super) fn apply(&self, file: &File) -> io::Result<()> {
            let new = file.metadata()?;
            if (new.uid(), new.gid()) != (self.user, self.group) {
                // Only the superuser may give a file away; a group needs membership.
                let _ = fchown(file, Some(self.user), Some(self.group))
                    .or_else(|_| fchown(file, None, Some(self.group)));
            }
            let mut mode = self.mode;
            if file.metadata()?.gid() != self.group {
                mode &= 0o707 | (mode & 0o007) << 3; // another group gets no more than all others
            }
            file.set_permissions(Permissions::from_mode(mode))
        }
    }
}

/// Permissions.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct Attributes(std::fs::Permissions);

#[cfg(not(unix))]
impl Attributes {
    pub(super) fn of(old: &Metadata) -> Attributes {
        Attributes(old.permissions())
    }

    pub(super) fn apply(&self, file: &File) -> io::Result<()> {
        file.set_permissions(self.0.clone())
    }
}
