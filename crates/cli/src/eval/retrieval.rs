//! Retrieval: a corpus that is searched while it is embedded, for all queries at once.

use super::{Retrieval, percent, report};
use crate::{
    corpus::{Corpus, values},
    error::Error,
    interrupt::Interrupt,
    model,
    options::Common,
    records::{
        Kind,
        Name::{Needed, Optional},
        Reading, Record, Records,
    },
    show::count,
};
use minilm::{
    EncodeOptions, Prompt, SentenceEncoder,
    ndarray::ArrayView2,
    tasks::{
        evaluate::{Cutoffs, rank_metrics},
        search::{Search, Stream},
    },
};
use serde_json::{Map, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet, hash_map::Entry},
    path::{Path, PathBuf},
};

/// Documents that are searched together.
const TOGETHER: usize = 4096;

/// By query, the names of the documents that are relevant for it.
type Relevant = BTreeMap<String, HashSet<String>>;

/// The rows of documents by their names.
type Documents = HashMap<String, usize>;

pub(super) fn run(common: &Common, task: &Retrieval) -> Result<(), Error> {
    let file = |name: &str| task.folder.join(name);
    let relevant = judgements(&file(&format!("qrels/{}.tsv", task.split)))?;
    let (names, queries) = queries(&file("queries.jsonl"), &relevant)?;
    let fields = [Needed("_id"), Optional("title"), Needed("text")];
    let corpus = Reading::default().open(&file("corpus.jsonl"), Kind::Jsonl, &fields)?;
    let encoder = model::load_for(common, &task.encoding, Some(Prompt::Query))?;
    let queries = encoder
        .encode(&queries)
        .map_err(|error| Error::in_text(error, |i| format!("query {}", names[i])))?;
    let cutoffs = Cutoffs::default();
    let stream =
        Search::new().top_k(cutoffs.largest()).level(encoder.level()).start(queries.view());
    let failed = |source| Error::Task { name: task.folder.display().to_string(), source };
    let encoder = encoder.with_options(&EncodeOptions::new().prompt(Prompt::Document))?;
    let (documents, rankings) = search(common, corpus, &encoder, stream.map_err(failed)?)?;
    let rows = rows(&names, &relevant, &documents);
    let found = rank_metrics(&rankings, &rows, &cutoffs).map_err(failed)?;

    let (mut json, mut table) = (Map::new(), Vec::new());
    let measures = [
        ("accuracy", &found.accuracy),
        ("precision", &found.precision),
        ("recall", &found.recall),
        ("mrr", &found.mrr),
        ("ndcg", &found.ndcg),
        ("map", &found.map),
    ];
    for (name, values) in measures {
        for (k, value) in values {
            json.insert(format!("{name}@{k}"), json!(value));
            table.push((format!("{name}@{k}"), vec![percent(*value)]));
        }
    }
    json.insert("queries".to_owned(), names.len().into());
    json.insert("documents".to_owned(), documents.len().into());
    let (queries, documents) = (names.len(), count(documents.len(), "document"));
    let queries = if queries == 1 { "1 query".to_owned() } else { format!("{queries} queries") };
    report(task.json, &json, &format!("{queries}, {documents}"), &table)
}

/// Reads what is relevant: pairs with a score above 0.
fn judgements(path: &Path) -> Result<Relevant, Error> {
    let mut relevant = Relevant::new();
    let names = ["query-id", "corpus-id", "score"].map(Needed);
    for record in Reading::default().open(path, Kind::Tsv, &names)? {
        let Record { line, fields, .. } = record?;
        let [query, document, score] = &fields[..] else { continue };
        let score: f64 = score.trim().parse().map_err(|_| {
            Error::Input(format!(
                "line {line} of {}: the score {score:?} is no number",
                path.display()
            ))
        })?;
        if score > 0.0 {
            relevant.entry(query.clone()).or_default().insert(document.clone());
        }
    }
    if relevant.is_empty() {
        return Err(Error::Input(format!("{} names no relevant document", path.display())));
    }
    Ok(relevant)
}

/// The names and texts of the queries for which something is relevant.
fn queries(path: &Path, relevant: &Relevant) -> Result<(Vec<String>, Vec<String>), Error> {
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    let mut found = HashSet::new();
    let fields = ["_id", "text"].map(Needed);
    for record in Reading::default().open(path, Kind::Jsonl, &fields)? {
        let Record { line, fields, .. } = record?;
        let mut fields = fields.into_iter();
        if let (Some(name), Some(text)) = (fields.next(), fields.next())
            && relevant.contains_key(&name)
        {
            if !found.insert(name.clone()) {
                return Err(Error::Input(format!(
                    "line {line} of {}: {}",
                    path.display(),
                    twice(&name)
                )));
            }
            names.push(name);
            texts.push(text);
        }
    }
    match names.len() {
        n if n == relevant.len() => Ok((names, texts)),
        n => Err(Error::Input(format!(
            "{} has {n} of the {} queries that are judged",
            path.display(),
            relevant.len()
        ))),
    }
}

fn twice(name: &str) -> String {
    format!("a line before has the _id {name:?} too")
}

/// The rows of the documents by their names, and the best for each query.
fn search(
    common: &Common,
    records: Records,
    encoder: &SentenceEncoder,
    mut stream: Stream,
) -> Result<(Documents, Vec<Vec<usize>>), Error> {
    let interrupt = Interrupt::watch().map_err(|source| Error::Signals { source })?;
    let name = PathBuf::from(records.name());
    let documents = RefCell::new(HashMap::new());
    let corpus = Corpus::with(records, &interrupt, |fields| {
        let mut documents = documents.borrow_mut();
        let row = documents.len();
        match documents.entry(fields.remove(0)) {
            Entry::Occupied(found) => return Err(twice(found.key())),
            Entry::Vacant(place) => place.insert(row),
        };
        *fields = vec![fields.join(" ").trim().to_owned()]; // title and text
        Ok(())
    });
    let (mut block, columns) = (Vec::new(), encoder.dimension());
    let mut feed = |block: &mut Vec<f32>| {
        let rows = ArrayView2::from_shape((block.len() / columns, columns), &block[..])
            .expect("whole rows");
        let fed = stream
            .feed(rows)
            .map_err(|source| Error::Task { name: name.display().to_string(), source });
        block.clear();
        fed
    };
    let texts = corpus.embed(encoder, common.quiet, |sentence| {
        block.extend_from_slice(values(&sentence));
        if block.len() >= TOGETHER * columns { feed(&mut block) } else { Ok(()) }
    })?;
    feed(&mut block)?;
    if interrupt.asked() {
        return Err(Error::Interrupted(format!("stopped after {}", count(texts, "document"))));
    }
    let rankings =
        stream.finish().iter().map(|hits| hits.iter().map(|hit| hit.corpus_id).collect()).collect();
    Ok((documents.into_inner(), rankings))
}

/// The rows of the relevant documents of each query. Those that are not in the corpus get numbers
/// behind its rows.
fn rows(names: &[String], relevant: &Relevant, documents: &Documents) -> Vec<HashSet<usize>> {
    let row =
        |(i, name): (usize, &String)| documents.get(name).copied().unwrap_or(documents.len() + i);
    names.iter().map(|name| relevant[name].iter().enumerate().map(row).collect()).collect()
}
