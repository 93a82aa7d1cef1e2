//! Threads that encode: requests that wait become one call.

use crate::{
    Model, State,
    queue::{Answer, Job, Share, Texts, Vectors},
};
use minilm::{EncodeOptions, SentenceEncoder, ndarray::Axis};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

/// Starts the workers of a model.
pub(crate) fn start(
    state: &Arc<State>,
    model: &Arc<Model>,
    workers: usize,
) -> io::Result<Vec<JoinHandle<()>>> {
    let one = model.encoder.with_threads(1).map_err(io::Error::other)?;
    let worker = |i| {
        let (state, model, one) = (Arc::clone(state), Arc::clone(model), one.clone());
        let name = format!("minilm-encode-{i}");
        thread::Builder::new().name(name).spawn(move || work(&state, &model, &one))
    };
    (0..workers).map(worker).collect()
}

/// Answers requests until the queue is closed. A request that is alone gets all threads of the
/// encoder; otherwise each worker computes on its own thread.
fn work(state: &State, model: &Model, one: &SentenceEncoder) {
    while let Some(Share { jobs, alone }) = model.queue.take() {
        let encoder = if alone { &model.encoder } else { one };
        for group in groups(jobs) {
            state.metrics.batch(group.iter().map(|job| job.texts.len()).sum());
            answer(encoder, group);
        }
    }
}

/// Requests that can be encoded in one call: of one kind and with the same options. Those that
/// nothing waits for are left out.
fn groups(jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let mut groups: Vec<Vec<Job>> = Vec::new();
    for job in jobs.into_iter().filter(|job| !job.reply.is_closed()) {
        let alike = |other: &Job| {
            let kind = |job: &Job| matches!(job.texts, Texts::Strings(_));
            other.options == job.options && kind(other) == kind(&job)
        };
        match groups.iter_mut().find(|group| alike(&group[0])) {
            Some(group) => group.push(job),
            None => groups.push(vec![job]),
        }
    }
    groups
}

/// Encodes a group in one call. If it fails, each request is encoded alone, so that one bad text
/// fails its own request only.
fn answer(encoder: &SentenceEncoder, group: Vec<Job>) {
    if group.len() > 1
        && let Ok(Vectors { rows, counts }) = together(encoder, &group)
    {
        let mut first = 0;
        for job in group {
            let range = first..first + job.texts.len();
            first = range.end;
            let rows = rows.slice_axis(Axis(0), range.clone().into()).to_owned();
            let _ = job.reply.send(Ok(Vectors { rows, counts: counts[range].to_vec() }));
        }
        return;
    }
    for job in group {
        // Nothing is sent if the encoder panics, which closes the channel.
        let encode = || encode(encoder, &job.texts, &job.options);
        if let Ok(answer) = catch_unwind(AssertUnwindSafe(encode)) {
            let _ = job.reply.send(answer); // the client may have gone meanwhile
        }
    }
}

/// The texts of all requests of a group in one call.
fn together(encoder: &SentenceEncoder, group: &[Job]) -> Result<Vectors, ()> {
    let (mut strings, mut ids) = (Vec::new(), Vec::new());
    for job in group {
        match &job.texts {
            Texts::Strings(texts) => strings.extend(texts),
            Texts::Ids(texts) => ids.extend(texts),
        }
    }
    let options = &group[0].options;
    let encode = || match strings.is_empty() {
        false => encoder.encode_with(&strings, options),
        true => encoder.encode_ids(&ids, options),
    };
    let encoded = catch_unwind(AssertUnwindSafe(encode)).map_err(|_| ())?.map_err(|_| ())?;
    Ok(Vectors { rows: encoded.embeddings, counts: encoded.counts })
}

fn encode(encoder: &SentenceEncoder, texts: &Texts, options: &EncodeOptions) -> Answer {
    let encoded = match texts {
        Texts::Strings(texts) => encoder.encode_with(texts, options),
        Texts::Ids(texts) => encoder.encode_ids(texts, options),
    }?;
    Ok(Vectors { rows: encoded.embeddings, counts: encoded.counts })
}
