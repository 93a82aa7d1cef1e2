//! OpenAI's own clients talk to `minilm serve`: the package `openai` of PyPI and of npm, each
//! installed into a folder of its own under target/xtask/clients.

use crate::{
    Outcome,
    cargo::{self, Workspace},
    files, wheel,
};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The key that the server asks for.
const KEY: &str = "a key of the test";

pub fn check(workspace: &Workspace) -> Outcome {
    let work = workspace.target.join("xtask/clients");
    files::make_parent(&work.join("file"))?;
    let scripts = workspace.root.join("crates/server/tests/clients");
    let mut clients: Vec<(&str, Command)> = Vec::new();
    let mut lacks = Vec::new();
    match wheel::python() {
        Ok(python) => clients.push(("Python", in_python(&python, &work, &scripts)?)),
        Err(lack) if env::var_os("MINILM_REQUIRE_PYTHON").is_some() => return Err(lack),
        Err(lack) => lacks.push(format!("skipped: {lack}")),
    }
    match node() {
        Ok(()) => clients.push(("Node", in_node(&work, &scripts)?)),
        Err(lack) if env::var_os("MINILM_REQUIRE_NODE").is_some() => return Err(lack),
        Err(lack) => lacks.push(format!("skipped: {lack}")),
    }
    if clients.is_empty() {
        return Ok(lacks.join("; "));
    }
    // The features of .ci/run, which has built the program with them.
    let features = ["--features", "download,parquet,embedded,serve"];
    workspace.cargo(["build", "--quiet", "--package", "minilm-cli"].iter().chain(&features))?;
    let program = workspace.target.join("debug/minilm");
    let model = workspace.root.join("weights/all-MiniLM-L6-v2");
    let server = Server::start(&program, &model)?;
    let embed = ["embed", "--format", "jsonl", "A man is eating food.", "Someone has a meal."];
    let expected = cargo::run(Command::new(&program).args(embed).env("MINILM_MODEL", &model))?;
    files::write(&work.join("expected.jsonl"), &expected)?;
    let mut remarks = Vec::new();
    for (name, mut client) in clients {
        let client = client.arg(work.join("expected.jsonl"));
        client.env("OPENAI_API_KEY", KEY).env("OPENAI_BASE_URL", format!("{}/v1", server.url));
        // A proxy of this machine is not asked for its loopback.
        client.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        remarks.push(format!("{name}: {}", cargo::run(client)?.trim()));
    }
    server.stop()?;
    remarks.extend(lacks);
    Ok(remarks.join("; "))
}

/// The script of Python, with the package in an environment of its own.
fn in_python(python: &str, work: &Path, scripts: &Path) -> Result<Command, String> {
    let folder = work.join("venv");
    let interpreter = folder.join("bin/python");
    if !interpreter.exists() {
        cargo::run(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
    }
    wheel::pip(&interpreter, &["openai"])?;
    let mut command = Command::new(interpreter);
    command.arg(scripts.join("client.py"));
    Ok(command)
}

/// The script of Node: packages are found above the script, so it is copied to them.
fn in_node(work: &Path, scripts: &Path) -> Result<Command, String> {
    let folder = work.join("node");
    files::write(&folder.join("package.json"), "{ \"private\": true }\n")?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent", "openai"]).current_dir(&folder);
    cargo::run(&mut npm)?;
    let script = folder.join("client.mjs");
    fs::copy(scripts.join("client.mjs"), &script).map_err(|error| error.to_string())?;
    let mut command = Command::new("node");
    command.arg(script);
    Ok(command)
}

/// Whether there is Node, and npm with it.
fn node() -> Result<(), String> {
    for program in ["node", "npm"] {
        cargo::run(Command::new(program).arg("--version"))
            .map_err(|_| format!("there is no {program} on the path"))?;
    }
    Ok(())
}

/// A server that is killed if the step fails.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(program: &Path, model: &Path) -> Result<Server, String> {
        let mut command = Command::new(program);
        command.args(["serve", "--address", "127.0.0.1:0", "--api-key", KEY, "--model"]).arg(model);
        let mut child =
            command.stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let stderr = child.stderr.take().ok_or("it has no standard error")?;
        let mut server = Server { child, url: String::new() };
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line).map_err(|error| error.to_string())?;
        let (_, url) = line.trim().split_once("listens on ").ok_or(format!("serve: {line}"))?;
        server.url = url.to_owned();
        Ok(server)
    }

    /// Asks it to stop, and waits until it has.
    fn stop(mut self) -> Result<(), String> {
        cargo::run(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        status.success().then_some(()).ok_or(format!("serve ended with {status}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
