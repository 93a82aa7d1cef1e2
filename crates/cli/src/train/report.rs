//! `--report`: what the training has changed, as a page.

use super::chart::{Point, curves, histogram};
use crate::{
    error::Error,
    html::{self, escape, fill},
    model,
    options::Common,
    show::count,
};
use minilm::ndarray::Array2;
use minilm_train::{Kind, Outcome, Record, Row, Setup, Step};
use std::{fmt::Write, path::Path};

const TEMPLATE: &str = include_str!("page.html");

/// Rows of a table.
const ROWS: usize = 20;

/// Rows of the data that are looked at.
const SAMPLE: usize = 2000;

/// Two texts and their cosines before and after.
struct Compared {
    texts: [u32; 2],
    before: f64,
    after: f64,
}

pub(super) fn page(
    common: &Common,
    setup: &Setup,
    log: &[Record],
    outcome: &Outcome,
) -> Result<String, Error> {
    let (positives, negatives) = compare(common, setup)?;
    let steps: Vec<&Step> = log
        .iter()
        .filter_map(|record| match record {
            Record::Step(step) => Some(step),
            Record::Evaluation { .. } => None,
        })
        .collect();
    let curve = |name: &str, value: fn(&Step) -> f64| {
        let points = steps.iter().map(|step| (step.step as f64, value(step))).collect();
        curves(name, &[(name, "one", points)])
    };
    let is_scored = setup.data.kind() == Kind::ScoredPairs;
    let names = if is_scored {
        ["Pairs with a score above the middle", "Pairs with a score below it"]
    } else {
        ["Texts that belong together", "Texts that do not"]
    };
    let of =
        |pairs: &[Compared], pick: fn(&Compared) -> f64| pairs.iter().map(pick).collect::<Vec<_>>();
    let histogram = |name: &str, pairs: &[Compared]| {
        histogram(name, &of(pairs, |pair| pair.before), &of(pairs, |pair| pair.after))
    };
    let mut changed: Vec<&Compared> = positives.iter().chain(&negatives).collect();
    changed.sort_by(|a, b| (b.after - b.before).abs().total_cmp(&(a.after - a.before).abs()));
    let mut hardest: Vec<&Compared> = negatives.iter().collect();
    hardest.sort_by(|a, b| b.after.total_cmp(&a.after));
    let title = setup.output.display().to_string();
    Ok(fill(
        TEMPLATE,
        &[
            ("title", escape(&title)),
            ("style", html::STYLE.to_owned()),
            ("about", about(setup, &steps, outcome)),
            ("table", table(outcome)),
            ("loss", curve("loss", |step| step.loss)),
            ("gradient", curve("length of the gradient", |step| step.grad_norm)),
            ("rate", curve("learning rate", |step| step.learning_rate)),
            ("evaluations", evaluations(log)),
            ("positive-name", names[0].to_owned()),
            ("negative-name", names[1].to_owned()),
            ("positives", histogram(names[0], &positives)),
            ("negatives", histogram(names[1], &negatives)),
            ("changed", pairs(setup, &changed)),
            ("hardest", pairs(setup, &hardest)),
        ],
    ))
}

fn about(setup: &Setup, steps: &[&Step], outcome: &Outcome) -> String {
    let seconds: f64 = steps.iter().map(|step| step.seconds).sum();
    let tokens: usize = steps.iter().map(|step| step.tokens).sum();
    format!(
        "{} {} and {} in {} of training, {:.0} tokens per second; the loss is {}. The weights are \
         those after step {}, with the SHA-256 <code>{}</code>.",
        setup.data.rows().len(),
        setup.data.kind().name(),
        count(steps.len(), "step"),
        super::watch::clock(seconds),
        tokens as f64 / seconds.max(1e-9),
        setup.loss.name(),
        outcome.step,
        outcome.digest
    )
}

fn table(outcome: &Outcome) -> String {
    if outcome.after.is_empty() {
        return "<p>The model was not evaluated: <code>--eval FILE</code> does that.</p>"
            .to_owned();
    }
    let mut html = String::from(
        "<div class=\"scroll\"><table><thead><tr><th>data</th><th>number</th><th>before</th>\
         <th>after</th></tr></thead><tbody>\n",
    );
    for after in &outcome.after {
        let before = outcome.before.iter().find(|before| before.name == after.name);
        for (i, (name, value)) in after.values.iter().enumerate() {
            let old = before.and_then(|before| before.values.get(i));
            let old = old.map_or_else(|| "–".to_owned(), |(_, old)| format!("{old:.4}"));
            let _ = writeln!(
                html,
                "<tr><td>{}</td><td>{}</td><td class=\"number\">{old}</td>\
                 <td class=\"number\">{value:.4}</td></tr>",
                escape(&after.name),
                escape(name)
            );
        }
    }
    html + "</tbody></table></div>\n"
}

