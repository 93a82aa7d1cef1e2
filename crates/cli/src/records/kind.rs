//! What a file of texts is by its name.

use std::path::Path;

/// A kind of file with texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Lines,
    Jsonl,
    Json,
    Csv,
    Tsv,
    Parquet,
}

/// Endings of the names of compressed files, before which the kind stands.
const COMPRESSED: [&str; 3] = ["gz", "zst", "zstd"];

impl Kind {
    /// By the name of the file.
    pub(crate) fn of(path: &Path) -> Kind {
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
