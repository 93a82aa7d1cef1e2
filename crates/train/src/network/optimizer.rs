//! Clipping and AdamW, and the state that a checkpoint keeps.
//!
//! Weight decay applies to all parameters but biases and LayerNorms, as in the original. Of the
//! word embeddings, most rows never get a gradient: their moments are 0, and AdamW would leave them
//! as they are, or multiply them by the factor of weight decay. So the step computes the rows that
//! a batch has touched since the beginning, and the factor of the others: the bits are those of the
//! step for all rows.

use super::{Network, parameters::Parameter};
use minilm_kernels::{
    Level,
    adamw::{Step, adamw},
};
use rayon::prelude::*;
use std::borrow::Cow;

/// Parameters that a thread takes at a time.
const BLOCK: usize = 1 << 15;

/// Values that are squared and added at a time: a constant of the arithmetic.
const NORM_BLOCK: usize = 4096;

/// The rule of AdamW (`torch.optim.AdamW`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// β₁ and β₂: how slowly the means of the gradient and of its square change.
    pub betas: (f64, f64),
    /// ε
    pub epsilon: f64,
    /// λ: each step multiplies the weights by 1 − rate·λ; biases and LayerNorms are exempt.
    pub weight_decay: f64,
}

impl Default for AdamW {
    /// β = (0.9, 0.999), ε = 1e-8, no decay, as in sentence-transformers.
    fn default() -> AdamW {
        AdamW { betas: (0.9, 0.999), epsilon: 1e-8, weight_decay: 0.0 }
    }
}

/// What the optimiser knows besides the parameters: with them, training goes on bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct State<'a> {
    /// The number of updates so far.
    pub steps: u64,
    /// The ids of the word embeddings that have had a gradient, ascending.
    pub words: Vec<u32>,
    /// The moments of every tensor; of the word embeddings, the rows of `words` alone.
    pub moments: Vec<Moments<'a>>,
}

/// The moments of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments<'a> {
    /// The tensor's name in the checkpoint.
    pub name: Cow<'a, str>,
    /// m, row-major.
    pub first: Cow<'a, [f32]>,
    /// v, row-major.
    pub second: Cow<'a, [f32]>,
}

/// The rows of the word embeddings that have had a gradient.
#[derive(Debug)]
pub(super) struct Touched(Vec<bool>);

impl Touched {
    pub(super) fn new(rows: usize) -> Touched {
        Touched(vec![false; rows])
    }

    pub(super) fn touch(&mut self, ids: &[u32]) {
        ids.iter().for_each(|&id| self.0[id as usize] = true);
    }

    fn ids(&self) -> impl Iterator<Item = u32> {
        self.0.iter().zip(0..).filter_map(|(&touched, id)| touched.then_some(id))
    }
}

/// A block of parameters with what the step needs.
struct Block<'a> {
    step: &'a Step,
    value: &'a mut [f32],
    gradient: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl Block<'_> {
    fn run(self, level: Level) {
        adamw(level, self.step, self.value, self.gradient, self.first, self.second);
    }
}

/// Cuts a parameter into blocks of `size` values.
fn blocks<'a>(
    p: &'a mut Parameter,
    step: &'a Step,
    size: usize,
) -> impl Iterator<Item = Block<'a>> {
    let values = p.value.chunks_mut(size).zip(p.gradient.chunks_mut(size));
    let moments = p.first.chunks_mut(size).zip(p.second.chunks_mut(size));
    values.zip(moments).map(move |((value, gradient), (first, second))| Block {
        step,
        value,
        gradient,
        first,
        second,
    })
}

impl Network {
    /// The length of the whole gradient, all tensors together.
    pub fn gradient_norm(&self) -> f64 {
        let h = self.dimension();
        let word = &self.embeddings.word.gradient;
        let rows: Vec<u32> = self.rows.ids().collect();
        let of_words = rows.par_iter().map(|&id| squares(&word[id as usize * h..][..h]));
        let rest: Vec<&[f32]> = self
            .parameters()
            .into_iter()
            .flat_map(|parameter| parameter.gradient.chunks(NORM_BLOCK))
            .collect();
        let of_rest = rest.par_iter().map(|block| squares(block));
        let sum = |parts: Vec<f64>| parts.into_iter().sum::<f64>();
        (sum(of_words.collect()) + sum(of_rest.collect())).sqrt()
    }

    /// Whether all parameters are finite.
    pub fn is_finite(&self) -> bool {
        let blocks: Vec<&[f32]> =
            self.tensors().flat_map(|tensor| tensor.data.chunks(NORM_BLOCK)).collect();
        blocks.par_iter().all(|block| block.iter().all(|w| w.is_finite()))
    }

