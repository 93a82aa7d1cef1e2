//! A head's attention, described in a few words.

use minilm::{Trace, ndarray::Array2};

/// Less than this part of the attention is no habit.
const HABIT: f64 = 0.25;

/// One head's attention.
pub(super) struct Head {
    pub layer: usize,
    pub head: usize,
    /// `[T, T]`: a row for each token that looks.
    pub shares: Array2<f64>,
    /// The target of most of a word's attention; empty if there is none in particular.
    pub target: String,
    /// The same with its share: `the word before 83 %`, or `spread`.
    pub habit: String,
}

impl Head {
    /// Every head, layer by layer.
    pub(super) fn all(trace: &Trace) -> Vec<Head> {
        let places =
            (0..trace.layers).flat_map(|layer| (0..trace.heads).map(move |head| (layer, head)));
        places.map(|(layer, head)| Head::new(trace, layer, head)).collect()
    }

    fn new(trace: &Trace, layer: usize, head: usize) -> Head {
        let shares = trace.attention(layer, head);
        let last = shares.nrows() - 1;
        // The words between [CLS] and [SEP], if there are any.
        let words = if last > 1 { 1..last } else { 0..last + 1 };
        let mean = |to: &dyn Fn(usize) -> Option<usize>| {
            let sum: f64 = words.clone().filter_map(|i| to(i).map(|j| shares[[i, j]])).sum();
            sum / words.len() as f64
        };
        let inside = |j: usize| (1..last).contains(&j).then_some(j);
        let habits = [
            ("itself".to_owned(), mean(&Some)),
            ("the word before".to_owned(), mean(&|i| i.checked_sub(1).and_then(inside))),
            ("the word after".to_owned(), mean(&|i| inside(i + 1))),
            (trace.tokens[0].clone(), mean(&|_| Some(0))),
            (trace.tokens[last].clone(), mean(&|_| Some(last))),
        ];
        // One word that all listen to. Of two words each one has a neighbour alone.
        let column = |j: usize| (format!("“{}”", trace.tokens[j]), mean(&|_| Some(j)));
        let columns = words.clone().filter(|_| words.len() > 2).map(column);
        let (name, share) = habits
            .into_iter()
            .chain(columns)
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .expect("there are five or more");
        let (target, habit) = match share < HABIT {
            true => (String::new(), "spread".to_owned()),
            false => (name.clone(), format!("{name} {:.0}\u{a0}%", 100.0 * share)),
        };
        Head { layer, head, target, habit, shares }
    }

    /// The word that gives most to another word that is not its neighbour, and its share.
    /// Without such words, the first token.
    pub(super) fn link(&self, tokens: &[String]) -> (usize, f64) {
        let is_word =
            |i: usize| tokens[i].chars().count() > 1 && tokens[i].chars().all(char::is_alphabetic);
        let words = self.shares.indexed_iter().filter(|((i, j), _)| is_word(*i) && is_word(*j));
        let distant = words.filter(|((i, j), _)| i.abs_diff(*j) > 1 && tokens[*i] != tokens[*j]);
        distant
            .map(|((i, _), &share)| (i, share))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, 0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::Head;
    use minilm::SentenceEncoder;

    /// In some head every word of this sentence listens to its first noun.
    #[test]
    fn a_word_that_all_listen_to_is_named() {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/all-MiniLM-L6-v2");
        let encoder = SentenceEncoder::load(model).expect("the repository's model");
        let trace = encoder.trace("A man is eating food.").expect("a trace");
        let heads = Head::all(&trace);
        let named = heads.iter().find(|head| head.habit.starts_with("“man” "));
        let named = named.expect("a head whose words listen to “man”");
        let man = trace.tokens.iter().position(|token| token == "man").expect("a token");
        let words = 1..trace.tokens.len() - 1;
        let mean = words.clone().map(|i| named.shares[[i, man]]).sum::<f64>() / words.len() as f64;
        assert_eq!(named.habit, format!("“man” {:.0}\u{a0}%", 100.0 * mean));
        assert!(mean > 0.25, "{mean}");
    }

    #[test]
    fn a_habit_is_the_place_where_most_of_the_attention_goes() {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/all-MiniLM-L6-v2");
        let encoder = SentenceEncoder::load(model).expect("the repository's model");
        for text in ["", "one", "A man is eating food."] {
            let trace = encoder.trace(text).expect("a trace");
            let heads = Head::all(&trace);
            assert_eq!(heads.len(), 72);
            for head in &heads {
                let last = trace.tokens.len() - 1;
                let words = if last > 1 { 1..last } else { 0..last + 1 };
                let mean =
                    words.clone().map(|i| head.shares[[i, last]]).sum::<f64>() / words.len() as f64;
                if let Some(percent) = head.habit.strip_prefix("[SEP] ") {
                    assert_eq!(
                        percent,
                        format!("{:.0}\u{a0}%", 100.0 * mean),
                        "layer {} head {}",
                        head.layer,
                        head.head
                    );
                } else {
                    assert!(
                        head.habit == "spread" || mean <= 0.5,
                        "{} but {mean} to [SEP]",
                        head.habit
                    );
                }
            }
        }
    }
}
