//! The kernels that are not GEMM, beside the least time that their operations take.
//!
//! The operations are counted by running each kernel once on an instruction set that counts.
//!
//! Data is in the first-level cache, except for the embeddings. An operation is applied to its own
//! result again and again; no kernel's time depends on the values, and none of these drifts to
//! subnormal numbers.

use super::{
    clock::{Ceilings, Clock, Sample},
    forward::random_batch,
    gemm::ramp,
    work::{self, Operations},
};
use crate::error::Error;
use minilm::{
    Level,
    kernels::{
        Rows, RowsMut,
        attention::{Attention, Scratch, attention, split},
        counting::{self, count_for},
        exp::{Exp, exp_slice},
        gelu::{Gelu, gelu_slice},
        layer_norm::{LayerNorm, layer_norm},
        softmax::{Softmax, softmax},
    },
    model::{self, Bert, Config},
};
use serde::Serialize;

/// Rows of H values; together they fit in a first-level cache.
const ROWS: usize = 8;

/// Tokens of a sentence in attention.
const SENTENCES: [usize; 3] = [16, 64, 256];

/// Tokens whose embeddings are gathered.
const GATHERED: usize = 128;

/// The gather before the LayerNorm of the embeddings, for sixteen values: the sum of a word, a type
/// and a position. It is a plain loop of the model and no kernel that could count itself.
const GATHER: Operations = Operations { sums: 2.0, loads: 3.0, stores: 1.0, ..Operations::NONE };

/// Part of the whole time, for each of the eight.
const SHARE: f64 = 0.1 / 8.0;

#[derive(Debug, Serialize)]
pub(super) struct Kernel {
    pub name: &'static str,
    /// The input that it worked on.
    pub case: String,
    /// The element per which operations are counted.
    pub element: &'static str,
    pub elements: usize,
    pub best_seconds: f64,
    pub median_seconds: f64,
    /// Of one run.
    pub flop: f64,
    /// Between registers and first-level cache; for attention, those of q, k, v and the context.
    pub bytes: f64,
    pub flops_per_second: f64,
    /// Vector operations for sixteen elements.
    pub operations: Operations,
    /// For sixteen elements.
    pub nanoseconds: f64,
    /// The same, in multiply-adds of sixteen lanes.
    pub slots: f64,
    /// The least number of slots that the operations need.
    pub least_slots: f64,
    pub percent: f64,
}

impl Kernel {
    fn new(
        name: &'static str,
        case: String,
        elements: usize,
        operations: Operations,
        sample: Sample,
    ) -> Kernel {
        let vectors = elements as f64 / 16.0;
        Kernel {
            name,
            case,
            element: if name == "attention" { "score" } else { "value" },
            elements,
            best_seconds: sample.best,
            median_seconds: sample.median,
            flop: vectors * operations.flop(),
            bytes: vectors * operations.bytes(),
            flops_per_second: vectors * operations.flop() / sample.best,
            operations,
            nanoseconds: sample.best / vectors * 1e9,
            slots: 0.0,
            least_slots: 0.0,
            percent: 0.0,
        }
    }

    pub(super) fn compare(&mut self, ceilings: &Ceilings) {
        self.slots = work::slots(self.nanoseconds * 1e-9, ceilings);
        self.least_slots = self.operations.least_slots(ceilings);
        self.percent = 100.0 * self.least_slots / self.slots;
    }
}

/// Nothing on the portable level: the least time is that of vector instructions.
pub(super) fn measure(clock: &mut Clock, bert: &Bert) -> Result<Vec<Kernel>, Error> {
    if clock.level == Level::PORTABLE {
        return Ok(Vec::new());
    }
    clock.note("kernels");
    let mut kernels = elementwise(clock, bert.config().hidden_size)?;
    for tokens in SENTENCES {
        kernels.push(heads(clock, bert.config(), tokens)?);
    }
    kernels.push(gather(clock, bert)?);
    Ok(kernels)
}

