//! A directory with a small model and inputs, and the program that is run in it.

use super::calls::Fault;
use crate::cargo::{self, Workspace};
use std::{
    env, fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

#[allow(dead_code, reason = "the tests of the model change more of it than the lab")]
#[path = "../../../model/tests/support/tiny.rs"]
mod tiny;

/// A run takes a fraction of a second; one that takes so long hangs.
const HANGS: Duration = Duration::from_secs(100);

/// Where everything happens.
pub struct Lab {
    /// Absolute, without links: faults strike the files below.
    pub root: PathBuf,
    pub program: PathBuf,
    /// The library that is preloaded; `None` where there is none for this machine.
    pub injector: Option<PathBuf>,
}

/// What a run of the program has come to.
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Lab {
    pub fn new(workspace: &Workspace) -> Result<Lab, String> {
        workspace.cargo(
            ["build", "--quiet", "--locked", "--package", "minilm-cli"]
                .into_iter()
                .chain(["--features", "download"]),
        )?;
        let root = workspace.target.join(format!("faults/lab-{}", std::process::id()));
        fs::create_dir_all(&root).map_err(|error| format!("{}: {error}", root.display()))?;
        let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
        // Other builds may replace the program meanwhile.
        let program = root.join("minilm");
        let built = workspace.target.join("debug/minilm");
        fs::copy(&built, &program).map_err(|error| format!("{}: {error}", built.display()))?;
        let lab = Lab { program, injector: injector(workspace)?, root: root.join("work") };
        fill(&lab.root).map_err(|error| format!("{}: {error}", lab.root.display()))?;
        Ok(lab)
    }

    /// Runs the program to its end in a directory.
    pub fn run(&self, here: &Path, arguments: &[&str]) -> Result<Ran, String> {
        self.end(self.start(here, arguments, None)?, here, arguments)
    }

    /// Runs the program with a fault; says which call it struck, if there was such a call.
    pub fn run_with(
        &self,
        here: &Path,
        arguments: &[&str],
        fault: &Fault,
    ) -> Result<(Ran, Option<String>), String> {
        let log = self.log();
        let _ = fs::remove_file(&log);
        let ran = self.end(self.start(here, arguments, Some(fault))?, here, arguments)?;
        let struck = fs::read_to_string(&log).unwrap_or_default();
        let struck = struck.trim_end();
        Ok((ran, (!struck.is_empty()).then(|| struck.to_owned())))
    }

    /// Runs the program, and kills it after some time if it has not ended.
    pub fn run_for(
        &self,
        here: &Path,
        arguments: &[&str],
        time: Duration,
    ) -> Result<Option<Ran>, String> {
        let ran = self.run_and(here, arguments, time, |child| {
            let _ = child.kill();
            Ok(())
        })?;
        Ok((ran.status.signal().is_none()).then_some(ran))
    }

    /// Runs the program to its end, and does something after some time.
    pub fn run_and(
        &self,
        here: &Path,
        arguments: &[&str],
        time: Duration,
        act: impl FnOnce(&mut Child) -> Result<(), String>,
    ) -> Result<Ran, String> {
        let mut child = self.start(here, arguments, None)?;
        thread::sleep(time);
        let acted = act(&mut child);
        let ran = self.end(child, here, arguments)?;
        acted.map(|()| ran)
    }

    /// Outside of the work, so that faults leave it alone.
    fn log(&self) -> PathBuf {
        self.root.with_file_name("struck")
    }

    /// Starts the program in a directory. Its output goes to files: a pipe could fill.
    fn start(
        &self,
        here: &Path,
        arguments: &[&str],
        fault: Option<&Fault>,
    ) -> Result<Child, String> {
        let mut command = self.command(here, arguments);
        command.env("HF_HUB_OFFLINE", "1");
        if let Some(fault) = fault {
            let injector = self.injector.as_ref().ok_or("no system call can fail here")?;
            command.env("LD_PRELOAD", injector).env("MINILM_FAULT", fault.to_string());
            command.env("MINILM_FAULT_UNDER", &self.root).env("MINILM_FAULT_LOG", self.log());
        }
        let file = |name: &str| {
            let path = self.root.with_file_name(name);
            fs::File::create(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        command.stdout(file("stdout")?).stderr(file("stderr")?);
        command.spawn().map_err(|error| format!("{command:?}: {error}"))
    }

    /// The program with nothing of the user's environment that it reads.
    pub fn command(&self, here: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(here).args(arguments).stdin(Stdio::null());
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            let is_read = ["HF_", "HUGGINGFACE_", "MINILM_", "SENTENCE_", "TRANSFORMERS_"];
            if is_read.iter().any(|start| name.starts_with(start)) || name.ends_with("_proxy") {
                command.env_remove(&*name);
            }
        }
        command.env("TMPDIR", self.root.join("tmp")).env("HF_HOME", self.root.join("hub"));
        command.env("MINILM_MODEL", self.root.join("in/model")).env("RUST_BACKTRACE", "0");
        command
    }

    /// Waits for the end.
    pub fn end(&self, mut child: Child, here: &Path, arguments: &[&str]) -> Result<Ran, String> {
        let start = Instant::now();
        let status = loop {
            let status = child.try_wait().map_err(|error| error.to_string())?;
            if let Some(status) = status {
                break status;
            }
            if start.elapsed() > HANGS {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("hangs: minilm {} in {}", arguments.join(" "), here.display()));
            }
            thread::sleep(Duration::from_millis(2));
        };
        let read = |name| fs::read(self.root.with_file_name(name)).unwrap_or_default();
        let stderr = String::from_utf8_lossy(&read("stderr")).into_owned();
        Ok(Ran { status, stdout: read("stdout"), stderr })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(all) = self.root.parent() {
            let _ = fs::remove_dir_all(all);
        }
    }
}

/// Builds the library of `tests/faults`.
fn injector(workspace: &Workspace) -> Result<Option<PathBuf>, String> {
    let is_known = cfg!(all(
        target_os = "linux",
        target_env = "gnu",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ));
    if !is_known {
        return Ok(None);
    }
    let target = workspace.target.join("faults");
    let mut command = cargo::cargo(&workspace.root.join("tests/faults"));
    command.args(["build", "--release", "--quiet", "--locked", "--target-dir"]).arg(&target);
    cargo::run(&mut command)?;
    Ok(Some(target.join("release/libminilm_faults.so")))
}

/// Writes the inputs.
fn fill(root: &Path) -> std::io::Result<()> {
    let inputs = root.join("in");
    for folder in [&inputs.join("model/1_Pooling"), &root.join("tmp"), &root.join("hub")] {
        fs::create_dir_all(folder)?;
    }
    for (name, content) in model_files() {
        fs::write(inputs.join("model").join(name), content)?;
    }
    let words = ["the", "cat", "sat", "on", "a", "mat", "dog", "ran"];
    let text = |i: usize| {
        let words: Vec<&str> = (0..6).map(|k| words[((i * 7919) >> (3 * k)) % 8]).collect();
        words.join(" ")
    };
    let lines = |from: usize, to: usize| (from..to).map(|i| text(i) + "\n").collect::<String>();
    fs::write(inputs.join("texts.txt"), lines(1, 81))?;
    fs::write(inputs.join("more.txt"), lines(81, 101))?;
    let pairs = (1..41).map(|i| format!("{},{}\n", text(i), text(i + 200))).collect::<String>();
    fs::write(inputs.join("pairs.csv"), format!("anchor,positive\n{pairs}"))?;
    let labelled =
        (1..41).map(|i| format!("{},{}\n", text(i), ["one", "two"][i % 2])).collect::<String>();
    fs::write(inputs.join("labelled.csv"), format!("text,label\n{labelled}"))
}

/// The small model as a directory of sentence-transformers: names and contents.
pub fn model_files() -> Vec<(&'static str, Vec<u8>)> {
    let bert = tiny::TinyBert::new();
    let module = |i: usize, path: &str, kind: &str| {
        let kind = format!("sentence_transformers.models.{kind}");
        serde_json::json!({"idx": i, "name": i.to_string(), "path": path, "type": kind})
    };
    let modules = serde_json::json!([
        module(0, "", "Transformer"),
        module(1, "1_Pooling", "Pooling"),
        module(2, "2_Normalize", "Normalize")
    ]);
    let pooling =
        serde_json::json!({"word_embedding_dimension": 52, "pooling_mode_mean_tokens": true});
    let limit = serde_json::json!({"max_seq_length": 32});
    vec![
        ("config.json", bert.config.to_string().into_bytes()),
        ("vocab.txt", tiny::VOCABULARY.join("\n").into_bytes()),
        ("modules.json", modules.to_string().into_bytes()),
        ("1_Pooling/config.json", pooling.to_string().into_bytes()),
        ("sentence_bert_config.json", limit.to_string().into_bytes()),
        ("model.safetensors", bert.safetensors()),
    ]
}
