//! What can be wrong with vectors, labels and options, by name.

/// Why a task could not be done. Rows and columns count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A matrix without columns.
    #[error("the {what} have no columns")]
    NoColumns {
        /// Which matrix.
        what: &'static str,
    },
    /// Two matrices of different width.
    #[error("the {what} have {found} columns, but {expected} were expected")]
    Columns {
        /// Which matrix.
        what: &'static str,
        /// Its columns.
        found: usize,
        /// Those of the other.
        expected: usize,
    },
    /// Lists that belong together differ in length.
    #[error("there are {found} {what}, but {expected} were expected")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Too little to compute anything from.
    #[error("there are {found} {what}, but at least {least} are needed")]
    TooFew {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        least: usize,
    },
    /// A value is NaN or infinite.
    #[error("row {row} of the {what} holds {value} in column {column}")]
    NotFinite {
        /// Which matrix.
        what: &'static str,
        /// The row.
        row: usize,
        /// The first such column in it.
        column: usize,
        /// The value.
        value: f32,
    },
    /// A label or score is NaN or infinite.
    #[error("number {index} of the {what} is {value}")]
    BadValue {
        /// Which list.
        what: &'static str,
        /// Which entry.
        index: usize,
        /// The value.
        value: f64,
    },
    /// The values are finite, but products of such rows might not be.
    #[error("row {row} of the {what} is longer than 2^63, too long for products in f32")]
    TooLong {
        /// Which matrix.
        what: &'static str,
        /// The row.
        row: usize,
    },
    /// There is not enough memory for something that grows with the square of the rows.
    #[error("there is not enough memory for {what} of {rows} rows")]
    Memory {
        /// What it is for.
        what: &'static str,
        /// How many rows there are.
        rows: usize,
    },
    /// An option has a value that makes no sense.
    #[error("option {option}: {reason}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}