/// Operations on rows of `h` values in place.
fn elementwise(clock: &mut Clock, h: usize) -> Result<Vec<Kernel>, Error> {
    let (gamma, beta, level) = (vec![1.0; h], vec![0.0; h], clock.level);
    type Count<'a> = &'a dyn Fn(&mut [f32]) -> counting::Operations;
    type Run<'a> = &'a dyn Fn(Level, &mut [f32]);
    let cases: [(_, Count, Run); 4] = [
        ("exp", &|x| count_for(level, Exp(x)).1, &exp_slice),
        ("gelu", &|x| count_for(level, Gelu(x)).1, &gelu_slice),
        ("softmax", &|x| count_for(level, Softmax::new(x, h)).1, &|level, x| softmax(level, x, h)),
        ("layer_norm", &|x| layer_norm_operations(level, x, h), &|level, x| {
            layer_norm(level, x, &gamma, &beta, 1e-12)
        }),
    ];
    let mut kernels = Vec::new();
    for (name, count, run) in cases {
        let mut x: Vec<f32> = ramp(ROWS * h).iter().map(|x| 8.0 + x.abs()).collect();
        let operations = Operations::of(count(&mut x.clone()), x.len());
        let sample = clock.sample(SHARE, || {
            run(level, &mut x);
            Ok(())
        })?;
        kernels.push(Kernel::new(name, format!("{ROWS} × {h}"), ROWS * h, operations, sample));
    }
    Ok(kernels)
}

/// One sentence through all heads of one layer.
fn heads(clock: &mut Clock, config: &Config, tokens: usize) -> Result<Kernel, Error> {
    let (h, heads, level) = (config.hidden_size, config.num_attention_heads, clock.level);
    let (qkv, mut context) = (ramp(tokens * 3 * h), vec![0.0; tokens * h]);
    let mut scratch = Scratch::default();
    let sample = clock.sample(SHARE, || {
        let context = RowsMut::new(&mut context, h);
        attention(level, split(Rows::new(&qkv, 3 * h)), heads, &[0, tokens], &mut scratch, context);
        Ok(())
    })?;
    let operations = attention_operations(level, config.head_size(), tokens);
    let (case, scores) = (format!("{tokens} tokens"), heads * tokens * tokens);
    let kernel = Kernel::new("attention", case, scores, operations, sample);
    // q, k and v are read, and the context is written.
    Ok(Kernel { bytes: (4 * tokens * h * size_of::<f32>()) as f64, ..kernel })
}

/// For sixteen scores; all heads are alike.
fn attention_operations(level: Level, d: usize, tokens: usize) -> Operations {
    let (qkv, mut context) = (vec![0.0; tokens * 3 * d], vec![0.0; tokens * d]);
    let (mut scratch, starts) = (Scratch::default(), [0, tokens]);
    let (qkv, context) = (split(Rows::new(&qkv, 3 * d)), RowsMut::new(&mut context, d));
    let counted = count_for(level, Attention::new(qkv, 1, &starts, &mut scratch, context)).1;
    Operations::of(counted, tokens * tokens)
}

/// Of rows `x` of `h` values.
fn layer_norm_operations(level: Level, x: &mut [f32], h: usize) -> counting::Operations {
    let ones = vec![1.0; h];
    count_for(level, LayerNorm::new(x, &ones, &ones, 1e-12)).1
}

/// The embeddings of a batch, up to their LayerNorm. The rest of the model runs in between, so rows
/// come from as far as they do in use.
fn gather(clock: &mut Clock, bert: &Bert) -> Result<Kernel, Error> {
    let tokens = GATHERED.min(bert.config().max_position_embeddings);
    let batch = random_batch(bert, tokens, 1);
    let mut scratch = model::Scratch::default();
    let mut times = Vec::new();
    clock.times(2.0 * SHARE, || {
        let laps = bert.time(&batch, &mut scratch).map_err(minilm::Error::from)?;
        times.extend(laps.first().map(|embeddings| embeddings.time.as_secs_f64()));
        Ok(())
    })?;
    times.sort_by(f64::total_cmp);
    let sample = Sample { best: times[0], median: super::clock::percentile(&times, 50) };
    let h = bert.config().hidden_size;
    let normalized = layer_norm_operations(clock.level, &mut vec![0.0; h], h);
    let operations = Operations::of(normalized, h).with(GATHER);
    Ok(Kernel::new("embeddings", format!("{tokens} tokens"), tokens * h, operations, sample))
}
