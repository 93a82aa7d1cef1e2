//! The steps of a run: which batches, of which epoch, at which place.
//!
//! Every batch follows from the data, the seed and the number of the step. So a run that goes on
//! from a checkpoint needs to know the step alone.

use crate::{Arguments, Dataset, Row};

/// The steps of each epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Steps before each epoch, and those of all.
    before: Vec<usize>,
    pub steps: usize,
}

/// The rows and batches of one epoch.
#[derive(Clone, Debug)]
pub(crate) struct Epoch {
    pub number: usize,
    pub rows: Vec<Row>,
    pub batches: Vec<Vec<usize>>,
}

impl Epoch {
    pub(crate) fn new(data: &Dataset, arguments: &Arguments, number: usize) -> Epoch {
        let rows = data.epoch(arguments.seed, number as u64).into_owned();
        let size = arguments.per_device_train_batch_size;
        let sampler = arguments.batch_sampler;
        let batches = sampler.batches(&rows, size, arguments.seed, number as u64);
        Epoch { number, rows, batches }
    }
}

impl Plan {
    /// Draws the batches of every epoch, to count them.
    pub(crate) fn new(data: &Dataset, arguments: &Arguments) -> Plan {
        let per_step = arguments.gradient_accumulation_steps;
        let mut before = vec![0];
        let mut add = |epoch: usize| {
            let steps = Epoch::new(data, arguments, epoch).batches.len().div_ceil(per_step);
            let sum = before.last().unwrap_or(&0) + steps;
            before.push(sum);
            (steps, sum)
        };
        if let Some(wanted) = arguments.max_steps {
            let mut epoch = 0;
            while {
                let (steps, sum) = add(epoch);
                steps > 0 && sum < wanted
            } {
                epoch += 1;
            }
            let steps = wanted.min(*before.last().unwrap_or(&0));
            return Plan { before, steps };
        }
        let whole = arguments.num_train_epochs.floor() as usize;
        let (mut steps, part) = (0, arguments.num_train_epochs.fract());
        for epoch in 0..whole {
            steps = add(epoch).1;
        }
        if part > 0.0 {
            steps += (add(whole).0 as f64 * part).ceil() as usize;
        }
        Plan { before, steps }
    }

    /// The epoch of a step, from 0, and the step's place in it.
    pub(crate) fn place(&self, step: usize) -> (usize, usize) {
        let epoch = self.before.partition_point(|&before| before <= step) - 1;
        (epoch, step - self.before[epoch])
    }

    /// Whether an epoch ends after so many steps.
    pub(crate) fn ends_epoch(&self, done: usize) -> bool {
        done == self.steps || self.before[1..].contains(&done)
    }

    /// Epochs after so many steps.
    pub(crate) fn epochs(&self, done: usize) -> f64 {
        if done == 0 {
            return 0.0;
        }
        let (epoch, place) = self.place(done - 1);
        let of = self.before[epoch + 1] - self.before[epoch];
        epoch as f64 + (place + 1) as f64 / of as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn plan(rows: usize, arguments: Arguments) -> Plan {
        let mut data = Dataset::new(Kind::Pairs, 2);
        for i in 0..rows {
            data.push("a row", &[&format!("a{i}"), &format!("b{i}")], None).expect("a pair");
        }
        Plan::new(&data, &arguments)
    }

    #[test]
    fn steps_are_those_of_transformers() {
        let of = |epochs: f64, accumulation: usize, max_steps: Option<usize>| {
            let arguments = Arguments {
                num_train_epochs: epochs,
                gradient_accumulation_steps: accumulation,
                max_steps,
                ..Arguments::default()
            };
            plan(21, arguments) // three batches of 8, 8 and 5
        };
        assert_eq!(of(3.0, 1, None).steps, 9);
        assert_eq!(of(3.0, 2, None).steps, 6);
        assert_eq!(of(1.5, 1, None).steps, 5);
        assert_eq!(of(0.1, 1, None).steps, 1);
        assert_eq!(of(3.0, 1, Some(4)).steps, 4);
        let plan = of(2.0, 2, None); // two steps of an epoch: two batches, and one
        assert_eq!([0, 1, 2, 3].map(|step| plan.place(step)), [(0, 0), (0, 1), (1, 0), (1, 1)]);
        assert_eq!([1, 2, 3, 4].map(|done| plan.ends_epoch(done)), [false, true, false, true]);
        assert_eq!([0, 1, 2, 3].map(|done| plan.epochs(done)), [0.0, 0.5, 1.0, 1.5]);
    }
}
