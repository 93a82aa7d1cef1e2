//! `minilm map`: a corpus as a picture, in which texts that are alike lie together.

mod page;

use crate::{
    cluster::from_the_middle,
    corpus::{Source, Vectors, failed},
    error::Error,
    model,
    notes::message,
    options::{Common, at_least_one},
    output::Page,
    progress::Progress,
    progress::Size,
    show::count,
};
use clap::Args;
use minilm::{
    ndarray::Array2,
    tasks::{
        cluster::{Communities, KMeans, members},
        map::Layout,
    },
};
use std::{num::NonZeroUsize, path::PathBuf};

/// The most clusters by default: so many colours can be told apart.
const CLUSTERS: usize = 16;

/// Draw a map of texts, as a page for the browser
///
/// Texts that are alike lie together (principal components, then t-SNE). Clusters have a colour, a
/// number and the name of their middle text. Distances between far groups mean little.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Map {
    /// Write the page to FILE, which appears when it is complete
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,

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

    #[command(flatten)]
    pub source: Source,
}

const EXAMPLES: &str = "\
Examples:
  minilm map tickets.txt --html map.html
  minilm map tickets.csv --column subject --kmeans 10 --html map.html
  minilm map notes.index --min-score 0.7 --html map.html";

/// Some texts that belong together.
struct Group {
    /// The text in their middle, or the centre of a community, first; those of no cluster in the
    /// order of the file.
    rows: Vec<usize>,
    /// Or they are what is left.
    is_cluster: bool,
}

pub(crate) fn run(common: &Common, command: &Map) -> Result<(), Error> {
    let html = Page::open(&command.html)?;
    model::share_threads(common);
    let vectors = Vectors::open(common, &command.source, false)?;
    let groups = groups(command, &vectors)?;
    let points = points(common, command, &vectors)?;
    html.write(&page::page(&vectors, &groups, &points)?)?;
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
    clusters.sort_by_key(|rows| std::cmp::Reverse(rows.len())); // stable
    let mut free = vec![true; n];
    clusters.iter().flatten().for_each(|&row| free[row] = false);
    let left: Vec<usize> = (0..n).filter(|&row| free[row]).collect();
    let ordered = |rows: Vec<usize>| match command.min_score {
        Some(_) => rows, // the centre of a community is its first row already
        None => from_the_middle(embeddings.view(), &rows).into_iter().map(|(row, _)| row).collect(),
    };
    let mut groups: Vec<Group> =
        clusters.into_iter().map(|rows| Group { rows: ordered(rows), is_cluster: true }).collect();
    if !left.is_empty() {
        groups.push(Group { rows: left, is_cluster: false });
    }
    Ok(groups)
}
