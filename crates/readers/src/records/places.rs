//! Where the texts taken last are in their file.

use super::Records;
use std::collections::VecDeque;

/// Places that are remembered: more than the encoder reads ahead.
const REMEMBERED: usize = 1 << 13;

/// The lines of the texts taken last.
///
/// ```
/// use minilm_readers::{ReadOptions, records::{Kind, Places, Records}};
///
/// let lines = b"one\ntwo\n".to_vec();
/// let mut records =
///     Records::from_bytes("it", lines, Kind::Lines, &[], &ReadOptions::new())?;
/// let mut places = Places::default();
/// for record in records.by_ref() {
///     places.push(record?.line);
/// }
/// assert_eq!(places.name(&records, 1), "line 2 of it");
/// # Ok::<(), minilm_readers::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Places {
    lines: VecDeque<u64>,
    taken: usize,
}

impl Places {
    /// The next text is of the record at `line`.
    pub fn push(&mut self, line: u64) {
        self.lines.push_back(line);
        self.taken += 1;
        if self.lines.len() > REMEMBERED {
            self.lines.pop_front();
        }
    }

    /// The place of text `index`, from 0, for a message.
    pub fn name(&self, records: &Records, index: usize) -> String {
        let line = (index + self.lines.len())
            .checked_sub(self.taken)
            .and_then(|place| self.lines.get(place));
        match line {
            Some(&line) => records.place(line),
            None => format!("text {} of {}", index + 1, records.name()),
        }
    }
}
