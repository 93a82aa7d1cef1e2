//! What must hold after a fault.

use super::{
    cases::{Case, Files, files},
    lab::{Lab, Ran},
};
use std::os::unix::process::ExitStatusExt;

/// The state in which a fault has left a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Old,
    New,
}

/// The folder has the old files or the new ones, whole. A writer that was killed may have left
/// temporary ones.
pub fn whole(case: &Case, may_leave: bool) -> Result<State, String> {
    let mut found = files(&case.folder)?;
    if may_leave {
        found.retain(|name, _| !is_temporary(name));
    }
    if found == case.old {
        Ok(State::Old)
    } else if found == case.new {
        Ok(State::New)
    } else {
        Err(format!("neither the old files nor the new ones: {}", difference(&found, case)))
    }
}

/// The next run works, and nothing temporary is left.
pub fn next_run(lab: &Lab, case: &Case, state: State) -> Result<(), String> {
    let expected = match state {
        State::Old => Some(&case.new),
        State::New => case.again.as_ref(),
    };
    let ran = lab.run(&case.folder, &case.arguments)?;
    let Some(expected) = expected else {
        // The command refuses to write what is there already.
        return if ran.status.code() == Some(1) { Ok(()) } else { Err(next_failed(&ran)) };
    };
    if !ran.status.success() {
        return Err(next_failed(&ran));
    }
    let found = files(&case.folder)?;
    if found == *expected {
        return Ok(());
    }
    Err(format!("the next run leaves other files: {}", difference(&found, case)))
}

fn next_failed(ran: &Ran) -> String {
    format!("the next run ends with {}: {}", ran.status, ran.stderr.trim_end())
}

/// A run in which a system call has failed ends as it should.
pub fn ended(case: &Case, ran: &Ran, struck: &str) -> Result<State, String> {
    let message = ran.stderr.trim_end();
    if let Some(signal) = ran.status.signal() {
        return Err(format!("ended by signal {signal}: {message}"));
    }
    let state = whole(case, false)?;
    match ran.status.code() {
        Some(0) if ran.stdout != case.stdout => Err("succeeds with other output".to_owned()),
        Some(0) if state != State::New && case.new != case.old => {
            Err("succeeds without writing".to_owned())
        }
        Some(0) if !message.is_empty() => Err(format!("succeeds with a message: {message}")),
        Some(0) => Ok(state),
        Some(1) => names_file(message, struck).map(|()| state),
        _ => Err(format!("{}: {message}", ran.status)),
    }
}

/// The message is a line that names the file of the call.
pub fn names_file(message: &str, struck: &str) -> Result<(), String> {
    let (_, path) = struck.split_once(' ').unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let names: Vec<&str> = if path.ends_with("/stdout") {
        vec!["standard output", "standard input"]
    } else if path.contains("/work/tmp/") {
        vec!["tmp"]
    } else {
        match final_name(name).unwrap_or(name) {
            "old" => vec!["checkpoint-"], // one that is being removed
            name => vec![name],
        }
    };
    if !message.starts_with("minilm: ") || message.lines().count() != 1 {
        return Err(format!("the message is not one line: {message:?}"));
    }
    if names.iter().any(|name| message.contains(name)) {
        return Ok(());
    }
    Err(format!("the message does not name {}: {message}", names[0]))
}

/// The name that `.NAME.XXXXXX.tmp` will have.
fn final_name(name: &str) -> Option<&str> {
    let (name, random) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    (random.len() == 6).then_some(name)
}

/// Whether a path is that of a file or folder without its final name, or below one.
pub fn is_temporary(path: &str) -> bool {
    path.split('/').any(|part| final_name(part).is_some())
}

/// The names of files that are neither old nor new.
fn difference(found: &Files, case: &Case) -> String {
    let odd = |name: &&String| {
        let bytes = found.get(*name);
        bytes != case.old.get(*name) && bytes != case.new.get(*name)
    };
    let names = found.keys().chain(case.old.keys()).chain(case.new.keys());
    let mut odd: Vec<&String> = names.filter(odd).collect();
    odd.sort();
    odd.dedup();
    let here: Vec<&String> = found.keys().collect();
    format!("{odd:?} of {here:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_file_that_the_user_knows() {
        let struck = "write /x/work/case/.out.npy.AbC123.tmp";
        assert_eq!(names_file("minilm: cannot write out.npy: no space", struck), Ok(()));
        assert!(names_file("minilm: no space", struck).is_err());
        assert!(names_file("thread panicked\nout.npy", struck).is_err());
        assert!(is_temporary("out/.checkpoint-3.AbC123.tmp/model.safetensors"));
        assert!(!is_temporary(".out.tmp"));
    }
}
