//! Writers that are killed at a random moment.

use super::{
    Counts, Extent,
    cases::{self, Case},
    lab::Lab,
    verdict::{next_run, whole},
};
use std::time::{Duration, Instant};

/// Kills of each command in a run without a limit of time.
const EACH: usize = 50;

pub fn run(lab: &Lab, extent: &mut Extent) -> Result<Counts, String> {
    let cases = cases::all(lab)?;
    let cases: Vec<&Case> = cases.iter().filter(|case| case.new != case.old).collect();
    let (mut tried, mut landed) = (0, 0);
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < EACH && extent.goes_on(start) {
        for case in &cases {
            let time = duration(lab, case)?.mul_f64(f64::from(extent.random.value()).abs() * 1.05);
            tried += 1;
            landed += u64::from(
                kill(lab, case, time)
                    .map_err(|error| format!("{} killed after {time:?}: {error}", case.name))?,
            );
        }
        rounds += 1;
    }
    Ok(vec![("writers", cases.len() as u64), ("runs", tried), ("kills", landed)])
}

/// The time that the command takes now: other programs may keep the machine busy.
fn duration(lab: &Lab, case: &Case) -> Result<Duration, String> {
    case.restore()?;
    let start = Instant::now();
    lab.run(&case.folder, &case.arguments)?;
    Ok(start.elapsed())
}

/// Kills the command after some time; whether it had not ended by itself.
fn kill(lab: &Lab, case: &Case, time: Duration) -> Result<bool, String> {
    case.restore()?;
    let ended = lab.run_for(&case.folder, &case.arguments, time)?;
    let state = whole(case, true)?;
    next_run(lab, case, state)?;
    Ok(ended.is_none())
}