    /// Moves the parameters by one step of AdamW at a learning rate, clears the gradients, and
    /// returns the length that the gradient had.
    ///
    /// With `clip`, a gradient longer than that is shortened to it first
    /// (`torch.nn.utils.clip_grad_norm_`). A gradient whose length is not finite moves and clears
    /// nothing.
    pub fn update(&mut self, rule: &AdamW, rate: f64, clip: Option<f64>) -> f64 {
        let norm = self.gradient_norm();
        if !norm.is_finite() {
            return norm;
        }
        // 1e-6 as in the original.
        let factor = clip.map_or(1.0, |most| (most / (norm + 1e-6)).min(1.0));
        self.steps += 1;
        self.kept = None;
        let t = self.steps;
        let step = |decay| Step::new(rule.betas, rule.epsilon, decay, rate, factor, t);
        let (decaying, other) = (step(rule.weight_decay), step(0.0));
        let level = self.level;
        let work: Vec<Block> = self
            .parameters_mut()
            .into_iter()
            .flat_map(|parameter| {
                let step = if parameter.decays() { &decaying } else { &other };
                blocks(parameter, step, BLOCK)
            })
            .collect();
        work.into_par_iter().for_each(|block| block.run(level));
        self.update_words(&decaying);
        let dense: Vec<_> = self.layers.iter_mut().flat_map(|layer| layer.dense_mut()).collect();
        dense.into_par_iter().for_each(|d| d.packed.replace(&d.weight.value, &d.bias.value));
        norm
    }

    fn update_words(&mut self, step: &Step) {
        let (h, level) = (self.dimension(), self.level);
        let rows: Vec<(Block, &bool)> =
            blocks(&mut self.embeddings.word, step, h).zip(&self.rows.0).collect();
        rows.into_par_iter().with_min_len(256).for_each(|(block, &touched)| {
            if touched {
                block.run(level);
            } else if step.keep() != 1.0 {
                block.value.iter_mut().for_each(|w| *w *= step.keep());
            }
        });
    }

    /// The optimiser's state, for a checkpoint.
    pub fn state(&self) -> State<'_> {
        let h = self.dimension();
        let words: Vec<u32> = self.rows.ids().collect();
        let rows = |all: &[f32]| {
            words.iter().flat_map(|&id| &all[id as usize * h..][..h]).copied().collect::<Vec<_>>()
        };
        let word = &self.embeddings.word;
        let name = word.tensors(|p| &p.value).next().map_or_else(Default::default, |t| t.name);
        let mut moments = vec![Moments {
            name: name.into(),
            first: rows(&word.first).into(),
            second: rows(&word.second).into(),
        }];
        for parameter in self.parameters() {
            let second = parameter.tensors(|p| &p.second);
            moments.extend(parameter.tensors(|p| &p.first).zip(second).map(|(first, second)| {
                let (name, first, second) =
                    (first.name.into(), first.data.into(), second.data.into());
                Moments { name, first, second }
            }));
        }
        State { steps: self.steps, words, moments }
    }

    /// Takes a state that [`Network::state`] has given, for a network with the parameters that it
    /// had then.
    ///
    /// # Errors
    /// The name of a tensor whose moments are missing or have another length, or `words` if an id
    /// is not in the vocabulary.
    pub fn restore(&mut self, state: &State) -> Result<(), String> {
        let h = self.dimension();
        let find = |name: &str, len: usize| {
            let found = state.moments.iter().find(|moments| moments.name == name);
            let found = found.filter(|m| m.first.len() == len && m.second.len() == len);
            found.ok_or_else(|| name.to_owned())
        };
        if state.words.iter().any(|&id| id as usize >= self.config.vocab_size) {
            return Err("words".to_owned());
        }
        let word = &mut self.embeddings.word;
        let name = word.names()[0].clone();
        let moments = find(&name, state.words.len() * h)?;
        word.first.fill(0.0);
        word.second.fill(0.0);
        for (i, &id) in state.words.iter().enumerate() {
            let (from, to) = (i * h..(i + 1) * h, id as usize * h..(id as usize + 1) * h);
            word.first[to.clone()].copy_from_slice(&moments.first[from.clone()]);
            word.second[to].copy_from_slice(&moments.second[from]);
        }
        self.rows = Touched::new(self.config.vocab_size);
        self.rows.touch(&state.words);
        for parameter in self.parameters_mut() {
            let size = parameter.value.len() / parameter.names().len();
            for (i, name) in parameter.names().to_vec().iter().enumerate() {
                let moments = find(name, size)?;
                parameter.first[i * size..(i + 1) * size].copy_from_slice(&moments.first);
                parameter.second[i * size..(i + 1) * size].copy_from_slice(&moments.second);
            }
        }
        self.steps = state.steps;
        Ok(())
    }
}

/// Σ x², in eight sums that are added as a tree.
fn squares(x: &[f32]) -> f64 {
    let mut sums = [0.0_f64; 8];
    let (whole, rest) = x.as_chunks::<8>();
    for x in whole {
        for i in 0..8 {
            sums[i] += f64::from(x[i]) * f64::from(x[i]);
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += f64::from(x) * f64::from(x);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}
