//! Evaluations of records with several texts, or a text and a label. Texts are embedded as they are
//! read; only scores and labels are kept, and the vectors that are clustered are in a temporary
//! file.

use super::{Clusters, Pairs, Sts, Table, Triplets, percent, report};
use crate::{
    corpus::{Corpus, Opening, Scratch, values},
    error::Error,
    interrupt::Interrupt,
    model,
    options::Common,
    records::Records,
    show::count,
};
use minilm::tasks::{
    self, Similarity,
    cluster::KMeans,
    evaluate::{Classification, classify, correlate, v_measure},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Embeds the `TEXTS` texts that `look` leaves of each record, and calls `take` with their vectors.
/// Returns the number of records, and the interrupt, for callers that have files to remove.
fn embed<const TEXTS: usize>(
    common: &Common,
    table: &Table,
    records: Records,
    look: impl FnMut(&mut Vec<String>) -> Result<(), String>,
    mut take: impl FnMut(&[Vec<f32>]) -> Result<(), Error>,
) -> Result<(usize, Interrupt), Error> {
    let interrupt = Interrupt::watch().map_err(|source| Error::Signals { source })?;
    let corpus = Corpus::with(records, &interrupt, look);
    let encoder = model::load(common, &table.encoding)?;
    let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(TEXTS);
    let texts = corpus.embed(&encoder, common.quiet, |sentence| {
        vectors.push(values(&sentence).to_vec());
        if vectors.len() == TEXTS {
            take(&vectors)?;
            vectors.clear();
        }
        Ok(())
    })?;
    if interrupt.asked() {
        return Err(Error::Interrupted(format!(
            "stopped after {}",
            count(texts / TEXTS, "record")
        )));
    }
    Ok((texts / TEXTS, interrupt))
}

/// The scores of pairs by each similarity.
#[derive(Default)]
struct Scores([Vec<f64>; 4]);

impl Scores {
    fn add(&mut self, a: &[f32], b: &[f32]) {
        self.0
            .iter_mut()
            .zip(Similarity::ALL.iter().copied())
            .for_each(|(scores, similarity)| scores.push(similarity.of(a, b)));
    }

    fn each(&self) -> impl Iterator<Item = (Similarity, &[f64])> {
        Similarity::ALL.iter().copied().zip(self.0.iter().map(Vec::as_slice))
    }
}

fn failed(table: &Table) -> impl Fn(tasks::Error) -> Error {
    let name = table.file.display().to_string();
    move |source| Error::Task { name: name.clone(), source }
}

pub(super) fn sts(common: &Common, task: &Sts) -> Result<(), Error> {
    let table = &task.table;
    let (mut scores, mut labels) = (Scores::default(), Vec::new());
    let look = |fields: &mut Vec<String>| number(&label(fields)).map(|score| labels.push(score));
    let (pairs, interrupt) = embed::<2>(
        common,
        table,
        table.open(["sentence1", "sentence2", "score"])?,
        look,
        |pair| {
            scores.add(&pair[0], &pair[1]);
            Ok(())
        },
    )?;
    interrupt.stop_at_once();
    let (mut json, mut rows) =
        (Map::new(), vec![(String::new(), vec!["Pearson".to_owned(), "Spearman".to_owned()])]);
    for (similarity, scores) in scores.each() {
        let found = correlate(scores, &labels).map_err(failed(table))?;
        if found.spearman.is_nan() {
            let equal = labels.iter().all(|&label| label == labels[0]);
            let (what, value) =
                if equal { ("score", labels[0]) } else { (similarity.name(), scores[0] + 0.0) };
            let name = table.file.display();
            return Err(Error::Input(format!(
                "{name}: nothing correlates with a {what} that is {value} for every pair"
            )));
        }
        json.insert(
            similarity.name().to_owned(),
            json!({ "pearson": found.pearson, "spearman": found.spearman }),
        );
        rows.push((
            similarity.name().to_owned(),
            vec![percent(found.pearson), percent(found.spearman)],
        ));
    }
    json.insert("pairs".to_owned(), pairs.into());
    report(table.json, &json, &count(pairs, "pair"), &rows)
}

pub(super) fn pairs(common: &Common, task: &Pairs) -> Result<(), Error> {
    let table = &task.table;
    let (mut scores, mut labels) = (Scores::default(), Vec::new());
    let look = |fields: &mut Vec<String>| truth(&label(fields)).map(|alike| labels.push(alike));
    let (pairs, interrupt) = embed::<2>(
        common,
        table,
        table.open(["sentence1", "sentence2", "label"])?,
        look,
        |pair| {
            scores.add(&pair[0], &pair[1]);
            Ok(())
        },
    )?;
    interrupt.stop_at_once();
    let head =
        ["accuracy", "at", "F1", "at", "precision", "recall", "AP", "MCC"].map(str::to_owned);
    let (mut json, mut rows) = (Map::new(), vec![(String::new(), head.to_vec())]);
    for (similarity, scores) in scores.each() {
        let found = classify(scores, &labels).map_err(failed(table))?;
        let sign = if similarity.is_distance() { -1.0 } else { 1.0 };
        json.insert(similarity.name().to_owned(), classification(&found, sign));
        let at = |threshold: f64| format!("{:.4}", sign * threshold + 0.0);
        let values = [
            percent(found.accuracy),
            at(found.accuracy_threshold),
            percent(found.f1),
            at(found.f1_threshold),
            percent(found.precision),
            percent(found.recall),
            percent(found.average_precision),
            percent(found.matthews),
        ];
        rows.push((similarity.name().to_owned(), values.to_vec()));
    }
    json.insert("pairs".to_owned(), pairs.into());
    let alike = labels.iter().filter(|&&alike| alike).count();
    report(table.json, &json, &format!("{}, {alike} of them alike", count(pairs, "pair")), &rows)
}

fn classification(found: &Classification, sign: f64) -> Value {
    json!({
        "accuracy": found.accuracy,
        "accuracy_threshold": sign * found.accuracy_threshold + 0.0,
        "f1": found.f1,
        "f1_threshold": sign * found.f1_threshold + 0.0,
        "precision": found.precision,
        "recall": found.recall,
        "ap": found.average_precision,
        "mcc": found.matthews,
    })
}

pub(super) fn triplets(common: &Common, task: &Triplets) -> Result<(), Error> {
    let table = &task.table;
    let mut right = [0_usize; 4];
    let records = table.open(["anchor", "positive", "negative"])?;
    let (triplets, interrupt) = embed::<3>(
        common,
        table,
        records,
        |_| Ok(()),
        |texts| {
            for (right, similarity) in right.iter_mut().zip(Similarity::ALL.iter().copied()) {
                *right += usize::from(
                    similarity.of(&texts[0], &texts[1]) > similarity.of(&texts[0], &texts[2]),
                );
            }
            Ok(())
        },
    )?;
    interrupt.stop_at_once();
    let (mut json, mut rows) = (Map::new(), vec![(String::new(), vec!["accuracy".to_owned()])]);
    for (similarity, right) in Similarity::ALL.iter().copied().zip(right) {
        let accuracy = right as f64 / triplets as f64;
        json.insert(similarity.name().to_owned(), json!({ "accuracy": accuracy }));
        rows.push((similarity.name().to_owned(), vec![percent(accuracy)]));
    }
    json.insert("triplets".to_owned(), triplets.into());
    report(table.json, &json, &count(triplets, "triplet"), &rows)
}

#[derive(Serialize)]
struct Clustering {
    texts: usize,
    labels: usize,
    clusters: usize,
    homogeneity: f64,
    completeness: f64,
    v_measure: f64,
}

pub(super) fn clusters(common: &Common, task: &Clusters) -> Result<(), Error> {
    let table = &task.table;
    let mut scratch: Option<Scratch> = None;
    let mut labels: Vec<String> = Vec::new();
    let look = |fields: &mut Vec<String>| {
        labels.push(label(fields));
        Ok(())
    };
    let (texts, interrupt) =
        embed::<1>(common, table, table.open(["text", "label"])?, look, |vectors| {
            if scratch.is_none() {
                scratch = Some(Scratch::create(vectors[0].len(), &[])?);
            }
            scratch.as_mut().map_or(Ok(()), |scratch| scratch.push(&vectors[0], "", &[]))
        })?;
    let scratch = scratch.expect("where there are no texts there was an error");
    let (index, _file) = scratch.finish(Opening::default())?;
    interrupt.stop_at_once();
    let classes = labels.iter().collect::<BTreeSet<_>>().len();
    let clusters = task.kmeans.map_or(classes, std::num::NonZeroUsize::get);
    let found = KMeans::new(clusters)
        .seed(task.seed)
        .run(index.vectors()?.view())
        .map_err(failed(table))?;
    let measured = v_measure(&labels, &found.labels, 1.0).map_err(failed(table))?;
    let results = Clustering {
        texts,
        labels: classes,
        clusters,
        homogeneity: measured.homogeneity,
        completeness: measured.completeness,
        v_measure: measured.v,
    };
    let rows = [
        ("homogeneity", measured.homogeneity),
        ("completeness", measured.completeness),
        ("V-measure", measured.v),
    ];
    let rows = rows.map(|(name, value)| (name.to_owned(), vec![percent(value)]));
    let title = format!(
        "{}, {}, {}",
        count(texts, "text"),
        count(classes, "label"),
        count(clusters, "cluster")
    );
    report(table.json, &results, &title, &rows)
}

/// The label, which is the last field.
fn label(fields: &mut Vec<String>) -> String {
    fields.pop().unwrap_or_default()
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("the score {text:?} is no number"))
}

fn truth(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "1.0" => Ok(true),
        "0" | "false" | "0.0" => Ok(false),
        _ => Err(format!("the label {text:?} is neither 0, 1, true nor false")),
    }
}
