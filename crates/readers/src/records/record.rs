//! What is asked of a record, and what is given.

/// A field or column that is asked for. `a.b` is the field `b` of the object `a`, if there is no
/// field `a.b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// Where a record lacks it, [`ReadOptions::missing`](crate::ReadOptions::missing) decides.
    Needed(&'a str),
    /// Where a record lacks it, it is an empty text.
    Optional(&'a str),
    /// It has to be there, and may be empty or null; a list or an object is as it is written.
    Kept(&'a str),
}

impl<'a> Name<'a> {
    /// The name that is looked for.
    pub fn text(self) -> &'a str {
        let (Name::Needed(name) | Name::Optional(name) | Name::Kept(name)) = self;
        name
    }

    /// Whether a file or object without it can be read.
    pub(super) fn may_be_absent(self) -> bool {
        matches!(self, Name::Optional(_))
    }
}

/// Some of the fields of a line or row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// Where it begins, from 1: a line of the file, or a row of a Parquet file.
    pub line: u64,
    /// Its number among all records of the file, from 0; those that are left out count.
    pub row: usize,
    /// In the order asked for.
    pub fields: Vec<String>,
    /// As it stands in the file, with the end of its line. Of a Parquet file, the fields.
    pub raw: String,
}

/// A record before it is decided what becomes of missing texts.
pub(super) struct Draft {
    pub line: u64,
    /// Texts, or why there is none.
    pub fields: Vec<Result<String, String>>,
    pub raw: String,
}
