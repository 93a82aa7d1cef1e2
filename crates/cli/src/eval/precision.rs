//! Precision: what rounding does to the vectors of the user's own texts.

use super::{Precision, report};
use crate::{
    error::Error,
    model,
    options::Common,
    show::{Page, Style, count},
    texts::Texts,
};
use minilm::{
    Precision as Numbers, SentenceEncoder,
    ndarray::Array2,
    similarity::cosine_f64,
    tasks::{
        quantize::overlap,
        search::{Hit, Search},
    },
};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Neighbours of a text that are compared.
const NEAREST: usize = 10;

/// Texts with the least cosines that are shown.
const WORST: usize = 5;

/// Texts that are timed, and how often in turns.
const TIMED: (usize, usize) = (512, 3);

/// One precision beside `f32`.
#[derive(Debug, Serialize)]
struct Beside {
    precision: &'static str,
    /// Of the cosines of each text's two vectors.
    mean: f64,
    /// A hundredth of the texts is below it.
    percent_1: f64,
    least: f64,
    /// The share of the ten nearest texts that are the same.
    nearest: f64,
    /// The time of `f32` over the time of this precision.
    speed: f64,
    /// Of the weights in the linear layers.
    bytes: u64,
    worst: Vec<Worst>,
}

#[derive(Debug, Serialize)]
struct Worst {
    cosine: f64,
    text: String,
}

#[derive(Debug, Serialize)]
struct Results<'a> {
    texts: usize,
    bytes: u64,
    precisions: &'a [Beside],
}

pub(super) fn run(common: &Common, task: &Precision) -> Result<(), Error> {
    let mut source = Texts::open(Vec::new(), Some(&task.file), &task.input)?;
    let texts: Vec<String> = source.by_ref().collect();
    let place = |error, source: &Texts| Error::in_text(error, |index| source.place(index));
    let name = || task.file.display().to_string();
    if texts.len() < 2 && source.error().is_none() {
        return Err(Error::Input(format!(
            "{} has {}, but at least 2 are compared",
            name(),
            count(texts.len(), "text")
        )));
    }
    let chosen = chosen(task)?;
    let load = |common: &Common, precision| model::load_in(common, &task.encoding, None, precision);
    let failed = |source| Error::Task { name: name(), source };

    let original = match &task.against {
        Some(directory) => Common { model: Some(directory.clone()), ..common.clone() },
        None => common.clone(),
    };
    let exact = load(&original, Some(Numbers::F32))?;
    let vectors = exact.encode(&texts).map_err(|error| place(error, &source))?;
    let nearest = neighbours(&exact, &vectors).map_err(failed)?;
    let mut results = Vec::new();
    for precision in chosen {
        let encoder = load(common, precision)?;
        let found = encoder.encode(&texts).map_err(|error| place(error, &source))?;
        let also = neighbours(&encoder, &found).map_err(failed)?;
        let mut cosines: Vec<(f64, usize)> = vectors
            .rows()
            .into_iter()
            .zip(found.rows())
            .map(|(a, b)| cosine_f64(a, b))
            .zip(0..)
            .collect();
        let mean = cosines.iter().map(|(cosine, _)| cosine).sum::<f64>() / texts.len() as f64;
        cosines.sort_by(|a, b| a.0.total_cmp(&b.0));
        let worst = cosines.iter().take(WORST);
        results.push(Beside {
            precision: encoder.precision().name(),
            mean,
            percent_1: cosines[texts.len() / 100].0,
            least: cosines[0].0,
            nearest: overlap(&nearest, &also).map_err(failed)?,
            speed: speed(&exact, &encoder, &texts)?,
            bytes: bytes(&encoder),
            worst: worst.map(|&(cosine, i)| Worst { cosine, text: texts[i].clone() }).collect(),
        });
    }
    source.finish(common.quiet)?;
    print(task.json, &Results { texts: texts.len(), bytes: bytes(&exact), precisions: &results })
}

/// The precisions that are compared; `None` is that of the model's file.
fn chosen(task: &Precision) -> Result<Vec<Option<Numbers>>, Error> {
    Ok(match (model::precision(&task.encoding.numbers)?, &task.against) {
        (Some(Numbers::F32), None) => {
            let remedy = "leave it out, name int16 or int8, or pass --against DIR";
            return Err(Error::Usage(format!("--precision f32 is compared with itself; {remedy}")));
        }
        (None, None) => vec![Some(Numbers::Int16), Some(Numbers::Int8)],
        (one, _) => vec![one],
    })
}

/// For each text the others that are nearest to it.
fn neighbours(
    encoder: &SentenceEncoder,
    vectors: &Array2<f32>,
) -> Result<Vec<Vec<Hit>>, minilm::tasks::Error> {
    let search = Search::new().top_k(NEAREST).level(encoder.level()).filter(&|a, b| a != b);
    search.run(vectors.view(), vectors.view())
}

/// The time of `exact` over that of `encoder`: the least of several runs in turns.
fn speed(
    exact: &SentenceEncoder,
    encoder: &SentenceEncoder,
    texts: &[String],
) -> Result<f64, Error> {
    let (most, turns) = TIMED;
    let texts = &texts[..texts.len().min(most)];
    let mut least = [Duration::MAX; 2];
    for _ in 0..turns {
        for (encoder, least) in [exact, encoder].into_iter().zip(&mut least) {
            let start = Instant::now();
            encoder.encode(texts)?;
            *least = start.elapsed().min(*least);
        }
    }
    Ok(least[0].as_secs_f64() / least[1].as_secs_f64())
}

/// Bytes of the weights in the linear layers.
fn bytes(encoder: &SentenceEncoder) -> u64 {
    encoder.model().config().linear_weights() * encoder.precision().bytes() as u64
}

fn print(json: bool, results: &Results) -> Result<(), Error> {
    let all = results.precisions.iter();
    let row = |name: &str, value: &dyn Fn(&Beside) -> String| {
        (name.to_owned(), all.clone().map(value).collect::<Vec<_>>())
    };
    let rows = [
        row("", &|beside| beside.precision.to_owned()),
        row("cosine to f32: mean", &|beside| format!("{:.6}", beside.mean)),
        row("1 % of the texts below", &|beside| format!("{:.6}", beside.percent_1)),
        row("least", &|beside| format!("{:.6}", beside.least)),
        row("ten nearest the same", &|beside| format!("{:.2} %", 100.0 * beside.nearest)),
        row("times the speed of f32", &|beside| format!("{:.2}", beside.speed)),
        row("MB of weights", &|beside| format!("{:.1}", beside.bytes as f64 / 1e6)),
    ];
    let megabytes = results.bytes as f64 / 1e6;
    let title = format!(
        "{}, compared with f32 ({megabytes:.1} MB of weights)",
        count(results.texts, "text")
    );
    report(json, results, &title, &rows)?;
    if json {
        return Ok(());
    }
    let mut page = Page::new();
    for beside in results.precisions {
        let title = format!("\nfarthest from f32 in {}", beside.precision);
        page.line(&page.style(Style::Bold, &title))?;
        for worst in &beside.worst {
            let begin: String = worst.text.chars().take(60).collect();
            let more = if begin.len() < worst.text.len() { "…" } else { "" };
            page.line(&format!("  {:.6}  {begin:?}{more}", worst.cosine))?;
        }
    }
    page.finish()
}
