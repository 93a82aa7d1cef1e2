//! `minilm map`: a corpus as a picture, in which texts that are alike lie together.

mod meaning;
mod package;
mod page;

use crate::{
    cluster::from_the_middle,
    corpus::{Source, Vectors, failed},
    error::Error,
    fields::Table,
    model,
    notes::message,
    options::{Common, at_least_one, check_cosine},
    output::Page,
    progress::Progress,
    progress::Size,
    show::count,
};
use clap::Args;
use meaning::Meaning;
use minilm::{
    ndarray::Array2,
    tasks::{
        cluster::{Communities, KMeans, members},
        map::Layout,
    },
};
use minilm_readers::vectors::is_index;
use package::Package;
use std::{cmp::Reverse, collections::BTreeMap, num::NonZeroUsize, path::PathBuf};

/// The most clusters by default: so many colours can be told apart.
const CLUSTERS: usize = 16;

/// The most values of a column that have a colour.
const VALUES: usize = 24;

/// Draw a map of texts, as a page for the browser
///
/// Texts that are alike lie together (principal components, then t-SNE). Clusters have a colour, a
/// number and the name of their middle text. Distances between far groups mean little.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Map {
    /// Write the page to FILE, which appears when it is complete
    #[arg(long, value_name = "FILE", required_unless_present = "csv")]
    pub html: Option<PathBuf>,

    /// Write a table to FILE: row, x, y, cluster, the columns of --id and --keep, and text. Rows
    /// are records of the file, from 0; texts in no cluster have none
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Colour by the values of this column or field, instead of by clusters
    #[arg(long, value_name = "NAME", conflicts_with_all = ["kmeans", "min_score"])]
    pub color: Option<String>,

    /// Colour K clusters (k-means) [default: by the number of texts, at most 16]
    #[arg(long, value_name = "K", conflicts_with = "min_score", value_parser = at_least_one)]
    pub kmeans: Option<NonZeroUsize>,

    /// Colour communities instead: texts with at least this cosine with their centre, a text. Most
    /// texts may be in no community
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    pub min_score: Option<f32>,

    /// The smallest community
    #[arg(long, value_name = "N", default_value = "10", requires = "min_score")]
    #[arg(value_parser = at_least_one)]
    pub min_size: NonZeroUsize,

    /// The approximate number of neighbours of a text that count; more of them show larger groups
    #[arg(long, value_name = "N", default_value_t = 30.0, allow_negative_numbers = true)]
    pub perplexity: f64,

    /// The seed: the same number gives the same map
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Let the page search by meaning, without a network: it then contains the npm package `minilm`
    /// of this directory, and the model with weights of eight bits, 36 MB
    #[arg(long, value_name = "DIR", requires = "html")]
    pub search: Option<PathBuf>,

    #[command(flatten)]
    pub source: Source,
}

const EXAMPLES: &str = "\
Examples:
  minilm map tickets.txt --html map.html
  minilm map tickets.csv --column subject --kmeans 10 --html map.html
  minilm map tickets.csv --column subject --color team --keep number --html map.html
  minilm map notes.txt --csv places.csv
  minilm map notes.index --min-score 0.7 --html map.html
  minilm map notes.index --search node_modules/minilm --html map.html";

/// Some texts that belong together.
struct Group {
    /// The value of the column that colours them, or else the name is that of the first text.
    name: Option<String>,
    /// The text in their middle, or the centre of a community, first; those of no cluster in the
    /// order of the file.
    rows: Vec<usize>,
    /// Or they are what is left.
    is_cluster: bool,
}

impl Group {
    fn cluster(rows: Vec<usize>) -> Group {
        Group { name: None, rows, is_cluster: true }
    }
}

pub(crate) fn run(common: &Common, command: &Map) -> Result<(), Error> {
    command.min_score.map_or(Ok(()), |least| check_cosine("min-score", least))?;
    let html = command.html.as_deref().map(Page::open).transpose()?;
    let csv = command.csv.as_deref().map(Page::open).transpose()?;
    let package = command.search.as_deref().map(Package::read).transpose()?;
    model::share_threads(common);
    let vectors = vectors(common, command)?;
    let groups = match &command.color {
        Some(column) => values(&vectors, column)?,
        None => groups(command, &vectors)?,
    };
    let with = |package| Meaning::of(common, package, &vectors, &groups);
    let meaning = package.map(with).transpose()?;
    let points = points(common, command, &vectors)?;
    if let Some(csv) = csv {
        csv.write(&table(&vectors, &groups, &points)?)?;
    }
    if let Some(html) = html {
        html.write(&page::page(&vectors, &groups, &points, meaning.as_ref())?)?;
    }
    if !common.quiet {
        let clusters = groups.iter().filter(|group| group.is_cluster).count();
        message(&format!(
            "{} in {}",
            count(vectors.index.len(), "text"),
            count(clusters, "cluster")
        ));
    }
    Ok(())
}

