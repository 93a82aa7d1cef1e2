//! The learning rate of each step, as in `transformers`.
//!
//! ```text
//! rate  ▲      /\                    linear:   step/W up to the warm-up's end W, then down to 0
//!       │     /    \                 constant: the same warm-up, then 1
//!       │    /        \              cosine:   the same warm-up, then ½(1 + cos(π·progress))
//!       └───┴─────────────► step
//!           W             N
//! ```
//!
//! Steps count from 0: with a warm-up the first step has the rate 0, and moves the moments alone.

use serde::{Deserialize, Serialize};

/// The course of the learning rate (`lr_scheduler_type`).
///
/// ```
/// use minilm_train::Schedule;
/// let factors: Vec<f64> = (0..5).map(|step| Schedule::Linear.factor(step, 2, 5)).collect();
/// assert_eq!(factors, [0.0, 0.5, 1.0, 2.0 / 3.0, 1.0 / 3.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schedule {
    /// Down to 0 in a straight line after the warm-up (`linear`).
    #[default]
    Linear,
    /// The full rate after the warm-up (`constant_with_warmup`).
    Constant,
    /// Down to 0 along half a cosine after the warm-up (`cosine`).
    Cosine,
}

impl Schedule {
    /// The share of the learning rate in `step`, from 0, of `steps`, with `warmup` steps before the
    /// full rate.
    pub fn factor(self, step: usize, warmup: usize, steps: usize) -> f64 {
        let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        if step < warmup {
            return share(step, warmup);
        }
        match self {
            Schedule::Linear => share(steps.saturating_sub(step), steps.saturating_sub(warmup)),
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let progress = share(step - warmup, steps.saturating_sub(warmup));
                (0.5 * (1.0 + libm::cos(std::f64::consts::PI * progress))).max(0.0)
            }
        }
    }

    /// The steps of a warm-up: a number of steps from 1 on, below 1 a share of all steps, rounded
    /// up (`get_warmup_steps`).
    ///
    /// ```
    /// use minilm_train::Schedule;
    /// assert_eq!((Schedule::warmup(0.1, 39), Schedule::warmup(500.0, 39)), (4, 500));
    /// ```
    pub fn warmup(warmup: f64, steps: usize) -> usize {
        if warmup >= 1.0 { warmup as usize } else { (steps as f64 * warmup).ceil() as usize }
    }
}
