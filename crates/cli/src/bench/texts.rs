//! Texts made of common words, the same in every run.

use crate::error::Error;
use minilm::SentenceEncoder;

/// Words that a vocabulary of English holds whole.
#[rustfmt::skip]
const WORDS: [&str; 64] = [
    "the", "river", "stone", "green", "letter", "music", "seven", "window",
    "paper", "city", "of", "and", "water", "old", "house", "light",
    "a", "winter", "garden", "bridge", "in", "silver", "train", "north",
    "to", "market", "school", "doctor", "is", "summer", "road", "island",
    "on", "story", "king", "yellow", "with", "field", "morning", "engine",
    "for", "village", "horse", "table", "by", "ocean", "forest", "party",
    "was", "language", "science", "history", "from", "company", "family", "player",
    "at", "season", "army", "church", "his", "station", "video", "record",
];

/// Numbers that look random and are the same in every run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// From 0 to `n` − 1.
    pub(super) fn below(&mut self, n: usize) -> usize {
        // The generator of D. Knuth's MMIX; its high bits are the good ones.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    /// A text of `n` words.
    fn words(&mut self, n: usize) -> Vec<&'static str> {
        (0..n).map(|_| WORDS[self.below(WORDS.len())]).collect()
    }
}

/// A text of `tokens` tokens, or the longest below that the words allow; and its tokens.
pub(super) fn of_tokens(
    encoder: &SentenceEncoder,
    tokens: usize,
    seed: u64,
) -> Result<(String, usize), Error> {
    let mut words = Random::new(seed).words(tokens);
    loop {
        let text = words.join(" ");
        let count = encoder.count_tokens(&text)?;
        if count.used + count.dropped <= tokens || words.pop().is_none() {
            return Ok((text, count.used));
        }
    }
}

/// Texts as they come: most of a dozen words, some of fifty, a few of two hundred.
pub(super) fn mixed(count: usize) -> Vec<String> {
    let mut random = Random::new(1);
    let text = |_| {
        let words = match random.below(20) {
            0..14 => 4 + random.below(16),
            14..19 => 20 + random.below(60),
            _ => 100 + random.below(100),
        };
        random.words(words).join(" ")
    };
    (0..count).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn mixed_texts_are_the_same_in_every_run_and_differ_from_each_other() {
        let texts = mixed(200);
        assert_eq!(texts, mixed(200));
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), 200);
        let lengths: Vec<usize> = texts.iter().map(|text| text.split(' ').count()).collect();
        assert!(
            lengths.iter().any(|&words| words < 8) && lengths.iter().any(|&words| words > 100),
            "{lengths:?}"
        );
    }

    #[test]
    fn every_word_is_used() {
        let words: HashSet<_> = Random::new(7).words(4000).into_iter().collect();
        assert_eq!(words.len(), WORDS.len());
    }
}
