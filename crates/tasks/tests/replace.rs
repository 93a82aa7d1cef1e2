//! Files that take the name of another one: permissions, owners, links, long names.

use minilm_tasks::replace::{Replacement, TemporaryFolder};
use std::{
    fs,
    io::{self, Write},
    path::Path,
};

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

fn replace(path: &Path) -> io::Result<()> {
    let mut file = Replacement::of(path)?;
    file.write_all(b"new")?;
    file.finish()
}

#[test]
fn a_file_that_is_given_up_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    fs::write(&path, "old").unwrap();
    Replacement::of(&path).unwrap().write_all(b"new").unwrap();
    drop(TemporaryFolder::beside(&directory.path().join("folder")).unwrap());
    assert_eq!(
        (fs::read(&path).unwrap(), names(directory.path())),
        (b"old".to_vec(), vec!["a".into()])
    );
}

#[test]
fn a_new_name_is_taken_by_one_of_two() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    let [mut first, second] = [0, 1].map(|_| Replacement::of(&path).unwrap());
    first.write_all(b"first").unwrap();
    assert!(first.finish_new().unwrap().is_none());
    let mut second = second.finish_new().unwrap().expect("the name is taken");
    assert_eq!(fs::read(&path).unwrap(), b"first");
    second.write_all(b"second").unwrap();
    second.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(names(directory.path()), ["a"]);
}

#[test]
fn a_name_as_long_as_there_may_be_can_be_written() {
    let directory = tempfile::tempdir().unwrap();
    for letter in ["a", "é"] {
        let path = directory.path().join(letter.repeat(255 / letter.len()));
        replace(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
    assert_eq!(names(directory.path()).len(), 2);
}

#[test]
fn abandoned_folders_are_removed_and_others_stay() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    for name in [".a.abcdef.tmp", ".b.abcdef.tmp", ".a.abc.tmp"] {
        fs::create_dir(file(name)).unwrap();
        fs::write(file(name).join("inside"), "").unwrap();
    }
    fs::write(file(".a.ghijkl.tmp"), "a file").unwrap();
    let busy = TemporaryFolder::beside(&file("a")).unwrap();
    let other = TemporaryFolder::beside(&file("a")).unwrap();
    assert!(busy.path().exists() && other.path().exists());
    assert_eq!(file(".a.abcdef.tmp").exists(), !cfg!(unix));
    drop((busy, other));
    let left = names(directory.path());
    assert!(
        [".a.abc.tmp", ".a.ghijkl.tmp", ".b.abcdef.tmp"]
            .iter()
            .all(|name| left.contains(&(*name).into()))
    );
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn nobody_else_can_read_a_private_file_before_it_is_complete() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "old").unwrap();
        for kept in [0o600, 0o640, 0o664, 0o444] {
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            let file = Replacement::of(&path).unwrap();
            let temporary = names(directory.path()).into_iter().find(|name| name != "a").unwrap();
            assert_eq!(mode(&directory.path().join(temporary)), 0o600);
            file.finish().unwrap();
            assert_eq!(mode(&path), kept);
        }
    }

    #[test]
    fn the_owner_stays_where_the_system_allows_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let given_away = chown(&path, Some(1234), Some(1234)).is_ok(); // by the superuser alone
        let old = fs::metadata(&path).unwrap();
        assert_eq!(old.uid() == 1234, given_away);
        replace(&path).unwrap();
        let new = fs::metadata(&path).unwrap();
        assert_eq!((new.uid(), new.gid(), mode(&path)), (old.uid(), old.gid(), 0o640));
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_link_stays_one_also_if_it_leads_to_no_file_yet() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        fs::create_dir(file("folder")).unwrap();
        symlink("folder/target", file("link")).unwrap();
        symlink("link", file("link to a link")).unwrap();
        for _ in 0..2 {
            replace(&file("link to a link")).unwrap();
            assert!(file("link").is_symlink() && file("link to a link").is_symlink());
            assert_eq!(fs::read(file("folder/target")).unwrap(), b"new");
            assert_eq!(names(&file("folder")), ["target"]);
            fs::write(file("folder/target"), "old").unwrap();
        }
        symlink("circle", file("circle")).unwrap();
        assert!(replace(&file("circle")).is_err());
    }

    #[test]
    fn of_two_hard_links_the_other_keeps_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        fs::write(file("a"), "old").unwrap();
        fs::hard_link(file("a"), file("b")).unwrap();
        replace(&file("a")).unwrap();
        assert_eq!([fs::read(file("a")).unwrap(), fs::read(file("b")).unwrap()], [b"new", b"old"]);
    }
}
