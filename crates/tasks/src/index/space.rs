//! The space of vectors: vectors are comparable if the same model made them in the same way.

use super::IndexError;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, path::Path};

/// An embedding space: a name for people, and a fingerprint that is equal only if vectors can be
/// compared.
///
/// ```
/// use minilm_tasks::index::Space;
/// let space = Space::new(
///     "all-MiniLM-L6-v2",
///     &Space::fingerprint([b"weights".as_slice(), b"tokenizer", b"mean", b"f32"]),
/// );
/// assert_eq!(space.to_string(), "all-MiniLM-L6-v2 (470ac51bd819da74)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    name: String,
    fingerprint: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    prompt: String,
    /// Parts of the fingerprint that people know by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "as_text")]
    parts: BTreeMap<String, String>,
}

/// A map as JSON in a string: the metadata of a safetensors file has strings only.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _, ser::Error as _};
    use std::collections::BTreeMap;

    pub(super) fn serialize<S: Serializer>(
        parts: &BTreeMap<String, String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&serde_json::to_string(parts).map_err(S::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, String>, D::Error> {
        serde_json::from_str(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Space {
    /// A space. Two are the same if their fingerprints are; names do not count.
    pub fn new(name: &str, fingerprint: &str) -> Space {
        let (name, fingerprint) = (name.to_owned(), fingerprint.to_owned());
        Space { name, fingerprint, prompt: String::new(), parts: BTreeMap::new() }
    }

    /// The same, for texts that were embedded with this prompt before each of them.
    ///
    /// A query may have another prompt than the texts that it is compared with, so a prompt does
    /// not make another space. The vectors of one index are all made with the same prompt.
    ///
    /// ```
    /// use minilm_tasks::index::Space;
    /// let queries = Space::new("e5", "0123456789abcdef").with_prompt("query: ");
    /// let passages = Space::new("e5", "0123456789abcdef").with_prompt("passage: ");
    /// assert!(queries.is_same(&passages));
    /// assert_eq!(passages.prompt(), "passage: ");
    /// ```
    #[must_use]
    pub fn with_prompt(self, prompt: &str) -> Space {
        Space { prompt: prompt.to_owned(), ..self }
    }

    /// The same, with a part of what its fingerprint covers, by a name for people: an error that
    /// two spaces are not the same says which parts differ.
    ///
    /// ```
    /// use minilm_tasks::index::Space;
    /// let space = Space::new("e5", "0123456789abcdef").with_part("dimensions", "384");
    /// assert!(space.is_same(&Space::new("e5", "0123456789abcdef")));
    /// ```
    #[must_use]
    pub fn with_part(mut self, name: &str, value: &str) -> Space {
        self.parts.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The parts that both name and that differ: `dimensions: 384, not 64`.
    fn differences(&self, other: &Space) -> String {
        let differ = self.parts.iter().filter_map(|(name, value)| {
            let other = other.parts.get(name).filter(|other| *other != value)?;
            Some(format!("{name}: {value}, not {other}"))
        });
        let mut differ: Vec<String> = differ.collect();
        let [here, there] = [self, other].map(|space| space.parts.get("precision"));
        if let Some(precision) = here.filter(|_| there.is_some_and(|there| Some(there) != here)) {
            differ.push(format!("load the model with --precision {precision}"));
        }
        if differ.is_empty() { String::new() } else { format!("; {}", differ.join("; ")) }
    }

    /// The prompt that was put before each text; empty if there was none.
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// Sixteen hexadecimal digits for all that makes the vectors what they are: the bytes of
    /// weights and tokenizer, pooling, precision, in an order of your own. It separates inputs that
    /// differ by accident, and is no protection against inputs that are made to collide.
    ///
    /// The hash is FNV-1a, 64 bits, over words of eight bytes; each part is followed by its length.
    pub fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |word: u64| {
            hash = (hash ^ word).wrapping_mul(0x0100_0000_01b3);
            hash ^= hash >> 32; // high bits reach the low ones, which a product alone never does
        };
        for part in parts {
            let (words, rest) = part.as_chunks::<8>();
            words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
            add(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
            add(part.len() as u64);
        }
        format!("{hash:016x}")
    }

    /// Whether vectors of both can be compared.
    pub fn is_same(&self, other: &Space) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// This is the space of the index `path`, and `other` must be the same.
    pub(super) fn check(&self, path: &Path, other: &Space) -> Result<(), IndexError> {
        if self.is_same(other) {
            return Ok(());
        }
        Err(IndexError::Space {
            path: path.to_owned(),
            index: self.to_string(),
            other: other.to_string(),
            differences: self.differences(other),
        })
    }

    /// Texts embedded with the prompt of `other` can be added to the index `path` of this space.
    pub(super) fn check_prompt(&self, path: &Path, other: &Space) -> Result<(), IndexError> {
        if self.prompt == other.prompt {
            return Ok(());
        }
        let [index, other] = [&self.prompt, &other.prompt].map(String::clone);
        Err(IndexError::Prompt { path: path.to_owned(), index, other })
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::Space;
    use std::collections::HashSet;

    #[test]
    fn every_change_changes_the_fingerprint() {
        let base = vec![7_u8; 100];
        let mut seen = HashSet::from([Space::fingerprint([base.as_slice()])]);
        for bit in 0..800 {
            let mut changed = base.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(seen.insert(Space::fingerprint([changed.as_slice()])), "bit {bit}");
        }
        for cut in 0..100 {
            assert!(seen.insert(Space::fingerprint([&base[..cut]])), "{cut} bytes");
            assert!(seen.insert(Space::fingerprint([&base[..cut], &base[cut..]])), "cut at {cut}");
        }
    }
}
