//! What a model is worth for some data: the evaluators of [`minilm_tasks::evaluate`], on the
//! weights as they are in training.
//!
//! | data | numbers, the first tells the best model | of sentence-transformers |
//! |---|---|---|
//! | pairs | `cosine_ndcg@10`, `cosine_accuracy@1`, `cosine_mrr@10`: anchors search all positives | `InformationRetrievalEvaluator` |
//! | triplets | `cosine_accuracy`: nearer to the positive | `TripletEvaluator` |
//! | scored pairs | `spearman_cosine`, `pearson_cosine` | `EmbeddingSimilarityEvaluator` |
//! | labelled pairs | `cosine_ap`, `cosine_accuracy`, `cosine_f1` | `BinaryClassificationEvaluator` |
//! | labelled texts | `accuracy_1nn`, `accuracy_10nn`, `accuracy_centroid`: the label of the nearest texts of known label | |
//!
//! Texts of known label are those of the training data if they have labels, or else the other texts
//! of the evaluation itself.

mod neighbours;

use crate::{Dataset, Error, Kind, Network, texts::Texts};
use minilm_tasks::{
    Similarity,
    evaluate::{Cutoffs, classify, correlate, information_retrieval, triplet_accuracy},
    search::Metric,
};
use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Data with a name, on which the model is evaluated.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// For tables, such as the file's name.
    pub name: String,
    /// The data.
    pub data: Dataset,
}

/// The numbers of an evaluation, the one that tells the best model first; all the higher the
/// better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The evaluation's name.
    pub name: String,
    /// Each number with its name.
    pub values: Vec<(String, f64)>,
}

/// An evaluation whose texts are tokenised.
pub(crate) struct Prepared {
    evaluation: Evaluation,
    texts: Texts,
}

/// Texts of known label.
pub(crate) struct Known<'a> {
    pub data: &'a Dataset,
    pub texts: &'a Texts,
}

impl Prepared {
    pub(crate) fn new(evaluation: Evaluation, texts: Texts) -> Prepared {
        Prepared { evaluation, texts }
    }

    /// Evaluates the weights as they are.
    pub(crate) fn run(&self, network: &Network, known: &Known) -> Result<Scores, Error> {
        let data = &self.evaluation.data;
        let vectors = self.texts.embed(network)?;
        if let Some(row) =
            vectors.rows().into_iter().position(|row| row.iter().any(|x| !x.is_finite()))
        {
            return Err(Error::Data(format!(
                "{}: the embedding of {:?} is not finite",
                self.evaluation.name,
                data.texts()[row]
            )));
        }
        let values = match data.kind() {
            Kind::Pairs => retrieval(data, vectors.view())?,
            Kind::Triplets => triplets(data, vectors.view())?,
            Kind::ScoredPairs => correlation(data, vectors.view())?,
            Kind::LabelledPairs => classification(data, vectors.view())?,
            Kind::LabelledTexts => {
                let reference = known.data.rows().iter().all(|row| row.label.is_some());
                let other =
                    if reference { Some((known.data, known.texts.embed(network)?)) } else { None };
                neighbours::accuracies(
                    data,
                    vectors.view(),
                    other.as_ref().map(|(data, vectors)| (*data, vectors.view())),
                )?
            }
        };
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Scores { name: self.evaluation.name.clone(), values })
    }
}

type Values = Vec<(&'static str, f64)>;

/// The vectors of one column of the rows.
fn column(data: &Dataset, vectors: ArrayView2<f32>, column: usize) -> Array2<f32> {
    let rows: Vec<usize> = data.rows().iter().map(|row| row.texts[column] as usize).collect();
    vectors.select(Axis(0), &rows)
}

fn cosines(data: &Dataset, vectors: ArrayView2<f32>) -> Result<Vec<f64>, Error> {
    let [a, b] = [0, 1].map(|i| column(data, vectors, i));
    Ok(Similarity::Cosine.pairs(a.view(), b.view())?)
}

/// Each different anchor searches the different positives; equal texts and labels are found too.
fn retrieval(data: &Dataset, vectors: ArrayView2<f32>) -> Result<Values, Error> {
    let (mut queries, mut documents): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut relevant: Vec<HashSet<usize>> = Vec::new();
    let (mut query_places, mut document_places) =
        (std::collections::HashMap::new(), std::collections::HashMap::new());
    for row in data.rows() {
        let query = *query_places.entry(row.texts[0]).or_insert_with(|| {
            queries.push(row.texts[0]);
            relevant.push(HashSet::new());
            queries.len() - 1
        });
        let document = *document_places.entry(row.texts[1]).or_insert_with(|| {
            documents.push(row.texts[1]);
            documents.len() - 1
        });
        relevant[query].insert(document);
    }
    let select = |texts: &[u32]| {
        vectors.select(Axis(0), &texts.iter().map(|&text| text as usize).collect::<Vec<_>>())
    };
    let cutoffs = Cutoffs::default();
    let found = information_retrieval(
        select(&queries).view(),
        select(&documents).view(),
        &relevant,
        Metric::Cosine,
        &cutoffs,
    )?;
    Ok(vec![
        ("cosine_ndcg@10", found.ndcg[&10]),
        ("cosine_accuracy@1", found.accuracy[&1]),
        ("cosine_mrr@10", found.mrr[&10]),
    ])
}

fn triplets(data: &Dataset, vectors: ArrayView2<f32>) -> Result<Values, Error> {
    let [a, p, n] = [0, 1, 2].map(|i| column(data, vectors, i));
    let accuracy = triplet_accuracy(a.view(), p.view(), n.view(), Similarity::Cosine, 0.0)?;
    Ok(vec![("cosine_accuracy", accuracy)])
}

fn correlation(data: &Dataset, vectors: ArrayView2<f32>) -> Result<Values, Error> {
    let scores: Vec<f64> = data.rows().iter().map(|row| row.score).collect();
    let found = correlate(&cosines(data, vectors)?, &scores)?;
    Ok(vec![("spearman_cosine", found.spearman), ("pearson_cosine", found.pearson)])
}

fn classification(data: &Dataset, vectors: ArrayView2<f32>) -> Result<Values, Error> {
    let labels: Vec<bool> = data.rows().iter().map(|row| row.score == 1.0).collect();
    let found = classify(&cosines(data, vectors)?, &labels)?;
    Ok(vec![
        ("cosine_ap", found.average_precision),
        ("cosine_accuracy", found.accuracy),
        ("cosine_f1", found.f1),
    ])
}
