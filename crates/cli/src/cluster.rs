//! `minilm cluster`: the groups of similar texts in a corpus.

use crate::{
    corpus::{Source, Vectors},
    error::Error,
    fields::Fields,
    model,
    notes::message,
    options::{Common, at_least_one, check_cosine},
    show::{Page, Style, count},
    terminal::printable,
};
use clap::Args;
use minilm::{
    ndarray::ArrayView2,
    pooling::normalize,
    tasks::{
        Similarity,
        cluster::{Agglomerative, Communities, Distance, KMeans, Linkage, members},
    },
};
use serde::Serialize;
use std::num::NonZeroUsize;

/// Find groups of texts that are alike
///
/// Without --kmeans or --threshold it finds communities: a text, the centre, and all texts that are
/// near to it. Most texts may be in no community. The first text of a cluster is its centre or,
/// with --kmeans or --threshold, the text nearest to the mean of all.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Cluster {
    /// Put every text into one of K clusters (k-means)
    #[arg(long, value_name = "K", conflicts_with = "threshold", value_parser = at_least_one)]
    pub kmeans: Option<NonZeroUsize>,

    /// Put every text into a cluster, and join clusters while the mean cosine between their texts
    /// is above COSINE (agglomerative). Memory grows with the pairs of texts: 200 MB for 10 000
    /// texts
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    pub threshold: Option<f32>,

    /// The least cosine between the centre of a community, its first text, and its other texts
    #[arg(
        long,
        value_name = "COSINE",
        default_value_t = 0.75,
        conflicts_with_all = ["kmeans", "threshold"]
    )]
    pub min_score: f32,

    /// The smallest cluster to show [default: 10 for communities, else 1]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub min_size: Option<NonZeroUsize>,

    /// The seed of k-means: the same number gives the same clusters
    #[arg(long, value_name = "N", default_value_t = 0, requires = "kmeans")]
    pub seed: u64,

    /// The number of texts to show of each cluster
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub examples: usize,

    /// Print a JSON object for each cluster: {"cluster", "size", "rows", "scores", "texts"}, all of
    /// its texts and their cosines with the first; with --id or --keep also "fields". Rows are
    /// records of the file, from 0
    #[arg(long)]
    pub json: bool,

    /// Print a table with a line for each text of a cluster: cluster, row, score, the columns of
    /// --id and --keep, and text
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,

    #[command(flatten)]
    pub source: Source,
}

const EXAMPLES: &str = "\
Examples:
  minilm cluster tickets.txt --min-size 3
  minilm cluster tickets.csv --column subject --kmeans 20 --json
  minilm cluster tickets.csv --column subject --id number --threshold 0.5 --csv > clusters.csv
  minilm cluster notes.index --threshold 0.5";

/// A cluster, as JSON.
#[derive(Serialize)]
struct Row<'a> {
    cluster: usize,
    size: usize,
    rows: Vec<usize>,
    /// The cosine of each with the first.
    scores: Vec<f32>,
    texts: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<Fields>>,
}

