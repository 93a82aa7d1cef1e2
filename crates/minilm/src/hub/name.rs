//! Names of models and revisions. None of them can name a path outside of the cache.

use super::HubError;
use crate::directory::is_inside;
use std::fmt;

/// The organisation of models that are named without one.
const DEFAULT_ORGANISATION: &str = "sentence-transformers";

/// Longest part of a name.
const LONGEST: usize = 96;

/// `organisation/model`, by the rules of `huggingface_hub.utils.validate_repo_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn parse(text: &str) -> Result<Name, HubError> {
        let refuse = |reason| Err(HubError::Name { name: text.to_owned(), reason });
        let full = if text.contains('/') {
            text.to_owned()
        } else {
            format!("{DEFAULT_ORGANISATION}/{text}")
        };
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let parts: Vec<&str> = full.split('/').collect();
        if parts.len() != 2 {
            return refuse("it must be ORGANISATION/MODEL");
        }
        for part in parts {
            if part.is_empty() || part.len() > LONGEST {
                return refuse("a part of it must have from 1 to 96 characters");
            }
            if !part.chars().all(|c| is_word(c) || c == '-' || c == '.') {
                return refuse("it may have letters and digits of ASCII, '-', '_' and '.'");
            }
            if !part.starts_with(is_word) || !part.ends_with(is_word) {
                return refuse("a part of it may not begin or end with '-' or '.'");
            }
        }
        if full.contains("--") || full.contains("..") {
            return refuse("it may not have \"--\" or \"..\"");
        }
        if full.ends_with(".git") {
            return refuse("it may not end with \".git\"");
        }
        Ok(Name(full))
    }

    /// The name of its folder in the cache.
    pub(super) fn folder(&self) -> String {
        format!("models--{}", self.0.replace('/', "--"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A commit, branch or tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Revision(String);

impl Revision {
    pub(super) fn parse(text: &str) -> Result<Revision, HubError> {
        let refuse = |reason| Err(HubError::Revision { revision: text.to_owned(), reason });
        if text.is_empty() || text.len() > 255 {
            return refuse("it must have from 1 to 255 bytes");
        }
        // Characters that git forbids in the name of a branch, or that are special in a path.
        if text.contains(|c: char| c.is_control() || " ~^:?*[\\\"<>|".contains(c)) {
            return refuse("it has a character that no branch may have");
        }
        if !is_inside(text) {
            return refuse("it may not have empty parts, \".\" or \"..\"");
        }
        Ok(Revision(text.to_owned()))
    }

    /// Whether it is a commit's full hash.
    pub(super) fn is_commit(&self) -> bool {
        is_commit(&self.0)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` is the full hash of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_python_takes() {
        for (text, folder) in [
            (
                "sentence-transformers/all-MiniLM-L6-v2",
                "models--sentence-transformers--all-MiniLM-L6-v2",
            ),
            ("all-MiniLM-L6-v2", "models--sentence-transformers--all-MiniLM-L6-v2"),
            ("Foo_/bar.1-x", "models--Foo_--bar.1-x"),
            (&format!("a/{}", "b".repeat(96)), &format!("models--a--{}", "b".repeat(96))),
        ] {
            assert_eq!(Name::parse(text).unwrap().folder(), folder);
        }
    }

    #[test]
    fn names_that_are_paths_or_nonsense_are_refused() {
        let long = format!("a/{}", "b".repeat(97));
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "a/b/c",
            "../a",
            "a/..",
            "..",
            "a/../b",
            ".a/b",
            "a/b.",
            "-a/b",
            "a/b-",
            "a--b/c",
            "a/b..c",
            "a/b.git",
            "a b/c",
            "a/b\\c",
            "a\\b",
            "C:/a",
            "a/é",
            "a/b\0",
            "a/b\n",
            "models/../../etc/passwd",
            "/etc/passwd",
            "~/a",
            "a/b%2e",
            &long,
        ] {
            let error = Name::parse(text).unwrap_err();
            assert!(matches!(&error, HubError::Name { name, .. } if name == text), "{text:?}");
        }
    }

    #[test]
    fn revisions_that_leave_the_folder_are_refused() {
        for text in [
            "main",
            "v1.0",
            "refs/pr/1",
            "feature/x",
            "8b3219a92973c328a8e22fadcfa821b5dc75636a",
            "..x",
        ] {
            assert_eq!(Revision::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "..",
            ".",
            "../main",
            "a/../b",
            "/main",
            "a//b",
            "a/",
            "a\\b",
            "C:x",
            "a b",
            "main\n",
            "a/./b",
            "\0",
            &"a".repeat(256),
        ] {
            assert!(matches!(Revision::parse(text), Err(HubError::Revision { .. })), "{text:?}");
        }
        assert!(Revision::parse("8b3219a92973c328a8e22fadcfa821b5dc75636a").unwrap().is_commit());
        assert!(!Revision::parse("8b3219a").unwrap().is_commit());
    }
}
