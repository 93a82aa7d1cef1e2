//! What comes next: a step, an evaluation, a checkpoint.

use super::{Event, Record, Trainer};
use crate::{
    Error, Scores,
    checkpoint::Best,
    evaluation::{Known, Prepared},
};

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Step,
    Evaluate,
    Save,
}

impl Trainer {
    fn evaluate(&mut self) -> Result<Event, Error> {
        let known = Known { data: &self.setup.data, texts: &self.texts };
        let run = |evaluation: &Prepared| evaluation.run(&self.network, &known);
        let scores = self.evaluations.iter().map(run).collect::<Result<Vec<Scores>, Error>>()?;
        self.log.push(Record::Evaluation { step: self.step, scores: scores.clone() });
        let value = self.setup.arguments.metric(&scores)?;
        if self.step == 0 {
            // The base is what others are compared with. A worse model is still the one asked for.
            return Ok(Event::Evaluation { step: 0, scores, is_best: false });
        }
        let is_best = self.best.as_ref().is_none_or(|best| value > best.value);
        if is_best {
            (self.best, self.worse) = (Some(Best { step: self.step, value }), 0);
            self.tasks.push_back(Task::Save);
        } else {
            self.worse += 1;
        }
        let is_over =
            self.setup.arguments.early_stopping_patience.is_some_and(|most| self.worse >= most);
        if is_over {
            self.plan.steps = self.step;
        }
        Ok(Event::Evaluation { step: self.step, scores, is_best })
    }

    /// What follows a step. A run that goes on has written its checkpoint, and perhaps evaluated.
    pub(super) fn after_step_tasks(&mut self, resumed: bool) {
        let arguments = &self.setup.arguments;
        let due = match arguments.eval_steps {
            _ if self.step == 0 => true,
            Some(steps) => self.step.is_multiple_of(steps) || self.step == self.plan.steps,
            None => self.plan.ends_epoch(self.step),
        };
        let is_done =
            self.log.iter().rev().any(
                |record| matches!(record, Record::Evaluation { step, .. } if *step == self.step),
            );
        if due && !is_done && !self.evaluations.is_empty() {
            self.tasks.push_back(Task::Evaluate);
        }
        if !resumed && self.step.is_multiple_of(arguments.save_steps) {
            self.tasks.push_back(Task::Save);
        }
    }
}

impl Iterator for Trainer {
    type Item = Result<Event, Error>;

    /// Does what comes next. After an error there is nothing more.
    fn next(&mut self) -> Option<Result<Event, Error>> {
        let task = match self.tasks.pop_front() {
            Some(Task::Step) | None if self.step < self.plan.steps => Task::Step,
            Some(task) if task != Task::Step => task,
            _ => return None,
        };
        let event = match task {
            Task::Step => self.train().map(|step| {
                self.after_step_tasks(false);
                Event::Step(step)
            }),
            Task::Evaluate => self.evaluate(),
            Task::Save => {
                let step = self.step;
                self.checkpoint().map(|path| Event::Checkpoint { step, path })
            }
        };
        if event.is_err() {
            self.tasks.clear();
            self.plan.steps = 0;
        }
        Some(event)
    }
}