impl<'a> Row<'a> {
    /// Some rows of a cluster and their scores.
    fn new(vectors: &'a Vectors, cluster: usize, order: &[(usize, f32)]) -> Result<Row<'a>, Error> {
        let each = || order.iter().map(|&(row, _)| row);
        let has_fields = !vectors.index.fields().is_empty();
        let fields = each().map(|row| vectors.fields(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(Row {
            cluster,
            size: order.len(),
            rows: each().map(|row| vectors.record(row)).collect(),
            scores: order.iter().map(|&(_, score)| score).collect(),
            texts: each().map(|row| vectors.text(row)).collect::<Result<_, _>>()?,
            fields: has_fields.then_some(fields),
        })
    }
}

pub(crate) fn run(common: &Common, command: &Cluster) -> Result<(), Error> {
    check_cosine("min-score", command.min_score)?;
    command.threshold.map_or(Ok(()), |least| check_cosine("threshold", least))?;
    model::share_threads(common);
    let vectors = Vectors::open(common, &command.source, false)?;
    let least = command.min_size.map_or(1, NonZeroUsize::get);
    let mut clusters = vectors.compare(common, |rows| find(command, rows))?;
    clusters.retain(|rows| rows.len() >= least);
    clusters.sort_by_key(|rows| std::cmp::Reverse(rows.len())); // stable
    let mut page = Page::new();
    if command.csv {
        let names = vectors.index.fields().iter().map(String::as_str);
        page.csv(["cluster", "row", "score"].into_iter().chain(names).chain(["text"]))?;
    }
    for (cluster, rows) in clusters.iter().enumerate() {
        show(&mut page, command, &vectors, cluster, rows)?;
    }
    page.finish()?;
    if !common.quiet {
        let inside: usize = clusters.iter().map(Vec::len).sum();
        let (clusters, texts) =
            (count(clusters.len(), "cluster"), count(vectors.index.len(), "text"));
        let is_small = inside == 0 && command.is_community() && vectors.index.len() < 1000;
        let hint = match command.min_size {
            None if is_small => "; --min-size shows clusters of fewer than 10 texts",
            _ => "",
        };
        message(&format!("{clusters} with {inside} of {texts}{hint}"));
    }
    Ok(())
}

impl Cluster {
    fn is_community(&self) -> bool {
        self.kmeans.is_none() && self.threshold.is_none()
    }
}

/// The rows of each cluster.
fn find(
    command: &Cluster,
    embeddings: ArrayView2<f32>,
) -> Result<Vec<Vec<usize>>, minilm::tasks::Error> {
    match (command.kmeans, command.threshold) {
        (Some(clusters), _) => {
            let found = KMeans::new(clusters.get()).seed(command.seed).run(embeddings);
            found.map(|found| members(&found.labels))
        }
        (_, Some(cosine)) => {
            let agglomerative = Agglomerative::new(1.0 - f64::from(cosine))
                .linkage(Linkage::Average)
                .distance(Distance::Cosine);
            agglomerative.run(embeddings).map(|labels| members(&labels))
        }
        _ => {
            let communities = Communities::new().threshold(command.min_score);
            command
                .min_size
                .map_or(communities, |least| communities.min_size(least.get()))
                .run(embeddings)
        }
    }
}

/// The first text, and those nearest to it.
fn show(
    page: &mut Page,
    command: &Cluster,
    vectors: &Vectors,
    cluster: usize,
    rows: &[usize],
) -> Result<(), Error> {
    let embeddings = vectors.index.vectors()?;
    let order = match command.is_community() {
        true => from_the_centre(embeddings.view(), rows),
        false => from_the_middle(embeddings.view(), rows),
    };
    if command.json {
        return page.json(&Row::new(vectors, cluster, &order)?);
    }
    if command.csv {
        return order.iter().try_for_each(|&(row, score)| {
            let record = vectors.record(row);
            let numbers = [cluster.to_string(), record.to_string(), score.to_string()];
            let text = vectors.text(row)?.to_owned();
            page.csv(numbers.into_iter().chain(vectors.index.values(row)?).chain([text]))
        });
    }
    if cluster > 0 {
        page.line("")?;
    }
    let [first, others @ ..] = &order[..] else { return Ok(()) };
    let title = page.style(Style::Bold, &printable(vectors.text(first.0)?));
    let label = page.style(Style::Dim, &printable(&vectors.label(first.0)?));
    page.line(&format!(
        "{}  {title}{label}",
        page.style(Style::Dim, &format!("{:>11}", count(rows.len(), "text")))
    ))?;
    let shown = command.examples.saturating_sub(1).min(others.len());
    for &(row, score) in &others[..shown] {
        page.line(&format!(
            "{}  {}{}",
            page.style(Style::Dim, &format!("{score:11.4}")),
            printable(vectors.text(row)?),
            page.style(Style::Dim, &printable(&vectors.label(row)?))
        ))?;
    }
    if shown < others.len() {
        page.line(
            &page.style(Style::Dim, &format!("{:>11}  and {} more", "", others.len() - shown)),
        )?;
    }
    Ok(())
}

/// The rows of a community as they are, and their cosines with the first, its centre.
fn from_the_centre(embeddings: ArrayView2<f32>, rows: &[usize]) -> Vec<(usize, f32)> {
    let Some(&centre) = rows.first() else { return Vec::new() };
    let row = |row: usize| embeddings.row(row).to_vec();
    let centre = row(centre);
    rows.iter().map(|&member| (member, cosine(&centre, &row(member)))).collect()
}

/// The rows and their cosines with the middle one: that which is nearest to the mean of all.
pub(crate) fn from_the_middle(embeddings: ArrayView2<f32>, rows: &[usize]) -> Vec<(usize, f32)> {
    let row = |row: usize| embeddings.row(row).to_vec();
    let mut mean = vec![0.0; embeddings.ncols()];
    for &member in rows {
        let mut vector = row(member);
        normalize(&mut vector);
        mean.iter_mut().zip(&vector).for_each(|(mean, x)| *mean += x);
    }
    let by_cosine = |to: &[f32]| {
        let mut order: Vec<_> =
            rows.iter().map(|&member| (member, cosine(to, &row(member)))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1)); // stable
        order
    };
    let Some((middle, _)) = by_cosine(&mean).first().copied() else { return Vec::new() };
    let mut order = by_cosine(&row(middle));
    if let Some(place) = order.iter().position(|&(row, _)| row == middle) {
        order[..=place].rotate_right(1); // before those that are equal to it
    }
    order
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    Similarity::Cosine.of(a, b) as f32
}
