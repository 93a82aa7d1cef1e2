//! The part of URLs that redirects need (RFC 3986).

use super::DownloadError;
use std::fmt;

/// An absolute `http` or `https` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub secure: bool,
    /// Host and port in lower case, without the port that the scheme has anyway.
    authority: String,
    /// From the first `/` on.
    path: String,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Url, DownloadError> {
        let refuse = |reason| DownloadError::Address { url: text.to_owned(), reason };
        if text.contains(|c: char| c.is_control() || c == ' ' || !c.is_ascii()) {
            return Err(refuse("it has a space, a control character or a letter outside of ASCII"));
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| refuse("it does not begin with http:// or https://"))?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(refuse("it is neither http nor https")),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let authority = authority.to_ascii_lowercase();
        if authority.is_empty() || authority.starts_with(':') {
            return Err(refuse("it names no host"));
        }
        // A name and password before the host, which may pose as the host.
        if authority.contains(['@', '\\']) {
            return Err(refuse("it has more than a host and a port"));
        }
        let port = if secure { ":443" } else { ":80" };
        let path = path.split('#').next().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Url {
            secure,
            authority: authority.trim_end_matches(port).to_owned(),
            path: format!("{slash}{path}"),
        })
    }

    /// The URL that a `Location` in the answer of this URL leads to.
    pub(super) fn join(&self, location: &str) -> Result<Url, DownloadError> {
        let scheme = if self.secure { "https" } else { "http" };
        let base = self.path.split('?').next().unwrap_or_default();
        let folder = &base[..=base.rfind('/').unwrap_or_default()];
        let text = match location {
            _ if location
                .split(['/', '?', '#'])
                .next()
                .is_some_and(|first| first.contains(':')) =>
            {
                location.to_owned()
            }
            _ if location.starts_with("//") => format!("{scheme}:{location}"),
            _ if location.starts_with('/') => format!("{scheme}://{}{location}", self.authority),
            _ => format!("{scheme}://{}{folder}{location}", self.authority),
        };
        Url::parse(&text)
    }

    /// Whether both have the same scheme, host and port.
    pub(super) fn has_origin_of(&self, other: &Url) -> bool {
        (self.secure, &self.authority) == (other.secure, &other.authority)
    }

    /// The URL with `path` after its own.
    pub(super) fn with_path(&self, path: &str) -> Url {
        Url { path: format!("{}/{path}", self.path.trim_end_matches('/')), ..self.clone() }
    }

    /// The URL without the part after a `?`, which may be a signature.
    pub(super) fn without_query(&self) -> String {
        self.to_string().split('?').next().unwrap_or_default().to_owned()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}{}",
            if self.secure { "https" } else { "http" },
            self.authority,
            self.path
        )
    }
}

/// `text` as part of a path: all but letters, digits and `-._~` (and `/`, if `slashes`) as `%XX`.
pub(super) fn percent_encoded(text: &str, slashes: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'/' if slashes => encoded.push('/'),
            b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_scheme_host_and_path() {
        for (text, same) in [
            ("HTTPS://HuggingFace.co:443", "https://huggingface.co/"),
            ("http://localhost:8080/a?b#c", "http://localhost:8080/a?b"),
            ("http://[::1]:80/x", "http://[::1]/x"),
            ("https://host?x=/y", "https://host/?x=/y"),
        ] {
            assert_eq!(Url::parse(text).unwrap().to_string(), same);
        }
        for text in [
            "",
            "huggingface.co",
            "ftp://x/",
            "file:///etc/passwd",
            "https://",
            "https:///x",
            "https://:80/",
            "https://a@b/",
            "https://a b/",
            "https://é/",
            "http://a\r\nb/",
        ] {
            assert!(Url::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_location_is_relative_to_the_url() {
        let base = Url::parse("https://hub.example/a/b?c").unwrap();
        for (location, target) in [
            ("https://cdn.example/x?y=z", "https://cdn.example/x?y=z"),
            ("http://cdn.example", "http://cdn.example/"),
            ("//cdn.example/x", "https://cdn.example/x"),
            ("/x/y", "https://hub.example/x/y"),
            ("x", "https://hub.example/a/x"),
            ("/x?u=http://y", "https://hub.example/x?u=http://y"),
        ] {
            assert_eq!(base.join(location).unwrap().to_string(), target);
        }
        assert!(base.join("javascript:alert(1)").is_err());
    }

    #[test]
    fn another_port_scheme_or_host_is_another_origin() {
        let base = Url::parse("https://hub.example/a").unwrap();
        for (text, same) in [
            ("https://HUB.example:443/b", true),
            ("https://hub.example:8443/b", false),
            ("http://hub.example/b", false),
            ("https://hub.example.evil/b", false),
            ("https://sub.hub.example/b", false),
        ] {
            assert_eq!(Url::parse(text).unwrap().has_origin_of(&base), same, "{text}");
        }
    }

    #[test]
    fn a_revision_is_one_part_of_a_path() {
        assert_eq!(percent_encoded("refs/pr/1", false), "refs%2Fpr%2F1");
        assert_eq!(percent_encoded("1_Pooling/é.json", true), "1_Pooling/%C3%A9.json");
    }
}
