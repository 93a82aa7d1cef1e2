//! An engine as a process, from inside. `workers.py` is the same for the engines of Python.
//!
//! ```text
//! line in          line out
//! -                {"ready": "version"}   once, when the model is in memory
//! time SET CALLS   {"seconds": [0.1, …]}  of each call
//! limit SET CALLS  the same               of the limit of a search; minilm only
//! write SET PATH   {"written": values}    vectors or hits as f32, little-endian, end to end
//!                  {"error": "why"}       instead of any of these
//! ```
//!
//! SET is a set's number in the file of sets.

use crate::{
    args::Worker,
    engines::{self, Engine, Failure},
    sets::Set,
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    hint::black_box,
    io::{self, BufRead, Write},
    process::ExitCode,
    time::Instant,
};

/// A line out.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Ready(String),
    Seconds(Vec<f64>),
    Written(usize),
    Error(String),
}

/// Answers until standard input ends.
pub fn serve(worker: &Worker) -> ExitCode {
    match answers(worker) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If the pipe is closed, the error cannot be reported.
            let _ = say(&Answer::Error(error.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn answers(worker: &Worker) -> Result<(), Failure> {
    crate::cpus::end_with_parent()?;
    let sets: Vec<Set> = serde_json::from_slice(&fs::read(&worker.sets)?)?;
    let (mut engine, version) = engines::open(worker, &sets)?;
    say(&Answer::Ready(version))?;
    for line in io::stdin().lock().lines() {
        say(&answer(engine.as_mut(), &sets, &line?)?)?;
    }
    Ok(())
}

fn say(answer: &Answer) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{}", serde_json::to_string(answer)?)?)
}

fn answer(engine: &mut dyn Engine, sets: &[Set], line: &str) -> Result<Answer, Failure> {
    let mut words = line.splitn(3, ' ');
    let mut word = || words.next().ok_or("the line is too short");
    let (command, set, argument) = (word()?, word()?.parse::<usize>()?, word()?);
    let set = sets.get(set).ok_or("no such set")?;
    match command {
        "time" => Ok(Answer::Seconds(time(argument.parse()?, || engine.run(set))?)),
        "limit" => Ok(Answer::Seconds(time(argument.parse()?, || engine.limit(set))?)),
        "write" => {
            let vectors = engine.answer(set)?;
            fs::write(argument, vectors.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
            Ok(Answer::Written(vectors.len()))
        }
        other => Err(format!("no command is called {other:?}").into()),
    }
}

fn time<T>(
    calls: usize,
    mut work: impl FnMut() -> Result<T, Failure>,
) -> Result<Vec<f64>, Failure> {
    let mut seconds = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        black_box(work()?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(seconds)
}
