//! What a file of texts is by its name.

use std::path::Path;

/// A kind of file with texts.
///
/// ```
/// use minilm_readers::records::Kind;
///
/// assert_eq!(Kind::of("notes.csv.gz".as_ref()), Kind::Csv);
/// assert_eq!(Kind::of("notes".as_ref()), Kind::Lines);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text on each line.
    Lines,
    /// An object of JSON on each line.
    Jsonl,
    /// A list of objects of JSON, or lines of them.
    Json,
    /// A table with quotes.
    Csv,
    /// A table with tabs, and without quotes.
    Tsv,
    /// A table in columns.
    Parquet,
}

/// Endings of the names of compressed files, before which the kind stands.
const COMPRESSED: [&str; 3] = ["gz", "zst", "zstd"];

impl Kind {
    /// By the name of the file; any other name than those of the other kinds is that of lines.
    pub fn of(path: &Path) -> Kind {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        match extension.as_deref().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "ndjson") => Kind::Jsonl,
            Some("json") => Kind::Json,
            Some("csv") => Kind::Csv,
            Some("tsv") => Kind::Tsv,
            Some("parquet") => Kind::Parquet,
            Some(packed) if COMPRESSED.contains(&packed) => Kind::of(&path.with_extension("")),
            _ => Kind::Lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_kind() {
        for (name, kind) in [
            ("a", Kind::Lines),
            ("a.txt", Kind::Lines),
            ("a.JSON", Kind::Json),
            ("a.b.jsonl.gz", Kind::Jsonl),
            ("a.csv.zst", Kind::Csv),
            ("csv.gz", Kind::Lines),
        ] {
            assert_eq!(Kind::of(Path::new(name)), kind, "{name}");
        }
    }
}
