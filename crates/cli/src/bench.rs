//! `minilm bench`: a portrait of this build on this machine.
//!
//! ```text
//! gemm        each of the model's products alone, by rows
//! forward     token ids in, hidden states out, by tokens
//! kernels     the kernels besides GEMM, beside the least time that their operations take
//! start       from the model's files to the first embedding
//! latency     one text, by tokens, with one thread and with all
//! throughput  a batch of mixed texts, with one thread and with all
//! ceilings    multiply-adds on registers, bytes read from caches and memory: in between, so that
//!             one slow moment spoils no ceiling
//! ```
//!
//! A ceiling and the speed that is compared with it are both the best of several runs: a machine
//! that is shared now and then gives less, never more. Latency has percentiles of all calls. On a
//! slow level, measurements that would take too long are left out.

mod clock;
mod forward;
mod gemm;
mod kernels;
mod latency;
mod machine;
mod start;
mod tables;
mod texts;
mod throughput;
mod work;

use crate::{
    error::Error,
    model,
    options::{Common, Numbers},
    progress::{Progress, Size},
};
use clap::{Args, value_parser};
use clock::{Ceilings, Clock};
use machine::Machine;
use minilm::{SentenceEncoder, model::Config};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::Path,
};

/// Measure this build on this machine
///
/// It prints the ceilings of one core, the part of them that GEMM, the other kernels and the whole
/// model reach, the latency of one text, and the throughput of a batch in tokens per second. Leave
/// the machine alone while it runs.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Print one JSON document instead of tables
    #[arg(long)]
    pub json: bool,

    /// The approximate time of the whole measurement; a shorter one is less accurate
    ///
    /// Texts that would take more than a tenth of it, as long ones do on the level portable, are
    /// left out.
    #[arg(long, value_name = "N", default_value_t = 30)]
    #[arg(value_parser = value_parser!(u32).range(1..=3600))]
    pub seconds: u32,

    #[command(flatten)]
    pub numbers: Numbers,
}

/// Tokens of a text that are tried, where the model reads that many.
const TOKENS: [usize; 5] = [8, 16, 32, 128, 256];

/// All measurements; the fields are those of `--json`.
#[derive(Debug, Serialize)]
struct Portrait {
    /// Version of this program.
    minilm: &'static str,
    machine: Machine,
    level: &'static str,
    precision: &'static str,
    /// Threads of the measurements with all threads.
    threads: usize,
    /// The approximate time of the whole run.
    seconds: u32,
    model: Shape,
    ceilings: Ceilings,
    gemm: Vec<gemm::Product>,
    forward: Vec<forward::Forward>,
    kernels: Vec<kernels::Kernel>,
    start: Vec<start::Start>,
    latency: Vec<latency::Latency>,
    throughput: Vec<throughput::Throughput>,
}

/// The model in numbers.
#[derive(Debug, Serialize)]
struct Shape {
    name: String,
    layers: usize,
    hidden: usize,
    heads: usize,
    intermediate: usize,
    /// Floating-point operations per token in the linear layers.
    linear_flop: f64,
    /// Floating-point operations per token in attention, for each token of its sentence.
    attention_flop: f64,
}

/// The model on one thread, and on all.
struct Encoders {
    one: SentenceEncoder,
    all: SentenceEncoder,
    threads: usize,
}

impl Encoders {
    /// Both with their number of threads; the first alone if that is all there are.
    fn by_threads(&self) -> Vec<(usize, &SentenceEncoder)> {
        let all = (self.threads > 1).then_some((self.threads, &self.all));
        [(1, &self.one)].into_iter().chain(all).collect()
    }
}

pub(crate) fn run(common: &Common, command: &Bench) -> Result<(), Error> {
    let directory = model::directory(common)?;
    let level = model::level(common)?.unwrap_or_default();
    let precision = model::precision(&command.numbers)?;
    let machine = Machine::here();
    let threads = common.threads.filter(|&threads| threads > 0).unwrap_or(machine.cpus);
    let load = |threads: usize| {
        let builder = SentenceEncoder::builder().level(level).threads(threads);
        let builder = match precision {
            Some(precision) => builder.precision(precision),
            None => builder,
        };
        builder.load(&directory)
    };
    let encoders = Encoders { one: load(1)?, all: load(threads)?, threads };
    let (bert, precision) = (encoders.one.model(), encoders.one.precision());

    let progress = Progress::new(!common.quiet, Size::Unknown);
    let mut clock = Clock::new(level, precision, f64::from(command.seconds), progress);
    let mut portrait = Portrait {
        minilm: env!("CARGO_PKG_VERSION"),
        machine,
        level: level.name(),
        precision: precision.name(),
        threads,
        seconds: command.seconds,
        model: Shape::of(bert.config(), &directory),
        gemm: gemm::measure(&mut clock, bert.config())?,
        forward: forward::measure(&mut clock, bert, encoders.one.max_tokens())?,
        kernels: kernels::measure(&mut clock, bert)?,
        start: start::measure(&mut clock, &directory, threads)?,
        latency: latency::measure(&mut clock, &encoders)?,
        throughput: throughput::measure(&mut clock, &encoders)?,
        ceilings: clock.finish(),
    };
    portrait.compare();
    let mut stdout = io::stdout().lock();
    let text = if command.json { portrait.json() } else { tables::all(&portrait) };
    stdout.write_all(text.as_bytes()).map_err(Error::Stdout)
}

impl Portrait {
    /// Sets each speed beside the ceiling, which is known last.
    fn compare(&mut self) {
        let Ceilings { flops_per_second, integer_operations_per_second, .. } = self.ceilings;
        let peak = integer_operations_per_second.unwrap_or(flops_per_second);
        self.gemm.iter_mut().for_each(|product| product.speed.compare(peak));
        self.forward.iter_mut().for_each(|forward| forward.speed.compare(peak));
        self.throughput.iter_mut().for_each(|all| all.speed.compare(peak * all.threads as f64));
        self.kernels.iter_mut().for_each(|kernel| kernel.compare(&self.ceilings));
    }

    fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers");
        text.push('\n');
        text
    }
}

impl Shape {
    fn of(config: &Config, directory: &Path) -> Shape {
        let name = directory.file_name().unwrap_or(directory.as_os_str());
        Shape {
            name: name.to_string_lossy().into_owned(),
            layers: config.num_hidden_layers,
            hidden: config.hidden_size,
            heads: config.num_attention_heads,
            intermediate: config.intermediate_size,
            linear_flop: work::linear_flop(config),
            attention_flop: work::attention_flop(config),
        }
    }
}
