//! Made-up sentences: the same on every machine, no two alike, of known lengths in tokens.
//!
//! Every word is one token of BERT's vocabulary. The meaning of the words does not matter to any
//! engine's speed. The lengths of the texts matter, and the mixture of lengths.

use minilm_testing::Random;
use std::{collections::HashSet, ops::RangeInclusive};

/// So many texts of these numbers of tokens, evenly spread.
type Lengths = [(usize, RangeInclusive<usize>)];

/// As captions and headlines are: most between 9 and 18 tokens.
const SHORT: [(usize, RangeInclusive<usize>); 7] = [
    (255, 6..=8),
    (735, 9..=11),
    (700, 12..=14),
    (442, 15..=18),
    (287, 19..=26),
    (121, 27..=40),
    (12, 41..=60),
];

/// Queries, sentences, and some pages that are cut; half of the tokens are the pages'.
const MIXED: [(usize, RangeInclusive<usize>); 6] =
    [(206, 3..=8), (200, 9..=14), (130, 15..=22), (54, 23..=40), (24, 41..=80), (36, 260..=400)];

/// Frequent English words.
const WORDS: &str = "\
    the of and to in a is that for it as was with be by on not he his but at are this have from \
    or had an they which one you were all her she there would their we him been has when who will \
    no more if out so up said what its about than into them can only other time new some could \
    these two may first then do any like my now over such our man me even most made after also \
    did many off before must well back through years much where your way down should because long \
    each just state those people too mr how little good world make very year still see own work \
    men day get here between both life being under three never know same last another while us \
    might great go come since against right came take used himself few house american use place \
    during high without again home around small however found part school thought went say \
    general once upon war left every does got united number hand course water until always away \
    public something fact less though far put head think called set almost enough end took \
    government night yet system better four nothing told eyes city going president why days \
    present point look next asked toward second room business social young give order national \
    night river stone green letter music seven window paper train garden market doctor winter \
    bridge island summer teacher animal dinner street";

/// 2552 short sentences, about 36 700 tokens.
pub fn short() -> Vec<String> {
    with_lengths(&SHORT, 1)
}

/// 650 texts of mixed length, about 18 200 tokens, 256 of each page.
pub fn mixed() -> Vec<String> {
    with_lengths(&MIXED, 2)
}

/// `count` texts of `tokens` tokens each.
pub fn exactly(count: usize, tokens: usize) -> Vec<String> {
    with_lengths(&[(count, tokens..=tokens)], 3 + tokens as u64)
}

/// `count` different sentences whose lengths are spread evenly over `tokens`, in random order.
pub fn between(count: usize, tokens: RangeInclusive<usize>) -> Vec<String> {
    with_lengths(&[(count, tokens)], 4)
}

fn with_lengths(lengths: &Lengths, seed: u64) -> Vec<String> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut random = Random(seed);
    let mut seen = HashSet::new();
    let mut texts = Vec::new();
    for (count, tokens) in lengths {
        let choices = tokens.end() - tokens.start() + 1;
        for i in 0..*count {
            let tokens = tokens.start() + i * choices / count;
            while !seen.insert(sentence(&words, tokens, &mut random)) {}
        }
    }
    // A set has no order: draw one.
    texts.extend(seen);
    texts.sort_unstable();
    for i in (1..texts.len()).rev() {
        texts.swap(i, random.below(i + 1));
    }
    texts
}

/// Words and a full stop that make `tokens` tokens together with `[CLS]` and `[SEP]`.
fn sentence(words: &[&str], tokens: usize, random: &mut Random) -> String {
    let stop = usize::from(tokens > 4);
    let chosen: Vec<&str> =
        (0..tokens - 2 - stop).map(|_| words[random.below(words.len())]).collect();
    chosen.join(" ") + &".".repeat(stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minilm::SentenceEncoder;

    fn encoder() -> SentenceEncoder {
        SentenceEncoder::load(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../weights/all-MiniLM-L6-v2"
        ))
        .unwrap()
    }

    #[test]
    fn every_word_is_one_token() {
        let encoder = encoder();
        for word in WORDS.split_whitespace() {
            assert_eq!(encoder.count_tokens(word).unwrap().used, 3, "{word}");
        }
    }

    #[test]
    fn the_sets_have_the_stated_sizes() {
        let encoder = encoder();
        let tokens = |texts: &[String]| -> usize {
            texts.iter().map(|text| encoder.count_tokens(text).unwrap().used).sum()
        };
        for (texts, count, total) in [(short(), 2552, 36_689), (mixed(), 650, 18_174)] {
            assert_eq!(texts.len(), count);
            assert_eq!(texts.iter().collect::<HashSet<_>>().len(), count, "no two alike");
            assert!(tokens(&texts).abs_diff(total) * 100 < total, "{} tokens", tokens(&texts));
        }
        for (count, length) in [(1, 8), (32, 16), (8, 256)] {
            let texts = exactly(count, length);
            assert!(texts.iter().all(|text| encoder.count_tokens(text).unwrap().used == length));
            assert_eq!(texts.iter().collect::<HashSet<_>>().len(), count);
        }
    }

    #[test]
    fn the_same_texts_are_made_again() {
        assert_eq!(short(), short());
        assert_ne!(exactly(2, 8)[0], exactly(2, 8)[1]);
    }
}
