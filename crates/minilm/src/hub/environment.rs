//! The environment's variables, read as Python reads them.

use std::{ffi::OsString, path::PathBuf};

/// The environment, or a test's stand-in for it.
pub(super) struct Environment<'a> {
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    pub home: Option<PathBuf>,
}

impl Environment<'_> {
    /// The cache's directory: that of sentence-transformers, else the shared one
    /// (`huggingface_hub.constants.HF_HUB_CACHE`).
    pub(super) fn cache(&self) -> Option<PathBuf> {
        let named = ["SENTENCE_TRANSFORMERS_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]
            .into_iter()
            .find_map(|name| self.path(name));
        let by_home = || Some(self.path("HF_HOME")?.join("hub"));
        let by_xdg = || Some(self.path("XDG_CACHE_HOME")?.join("huggingface").join("hub"));
        let by_user = || Some(self.home()?.join(".cache").join("huggingface").join("hub"));
        named.or_else(by_home).or_else(by_xdg).or_else(by_user)
    }

    /// A variable that is set to anything.
    pub(super) fn variable(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// A path, with `~` and variables in it replaced (`os.path.expandvars(os.path.expanduser(…))`).
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.variable(name)?;
        let Some(text) = value.to_str() else { return Some(value.into()) };
        let text = self.expand(text);
        match (text.strip_prefix('~'), self.home()) {
            (Some(""), Some(home)) => Some(home),
            (Some(rest), Some(home)) if rest.starts_with('/') => Some(home.join(&rest[1..])),
            _ => Some(text.into()),
        }
    }

    fn home(&self) -> Option<PathBuf> {
        self.home.clone().filter(|home| !home.as_os_str().is_empty())
    }

    /// `$NAME` and `${NAME}` replaced by their values; a name that is not set stays as it is.
    fn expand(&self, text: &str) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            expanded.push_str(&rest[..at]);
            rest = &rest[at..];
            let (name, length) = reference(rest);
            match (self.variable)(name).as_ref().and_then(|value| value.to_str()) {
                Some(value) if !name.is_empty() => expanded.push_str(value),
                _ => expanded.push_str(&rest[..length]),
            }
            rest = &rest[length..];
        }
        expanded + rest
    }
}

/// The name after the `$` that `text` begins with, and the length of the whole reference.
fn reference(text: &str) -> (&str, usize) {
    if let Some((name, _)) = text.strip_prefix("${").and_then(|rest| rest.split_once('}')) {
        return (name, name.len() + 3);
    }
    let name = &text[1..];
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
    (&name[..end], end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(variables: &[(&str, &str)], home: Option<&str>) -> Option<String> {
        let variable = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        let environment = Environment { variable: &variable, home: home.map(PathBuf::from) };
        environment.cache().map(|path| path.to_str().unwrap().replace('\\', "/"))
    }

    #[test]
    fn the_cache_is_where_python_has_it() {
        let all = [
            ("SENTENCE_TRANSFORMERS_HOME", "/0"),
            ("HF_HUB_CACHE", "/1"),
            ("HUGGINGFACE_HUB_CACHE", "/2"),
            ("HF_HOME", "/3"),
            ("XDG_CACHE_HOME", "/4"),
        ];
        let places =
            ["/0", "/1", "/2", "/3/hub", "/4/huggingface/hub", "/home/me/.cache/huggingface/hub"];
        for (n, place) in places.iter().enumerate() {
            assert_eq!(cache(&all[n..], Some("/home/me")).as_deref(), Some(*place));
        }
    }

    #[test]
    fn no_home_and_empty_variables_are_no_place() {
        assert_eq!(cache(&[], None), None);
        assert_eq!(
            cache(&[("HF_HUB_CACHE", ""), ("HF_HOME", ""), ("XDG_CACHE_HOME", "")], None),
            None
        );
        assert_eq!(cache(&[], Some("")), None);
        assert_eq!(cache(&[("HF_HOME", "/x")], None).as_deref(), Some("/x/hub"));
        assert_eq!(cache(&[("HF_HOME", "~/x")], None).as_deref(), Some("~/x/hub"));
    }

    #[test]
    fn home_and_variables_in_a_path_are_replaced() {
        let variables = |path| [("HF_HUB_CACHE", path), ("DATA", "/data"), ("USER_1", "me")];
        for (path, place) in [
            ("~/c", "/home/me/c"),
            ("~", "/home/me"),
            ("~other/c", "~other/c"),
            ("$DATA/${USER_1}/c", "/data/me/c"),
            ("/a/$NONE/${NONE}/$", "/a/$NONE/${NONE}/$"),
            ("/a/${DATA", "/a/${DATA"),
            ("/a$DATA", "/a/data"),
        ] {
            assert_eq!(cache(&variables(path), Some("/home/me")).as_deref(), Some(place), "{path}");
        }
    }
}