/// A chart for the first number of each evaluation.
fn evaluations(log: &[Record]) -> String {
    let mut all: Vec<(String, Vec<Point>)> = Vec::new();
    for record in log {
        let Record::Evaluation { step, scores } = record else { continue };
        for scores in scores {
            let Some((name, value)) = scores.values.first() else { continue };
            let name = format!("{name}, {}", scores.name);
            let point = (*step as f64, *value);
            match all.iter_mut().find(|(known, _)| *known == name) {
                Some((_, points)) => points.push(point),
                None => all.push((name, vec![point])),
            }
        }
    }
    let chart = |(name, points): &(String, Vec<Point>)| {
        let svg = curves(name, &[(name, "two", points.clone())]);
        format!("<div><h3>{}</h3>{svg}</div>\n", escape(name))
    };
    all.iter().map(chart).collect()
}

fn pairs(setup: &Setup, pairs: &[&Compared]) -> String {
    let mut html = String::from(
        "<div class=\"scroll\"><table><thead><tr><th>before</th><th>after</th><th>text</th>\
         <th>other text</th></tr></thead><tbody>\n",
    );
    for pair in pairs.iter().take(ROWS) {
        let [a, b] = pair.texts.map(|text| escape(&setup.data.texts()[text as usize]));
        let [before, after] =
            [pair.before, pair.after].map(|cosine| html::signed(&format!("{cosine:.3}")));
        let _ = writeln!(
            html,
            "<tr><td class=\"number\">{before}</td><td class=\"number\">{after}</td>\
             <td class=\"text\" dir=\"auto\">{a}</td><td class=\"text\" dir=\"auto\">{b}</td></tr>"
        );
    }
    html + "</tbody></table></div>\n"
}

/// Pairs that belong together, and pairs that do not, with their cosines before and after.
fn compare(common: &Common, setup: &Setup) -> Result<(Vec<Compared>, Vec<Compared>), Error> {
    let [base, trained] = [&setup.base, &setup.output].map(|model| embed(common, setup, model));
    let (base, trained) = (base?, trained?);
    let rows = setup.data.epoch(setup.arguments.seed, 0);
    let rows = &rows[..rows.len().min(SAMPLE)];
    let cosine = |vectors: &Array2<f32>, [a, b]: [u32; 2]| {
        let [a, b] = [a, b].map(|text| vectors.row(text as usize));
        minilm::similarity::cosine(a, b).into()
    };
    let compared = |texts: [u32; 2]| Compared {
        texts,
        before: cosine(&base, texts),
        after: cosine(&trained, texts),
    };
    let (together, apart) = sorted(setup, rows);
    let [together, apart] =
        [together, apart].map(|pairs| pairs.into_iter().map(compared).collect());
    Ok((together, apart))
}

/// The texts of the data with a model.
fn embed(common: &Common, setup: &Setup, model: &Path) -> Result<Array2<f32>, Error> {
    Ok(model::builder(common)?.load(model)?.encode(setup.data.texts())?)
}

/// Pairs by whether they belong together. Where the data have none that do not, rows of other
/// labels and other texts lend theirs.
fn sorted(setup: &Setup, rows: &[Row]) -> (Vec<[u32; 2]>, Vec<[u32; 2]>) {
    let pair = |row: &Row| [row.texts[0], row.texts[1]];
    match setup.data.kind() {
        Kind::ScoredPairs | Kind::LabelledPairs => {
            let scores = || rows.iter().map(|row| row.score);
            let middle =
                (scores().fold(f64::MAX, f64::min) + scores().fold(f64::MIN, f64::max)) / 2.0;
            let (high, low): (Vec<&Row>, Vec<&Row>) =
                rows.iter().partition(|row| row.score > middle);
            (high.into_iter().map(pair).collect(), low.into_iter().map(pair).collect())
        }
        _ => {
            let negatives =
                rows.iter().flat_map(|row| row.texts[2..].iter().map(|&text| [row.texts[0], text]));
            let mut apart: Vec<[u32; 2]> = negatives.collect();
            if apart.is_empty() {
                for (i, row) in rows.iter().enumerate() {
                    let other = &rows[(i + rows.len() / 2) % rows.len()];
                    let is_other = row.label.is_none() || row.label != other.label;
                    if is_other && !row.texts.contains(&other.texts[1]) {
                        apart.push([row.texts[0], other.texts[1]]);
                    }
                }
            }
            (rows.iter().map(pair).collect(), apart)
        }
    }
}