/// The vectors, with the column that colours them.
fn vectors(common: &Common, command: &Map) -> Result<Vectors, Error> {
    let mut source = command.source.clone();
    if let Some(color) = &command.color
        && !is_index(&source.file)
    {
        source.keep.keep.push(color.clone());
    }
    Vectors::open(common, &source, false)
}

/// The texts by the values of a column, the most frequent first; the rest are those of no group.
fn values(vectors: &Vectors, column: &str) -> Result<Vec<Group>, Error> {
    let fields = vectors.index.fields();
    let place = fields.iter().position(|name| name == column).ok_or_else(|| {
        let (name, fields) = (&vectors.name, fields.join(", "));
        Error::Usage(format!("--color: {name} has no field {column:?}; it has {fields}"))
    })?;
    let mut rows: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for row in 0..vectors.index.len() {
        let value = vectors.index.values(row)?.swap_remove(place);
        rows.entry(value).or_default().push(row);
    }
    let mut left = rows.remove("").unwrap_or_default();
    let mut all: Vec<_> = rows.into_iter().collect();
    all.sort_by_key(|(_, rows)| Reverse(rows.len())); // stable
    left.extend(all.drain(all.len().min(VALUES)..).flat_map(|(_, rows)| rows));
    left.sort_unstable();
    let group = |(name, rows)| Group { name: Some(name), rows, is_cluster: true };
    let mut groups: Vec<Group> = all.into_iter().map(group).collect();
    if !left.is_empty() {
        groups.push(Group { name: None, rows: left, is_cluster: false });
    }
    Ok(groups)
}

/// The places as a table, in the order of the file.
fn table(vectors: &Vectors, groups: &[Group], points: &Array2<f32>) -> Result<String, Error> {
    let mut of = vec![String::new(); vectors.index.len()];
    for (number, group) in groups.iter().enumerate().filter(|(_, group)| group.is_cluster) {
        let name = group.name.clone().unwrap_or(number.to_string());
        group.rows.iter().for_each(|&row| of[row].clone_from(&name));
    }
    let mut table = Table::new();
    let names = vectors.index.fields().iter().map(String::as_str);
    table.row(["row", "x", "y", "cluster"].into_iter().chain(names).chain(["text"]));
    for (row, cluster) in of.into_iter().enumerate() {
        let [x, y] = [points[[row, 0]], points[[row, 1]]].map(|place| place.to_string());
        let cells = [vectors.record(row).to_string(), x, y, cluster];
        let text = vectors.text(row)?.to_owned();
        table.row(cells.into_iter().chain(vectors.index.values(row)?).chain([text]));
    }
    Ok(table.text())
}

fn points(common: &Common, command: &Map, vectors: &Vectors) -> Result<Array2<f32>, Error> {
    let layout = Layout::new().perplexity(command.perplexity).seed(command.seed);
    let mut progress = Progress::new(!common.quiet, Size::Steps);
    let embeddings = vectors.index.vectors()?;
    let points = layout.run(embeddings.view(), |done, of| progress.step(done, of));
    progress.finish();
    points.map_err(failed(&vectors.name))
}

/// The clusters, largest first, and the texts that are in none.
fn groups(command: &Map, vectors: &Vectors) -> Result<Vec<Group>, Error> {
    let n = vectors.index.len();
    let embeddings = vectors.index.vectors()?;
    let found = match command.min_score {
        Some(cosine) => Communities::new()
            .threshold(cosine)
            .min_size(command.min_size.get())
            .run(embeddings.view()),
        None => {
            let most = command.kmeans.map_or_else(
                || ((n as f64 / 2.0).sqrt() as usize).clamp(1, CLUSTERS),
                NonZeroUsize::get,
            );
            KMeans::new(most)
                .seed(command.seed)
                .run(embeddings.view())
                .map(|found| members(&found.labels))
        }
    };
    let mut clusters = found.map_err(failed(&vectors.name))?;
    clusters.retain(|rows| !rows.is_empty());
    clusters.sort_by_key(|rows| Reverse(rows.len())); // stable
    let mut free = vec![true; n];
    clusters.iter().flatten().for_each(|&row| free[row] = false);
    let left: Vec<usize> = (0..n).filter(|&row| free[row]).collect();
    let ordered = |rows: Vec<usize>| match command.min_score {
        Some(_) => rows, // the centre of a community is its first row already
        None => from_the_middle(embeddings.view(), &rows).into_iter().map(|(row, _)| row).collect(),
    };
    let mut groups: Vec<Group> =
        clusters.into_iter().map(|rows| Group::cluster(ordered(rows))).collect();
    if !left.is_empty() {
        groups.push(Group { name: None, rows: left, is_cluster: false });
    }
    Ok(groups)
}
