//! Labels of texts from those of their neighbours.

use super::Values;
use crate::{Dataset, Error};
use minilm_tasks::search::Search;
use ndarray::{Array2, ArrayView2, Axis};
use std::collections::{BTreeMap, HashMap};

/// Neighbours that vote.
const VOTES: usize = 10;

/// Texts, by their numbers, and their labels.
struct Labelled<'a> {
    data: &'a Dataset,
    vectors: Array2<f32>,
    texts: Vec<u32>,
    labels: Vec<&'a str>,
}

impl<'a> Labelled<'a> {
    /// The different texts of all columns of the rows; the first label counts.
    fn new(data: &'a Dataset, vectors: ArrayView2<f32>) -> Labelled<'a> {
        let (mut texts, mut labels, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
        for row in data.rows() {
            let Some(label) = row.label else { continue };
            // A negative is no text of its row's label.
            for &text in row.texts.iter().take(2) {
                if seen.insert(text, label).is_none() {
                    texts.push(text);
                    labels.push(data.labels()[label as usize].as_str());
                }
            }
        }
        let rows: Vec<usize> = texts.iter().map(|&text| text as usize).collect();
        Labelled { data, vectors: vectors.select(Axis(0), &rows), texts, labels }
    }

    /// The text itself, if it is among the texts.
    fn place(&self, text: &str) -> Option<usize> {
        self.texts.iter().position(|&number| self.data.texts()[number as usize] == text)
    }
}

/// The shares of texts whose label is that of the nearest text, of most of the ten nearest, and of
/// the nearest mean of a label's texts.
pub(super) fn accuracies(
    data: &Dataset,
    vectors: ArrayView2<f32>,
    other: Option<(&Dataset, ArrayView2<f32>)>,
) -> Result<Values, Error> {
    let asked = Labelled::new(data, vectors);
    let alone = other.is_none();
    let (known_data, known_vectors) = other.unwrap_or((data, vectors));
    let known = Labelled::new(known_data, known_vectors);
    let top_k = VOTES + usize::from(alone); // a text finds itself
    let hits = Search::new().top_k(top_k).run(asked.vectors.view(), known.vectors.view())?;
    let (mut first, mut voted) = (0, 0);
    for (i, hits) in hits.iter().enumerate() {
        let own = if alone { known.place(&data.texts()[asked.texts[i] as usize]) } else { None };
        let labels = hits.iter().filter(|hit| Some(hit.corpus_id) != own);
        let labels: Vec<&str> = labels.take(VOTES).map(|hit| known.labels[hit.corpus_id]).collect();
        first += usize::from(labels.first() == Some(&asked.labels[i]));
        voted += usize::from(vote(&labels) == Some(asked.labels[i]));
    }
    let share = |right: usize| right as f64 / asked.texts.len().max(1) as f64;
    let mut found = vec![("accuracy_1nn", share(first)), ("accuracy_10nn", share(voted))];
    if !alone {
        // The mean of a text's own label would hold the text itself.
        found.push(("accuracy_centroid", share(by_centroid(&asked, &known)?)));
    }
    Ok(found)
}

/// The most frequent label; of several the one that is nearest.
fn vote<'a>(labels: &[&'a str]) -> Option<&'a str> {
    let mut times: HashMap<&str, usize> = HashMap::new();
    labels.iter().for_each(|label| *times.entry(label).or_default() += 1);
    let most = times.values().max()?;
    labels.iter().copied().find(|label| times[label] == *most)
}

/// How many texts are nearest to the mean of their own label.
fn by_centroid(asked: &Labelled, known: &Labelled) -> Result<usize, Error> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, label) in known.labels.iter().enumerate() {
        members.entry(label).or_default().push(i);
    }
    let names: Vec<&str> = members.keys().copied().collect();
    let mut means = Array2::<f32>::zeros((names.len(), known.vectors.ncols()));
    for (mut mean, rows) in means.rows_mut().into_iter().zip(members.values()) {
        for (column, value) in mean.iter_mut().enumerate() {
            let sum: f64 = rows.iter().map(|&row| f64::from(known.vectors[[row, column]])).sum();
            *value = (sum / rows.len() as f64) as f32;
        }
    }
    let hits = Search::new().top_k(1).run(asked.vectors.view(), means.view())?;
    let is_right = |(hits, label): (&Vec<_>, &&str)| {
        hits.first().is_some_and(|hit: &minilm_tasks::search::Hit| names[hit.corpus_id] == *label)
    };
    Ok(hits.iter().zip(&asked.labels).filter(|&pair| is_right(pair)).count())
}
