//! The ladders measured: a table each, for people and as JSON.

use crate::{
    cases::{Case, Unit},
    ladders::Ladder,
    measure::medians,
    steps::Step,
};
use minilm_kernels::{Level, peak};
use serde::Serialize;
use std::fmt;

/// Every ladder that was asked for, on this machine.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The instruction set.
    pub level: &'static str,
    /// Measured multiply-adds of one core, in FLOP/s.
    pub peak_flops: f64,
    /// Measured products in eight bits of one core, in operations per second.
    pub peak_ops: f64,
    /// One for each shape of each ladder.
    pub ladders: Vec<Table>,
}

/// One ladder on one shape.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The ladder.
    pub name: &'static str,
    /// The shape.
    pub case: String,
    /// The unit of the values.
    pub unit: &'static str,
    /// The best value that one core could have.
    pub ceiling: f64,
    /// From the first rung to the shipped one.
    pub rungs: Vec<Row>,
    /// The yardstick that the rungs are compared with; it may be one of them.
    pub yardstick: Row,
    #[serde(skip)]
    counted: Unit,
}

/// One rung measured.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The rung.
    pub name: &'static str,
    /// Lines of code; 0 if it is not ours.
    pub lines: usize,
    /// Cores it ran on.
    pub cores: usize,
    /// Its speed in the unit of the table.
    pub value: f64,
    /// Time of one run.
    pub median_seconds: f64,
}

impl Table {
    /// Measures all rungs of a ladder in turns, for about `seconds`.
    ///
    /// ```
    /// use minilm_ladder::{LADDERS, Peaks, Table};
    /// let (gelu, level) = (LADDERS[3], minilm_kernels::Level::detect());
    /// let table = Table::measure(gelu, gelu.cases[0], level, Peaks::measure(level), 0.0);
    /// assert_eq!(table.rungs.len(), 3);
    /// println!("{table}");
    /// ```
    pub fn measure(ladder: Ladder, case: Case, level: Level, peaks: Peaks, seconds: f64) -> Table {
        let steps: Vec<&Step> = ladder.steps().chain(ladder.rival()).collect();
        let mut works: Vec<_> = steps.iter().map(|step| step.work(case, level)).collect();
        let row = |(step, median_seconds): (&&Step, f64)| Row {
            name: step.name,
            lines: step.lines(),
            cores: step.cores(),
            value: ladder.unit.value(case.amount(), median_seconds),
            median_seconds,
        };
        let mut rungs: Vec<Row> = steps.iter().zip(medians(&mut works, seconds)).map(row).collect();
        let yardstick = rungs.iter().find(|row| row.name == ladder.yardstick).cloned();
        rungs.truncate(ladder.steps().count());
        Table {
            name: ladder.name,
            case: case.name(),
            unit: ladder.unit.name(),
            ceiling: ladder.ceiling(peaks),
            yardstick: yardstick.expect("each ladder names one of its rows"),
            rungs,
            counted: ladder.unit,
        }
    }
}

/// What one core does on registers alone, the best of a few tries.
#[derive(Clone, Copy, Debug)]
pub struct Peaks {
    /// Multiply-adds, in FLOP/s.
    pub flops: f64,
    /// Products in eight bits with their sums, in operations per second.
    pub ops: f64,
}

impl Peaks {
    /// Those of this machine.
    ///
    /// ```
    /// let peaks = minilm_ladder::Peaks::measure(minilm_kernels::Level::detect());
    /// assert!(peaks.flops > 0.0 && peaks.ops > 0.0);
    /// ```
    pub fn measure(level: Level) -> Peaks {
        let best = |peak: fn(Level) -> f64| (0..5).map(|_| peak(level)).fold(0.0, f64::max);
        Peaks { flops: best(peak::fma), ops: best(peak::integers::<i8>) }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, {} · ceiling {:.3} {} a core\n",
            self.name, self.case, self.ceiling, self.unit
        )?;
        let unit = self.unit;
        writeln!(
            f,
            "| rung           | {unit:>14} | of ceiling | of yardstick | over last | lines |"
        )?;
        writeln!(
            f,
            "|----------------|---------------:|-----------:|-------------:|----------:|------:|"
        )?;
        let mut last: Option<&Row> = None;
        let rival = (!self.rungs.iter().any(|row| row.name == self.yardstick.name))
            .then_some(&self.yardstick);
        for row in self.rungs.iter().chain(rival) {
            let over = |other: &Row| self.counted.ratio(row.value, other.value);
            let of_ceiling = 100.0 * self.counted.ratio(row.value, self.ceiling) / row.cores as f64;
            let ours = row.lines > 0;
            let over_last = last
                .filter(|_| ours)
                .map(|last| format!("{:.2} ×", over(last)))
                .unwrap_or_default();
            let lines = if ours { row.lines.to_string() } else { String::new() };
            let name = if row.cores > 1 {
                format!("{} ({})", row.name, row.cores)
            } else {
                row.name.to_owned()
            };
            let value = format!("{:.3}", row.value);
            let of_yardstick = 100.0 * over(&self.yardstick);
            writeln!(
                f,
                "| {name:14} | {value:>14} | {of_ceiling:8.2} % | {of_yardstick:10.1} % | \
                 {over_last:>9} | {lines:>5} |"
            )?;
            last = Some(row);
        }
        Ok(())
    }
}
