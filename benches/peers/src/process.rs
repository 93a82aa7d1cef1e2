//! An engine as a process, from outside: started, asked, and stopped while others have their turn.

use crate::{cpus, engines::Rival, error::Error, python::Python, sets::Set, worker::Answer};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The variables from which libraries read the number of their threads.
const THREADS: [&str; 4] =
    ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "RTEN_NUM_THREADS"];

/// The folders of this run.
pub struct Place {
    pub program: PathBuf,
    pub model: PathBuf,
    /// The folder that outlives a run: the Python environment, the graphs, the engines' messages.
    pub home: PathBuf,
    /// The folder that does not.
    pub temporary: PathBuf,
    pub python: Python,
}

impl Place {
    /// Writes the sets for the workers.
    pub fn write_sets(&self, sets: &[Set]) -> Result<(), Error> {
        let path = self.sets();
        let json = serde_json::to_vec(sets)
            .map_err(|source| Error::Json { what: path.display().to_string(), source })?;
        fs::write(&path, json).map_err(Error::at(&path))
    }

    fn sets(&self) -> PathBuf {
        self.temporary.join("sets.json")
    }

    /// The program that is `rival`, without its arguments.
    fn command(&self, rival: &Rival) -> Result<Command, String> {
        if rival.graph && !self.python.graphs.join("fused.onnx").exists() {
            let why = self.python.interpreter.as_ref().err().map_or("it failed", String::as_str);
            return Err(format!("it needs the model in a form that Python makes: {why}"));
        }
        let command = if rival.python {
            let mut command = Command::new(self.python.interpreter.as_ref()?);
            command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("workers.py"));
            command
        } else {
            let mut command = Command::new(&self.program);
            command.arg("worker");
            command
        };
        Ok(command)
    }
}

/// A running engine. It is stopped except while it is asked something.
pub struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Its standard error.
    log: PathBuf,
}

impl Process {
    /// Starts `rival` and waits until its model is in memory; its version is the second.
    pub fn start(
        place: &Place,
        rival: &Rival,
        threads: usize,
    ) -> Result<(Process, String), String> {
        let mut command = place.command(rival)?;
        command.arg(rival.name).arg(threads.to_string()).args([
            &place.sets(),
            &place.model,
            &place.python.graphs,
        ]);
        command.envs(THREADS.map(|name| (name, threads.to_string())));
        let numpy = if rival.only_searches() { threads } else { 1 }; // elsewhere it only pools
        command.env("OPENBLAS_NUM_THREADS", numpy.to_string());
        command.env("TOKENIZERS_PARALLELISM", (threads > 1).to_string());
        command.env("HF_HUB_OFFLINE", "1");
        if let Some(library) = &place.python.onnxruntime {
            command.env("ORT_DYLIB_PATH", library);
        }
        let log = place.home.join(format!("logs/{}-{threads}.log", rival.name));
        let errors = fs::create_dir_all(place.home.join("logs")).and_then(|()| File::create(&log));
        let errors = errors.map_err(|error| format!("{}: {error}", log.display()))?;
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).spawn();
        let mut child =
            child.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let (input, output) = child.stdin.take().zip(child.stdout.take()).ok_or("no pipe")?;
        let mut process = Process { child, input, output: BufReader::new(output).lines(), log };
        let Answer::Ready(version) = process.answer()? else {
            return Err("it did not say that it is ready".to_owned());
        };
        cpus::stop(&process.child);
        Ok((process, version))
    }

    /// Seconds of each of `calls` calls on a set.
    pub fn time(&mut self, set: usize, calls: usize) -> Result<Vec<f64>, String> {
        self.seconds("time", set, calls)
    }

    /// The same of what a search cannot be faster than.
    pub fn limit(&mut self, set: usize, calls: usize) -> Result<Vec<f64>, String> {
        self.seconds("limit", set, calls)
    }

    fn seconds(&mut self, command: &str, set: usize, calls: usize) -> Result<Vec<f64>, String> {
        match self.ask(&format!("{command} {set} {calls}"))? {
            Answer::Seconds(seconds) if seconds.len() == calls => Ok(seconds),
            other => Err(format!("it was asked for {calls} times and said {other:?}")),
        }
    }

    /// The vectors or hits of a set, end to end, by way of the file `path`.
    pub fn vectors(&mut self, set: usize, path: &Path) -> Result<Vec<f32>, String> {
        let Answer::Written(_) = self.ask(&format!("write {set} {}", path.display()))? else {
            return Err("it wrote no vectors".to_owned());
        };
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }

    /// The most bytes of memory that the process had at once since this was asked before.
    pub fn memory(&mut self) -> Result<u64, String> {
        cpus::peak_memory(&self.child).map_err(|error| error.to_string())
    }

    fn ask(&mut self, question: &str) -> Result<Answer, String> {
        cpus::go_on(&self.child);
        // If the process has ended, its last words say more than the broken pipe.
        let _ = writeln!(self.input, "{question}");
        let answer = self.answer();
        cpus::stop(&self.child);
        answer
    }

    /// The next line that is an answer; any other is what a library printed.
    fn answer(&mut self) -> Result<Answer, String> {
        let answers = self
            .output
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| serde_json::from_str(&line).ok());
        match answers {
            Some(Answer::Error(why)) => Err(why),
            Some(answer) => Ok(answer),
            None => Err(self.last_words()),
        }
    }

    /// The exit status and the last message of a process that closed its output.
    fn last_words(&mut self) -> String {
        let status =
            self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let line =
            log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        format!("{status}: {line}")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails only for a process that is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
