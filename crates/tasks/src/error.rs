//! The errors of vectors, labels and options.

/// The error of a task. Rows and columns count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A matrix without columns.
    #[error("the {what} have no columns")]
    NoColumns {
        /// The matrix.
        what: &'static str,
    },
    /// Two matrices of different width.
    #[error("the {what} have {found} columns, but {expected} were expected")]
    Columns {
        /// The matrix.
        what: &'static str,
        /// Its columns.
        found: usize,
        /// Those of the other.
        expected: usize,
    },
    /// Lists that belong together differ in length.
    #[error("there are {found} {what}, but {expected} were expected")]
    Count {
        /// The items that are counted.
        what: &'static str,
        /// Their number.
        found: usize,
        /// The expected number.
        expected: usize,
    },
    /// There are too few items to compute a result.
    #[error("there are {found} {what}, but at least {least} are needed")]
    TooFew {
        /// The items that are counted.
        what: &'static str,
        /// Their number.
        found: usize,
        /// The least number that is needed.
        least: usize,
    },
    /// A value is NaN or infinite.
    #[error("row {row} of the {what} holds {value} in column {column}")]
    NotFinite {
        /// The matrix.
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
        /// The list.
        what: &'static str,
        /// The entry's number.
        index: usize,
        /// The value.
        value: f64,
    },
    /// The values are finite, but products of such rows might not be.
    #[error("row {row} of the {what} is longer than 2^63, too long for products in f32")]
    TooLong {
        /// The matrix.
        what: &'static str,
        /// The row.
        row: usize,
    },
    /// There is not enough memory for something that grows with the square of the rows.
    #[error("there is not enough memory for {what} of {rows} rows")]
    Memory {
        /// The purpose of the memory.
        what: &'static str,
        /// The number of rows.
        rows: usize,
    },
    /// An option has a value that makes no sense.
    #[error("option {option}: {reason}")]
    Option {
        /// Its name.
        option: &'static str,
        /// The reason.
        reason: String,
    },
    /// The flag that the work looks at was set before it was done.
    #[error("the work was stopped")]
    Stopped,
}
