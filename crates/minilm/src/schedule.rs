//! The schedule of a call: the texts that are computed, and their batches.
//!
//! In the book: `docs/08-threads.md`.

use std::{collections::HashMap, ops::Range};

/// Tokens per batch. Each pass over the weights serves this many rows, and a layer works on 4·H
/// floats per row, which for H = 384 fit in a second-level cache of 1 MiB.
const BATCH: usize = 160;

/// Tokens below which a batch is not cut further: a pass over the weights costs the same for fewer.
const SMALLEST_BATCH: usize = 32;

/// Texts whose token ids are held at once: many batches for each thread, in a few MiB.
const WINDOW: usize = 4096;

/// Bytes of text after which a window ends: about the tokens of as many short texts, and a tenth of
/// a second of tokenising, so that a call can be stopped soon.
const WINDOW_BYTES: usize = 1 << 18;

/// The texts without repetitions.
pub(crate) struct Distinct {
    /// The first place of each different text, ascending.
    pub first: Vec<usize>,
    /// For each text, which of `first` has it.
    pub of: Vec<usize>,
}

/// Finds exact duplicates.
pub(crate) fn distinct<S: AsRef<str>>(texts: &[S]) -> Distinct {
    let mut seen = HashMap::with_capacity(texts.len());
    let mut first = Vec::new();
    let of = texts.iter().enumerate().map(|(i, text)| {
        *seen.entry(text.as_ref()).or_insert_with(|| {
            first.push(i);
            first.len() - 1
        })
    });
    Distinct { of: of.collect(), first }
}

/// Cuts `which` of the texts into windows that are tokenised and computed one after the other.
pub(crate) fn windows<'i, S: AsRef<str>>(texts: &[S], which: &'i [usize]) -> Vec<&'i [usize]> {
    let (mut windows, mut rest) = (Vec::new(), which);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |&&i: &&usize| {
            let begins = bytes < WINDOW_BYTES;
            bytes += texts[i].as_ref().len();
            begins
        };
        let (window, others) = rest.split_at(rest.iter().take(WINDOW).take_while(fits).count());
        windows.push(window);
        rest = others;
    }
    windows
}

/// Sorts texts by length, longest first, and cuts the order into batches.
///
/// Returns the order and the batches as ranges of it. A batch holds whole texts: as many as fit
/// into `BATCH` tokens, fewer if a thread would otherwise have nothing to do, and at least one.
pub(crate) fn batches(tokens: &[usize], threads: usize) -> (Vec<usize>, Vec<Range<usize>>) {
    let mut order: Vec<usize> = (0..tokens.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(tokens[i])); // stable

    let total: usize = tokens.iter().sum();
    let batches = total.div_ceil(BATCH).next_multiple_of(threads).max(1);
    let target = total.div_ceil(batches).max(SMALLEST_BATCH);

    let mut cuts = Vec::new();
    let (mut start, mut filled) = (0, 0);
    for (at, &i) in order.iter().enumerate() {
        if filled > 0 && filled + tokens[i] > target {
            cuts.push(start..at);
            (start, filled) = (at, 0);
        }
        filled += tokens[i];
    }
    if start < order.len() {
        cuts.push(start..order.len());
    }
    (order, cuts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_in_one_batch_and_no_batch_is_too_large() {
        let tokens: Vec<usize> = (0..500).map(|i| 2 + i * 7919 % 255).collect();
        for threads in [1, 2, 7] {
            let (order, batches) = batches(&tokens, threads);
            let mut seen = order.clone();
            seen.sort_unstable();
            assert_eq!(seen, (0..500).collect::<Vec<_>>());
            assert_eq!(batches.first().map(|p| p.start), Some(0));
            assert_eq!(batches.last().map(|p| p.end), Some(500));
            assert!(batches.windows(2).all(|w| w[0].end == w[1].start));
            for batch in batches {
                let total: usize = order[batch.clone()].iter().map(|&i| tokens[i]).sum();
                assert!(
                    total <= BATCH || batch.len() == 1,
                    "{total} tokens in {} texts",
                    batch.len()
                );
            }
        }
    }

    #[test]
    fn few_texts_are_shared_among_the_threads() {
        assert_eq!(batches(&[16; 8], 2).1, [0..4, 4..8]);
        assert_eq!(batches(&[16; 8], 1).1.len(), 1);
        assert_eq!(batches(&[8, 8], 2).1.len(), 1, "too little to share");
        assert_eq!(batches(&[], 2).1, [0..0; 0]);
    }

    #[test]
    fn windows_are_of_some_texts_and_bytes() {
        let lengths = |texts: &[String]| {
            let which: Vec<usize> = (0..texts.len()).collect();
            let windows = windows(texts, &which);
            assert_eq!(windows.concat(), which);
            windows.iter().map(|window| window.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&vec![String::new(); WINDOW + 1]), [WINDOW, 1]);
        assert_eq!(lengths(&vec!["x".repeat(WINDOW_BYTES / 2); 5]), [2, 2, 1]);
        assert_eq!(lengths(&vec!["x".repeat(2 * WINDOW_BYTES); 2]), [1, 1]);
        assert_eq!(lengths(&[]), [0; 0]);
    }

    #[test]
    fn duplicates_share_the_first_place() {
        let found = distinct(&["a", "b", "a", "c", "b"]);
        assert_eq!(found.first, [0, 1, 3]);
        assert_eq!(found.of, [0, 1, 0, 2, 1]);
    }
}
