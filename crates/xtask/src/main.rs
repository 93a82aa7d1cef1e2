//! All automation of the repository: `cargo xtask check` runs what continuous integration runs
//! after `cargo test`.
#![forbid(unsafe_code)]

mod advisories;
mod assembly;
mod browser;
mod c;
mod cargo;
mod clients;
mod counts;
mod dependencies;
mod dist;
mod errors;
mod faults;
mod files;
mod fuzz;
mod licenses;
mod lints;
mod machine;
mod man;
mod package;
mod record;
mod release;
mod report;
mod sources;
mod targets;
mod training;
mod wasm;
mod wheel;
mod width;

use cargo::Workspace;
use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    time::Instant,
};

/// A remark to print beside "ok", or the error.
type Outcome = Result<String, String>;

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Workspace) -> Outcome,
}

/// The cheap ones first.
const STEPS: [Step; 21] = [
    Step {
        name: "format",
        about: "rustfmt has nothing to change, and lines have at most 100 columns",
        run: lints::format,
    },
    Step {
        name: "unsafe",
        about: "`unsafe` is only where the design allows it",
        run: sources::unsafety,
    },
    Step {
        name: "report",
        about: "tables and figures are those of the records in benches/record",
        run: report::check,
    },
    Step {
        name: "no-c",
        about: "no dependency builds or links C, or needs a newer Rust",
        run: dependencies::check,
    },
    Step {
        name: "licenses",
        about: "crates/cli/THIRD-PARTY-LICENSES is that of Cargo.lock, and they are permissive",
        run: licenses::check,
    },
    Step {
        name: "advisories",
        about: "nothing is known against a dependency but what is named (cargo-audit)",
        run: advisories::check,
    },
    Step {
        name: "clippy",
        about: "no warnings, no undocumented item, nothing newer than rust-version",
        run: lints::clippy,
    },
    Step { name: "docs", about: "rustdoc has no warnings", run: lints::docs },
    Step {
        name: "browser",
        about: "the pages of explain, map and trace work in Chromium",
        run: browser::check,
    },
    Step {
        name: "assembly",
        about: "every vector operation of the kernels is inlined",
        run: assembly::check,
    },
    Step {
        name: "counts",
        about: "no kernel takes more instructions than recorded (valgrind)",
        run: counts::check,
    },
    Step {
        name: "levels",
        about: "the release build has the golden vectors, and the same bits on each level",
        run: release::levels,
    },
    Step {
        name: "targets",
        about: "the engine compiles for AArch64 and its kernels pass their tests there (qemu)",
        run: targets::check,
    },
    Step {
        name: "fuzz",
        about: "no fuzz target panics on its corpus, nor in five seconds beyond it (libFuzzer)",
        run: fuzz::check,
    },
    Step {
        name: "faults",
        about: "killed writers, failing system calls, full disks and hostile servers lose nothing",
        run: faults::check,
    },
    Step {
        name: "package",
        about: "every published crate packages, builds from its package, and is small",
        run: package::check,
    },
    Step {
        name: "example",
        about: "the README's example runs in a crate of its own",
        run: release::example,
    },
    Step {
        name: "c",
        about: "a program in C calls the library for C, also under valgrind",
        run: c::check,
    },
    Step {
        name: "clients",
        about: "OpenAI's own clients for Python and Node talk to `minilm serve`",
        run: clients::check,
    },
    Step {
        name: "wasm",
        about: "the npm package builds, and has the recorded bits in Node, Chromium and a worker",
        run: wasm::check,
    },
    Step {
        name: "python",
        about: "the Python package builds, installs and passes its tests",
        run: wheel::check,
    },
];

/// Tasks besides `check`.
const TASKS: &str = "\
cargo xtask counts [--update]     the step `counts`, or writes benches/record/counts.json
cargo xtask assembly              writes the innermost loop of GEMM to benches/record/tile.json
cargo xtask errors                writes benches/record/errors.json: the largest errors over all
                                  floats; takes minutes
cargo xtask training              writes benches/record/training.json: the run of the book on
                                  BANKING77; takes a minute or two
cargo xtask record [--dir NAME]   measures this machine for benches/record/NAME; leave it alone
                                  meanwhile
cargo xtask report [--check]      writes the tables and figures of the records, or the step `report`
cargo xtask fuzz [--minutes N] [TARGET…]
                                  runs the fuzz targets in turn, ten minutes together by default,
                                  and adds the counts to benches/record/fuzz.json
cargo xtask licenses              writes crates/cli/THIRD-PARTY-LICENSES
cargo xtask faults [--seed N] [--minutes N] [kills|training|calls|disk|servers|soak…]
                                  lets writers be killed, system calls fail, disks fill up and
                                  servers misbehave, and adds the counts to
                                  benches/record/faults.json; `soak` alone takes minutes, 10 by
                                  default
cargo xtask wheel [--with-model] [--all]
                                  builds the wheel of the Python package, installs and tests it,
                                  with the model's weights of eight bits inside, for every target
cargo xtask wasm                  builds the npm package in target/npm/minilm
cargo xtask demo                  builds the page of docs/demo, with the package and a model, in
                                  target/demo
cargo xtask dist                  builds static programs with the model inside, tries them in empty
                                  roots, and packs them in target/dist
cargo xtask man                   writes the manual pages of the program to target/man";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        [] | ["help" | "-h" | "--help", ..] => {
            help();
            return ExitCode::SUCCESS;
        }
        ["check", ref names @ ..] => {
            if let Some(unknown) =
                names.iter().find(|name| STEPS.iter().all(|step| step.name != **name))
            {
                return misused(&format!("no step is called {unknown:?}"));
            }
            let steps = STEPS.iter().filter(|step| names.is_empty() || names.contains(&step.name));
            Workspace::load().and_then(|workspace| {
                steps.into_iter().try_for_each(|step| check(step, &workspace))
            })
        }
        ["counts"] => task(counts::check),
        ["counts", "--update"] => task(counts::update),
        ["assembly"] => task(assembly::update),
        ["errors"] => task(errors::update),
        ["training"] => task(training::update),
        ["record"] => task(|workspace| record::record(workspace, None)),
        ["record", "--dir", name] => task(|workspace| record::record(workspace, Some(name))),
        ["fuzz", ref rest @ ..] => {
            let (minutes, names) = match *rest {
                ["--minutes", minutes, ref names @ ..] => (minutes.parse().ok(), names),
                ref names => (Some(10.0), names),
            };
            match minutes {
                Some(minutes) => task(|workspace| fuzz::fuzz(workspace, minutes, names)),
                None => return misused("--minutes takes a number"),
            }
        }
        ["faults", ref rest @ ..] => task(|workspace| faults::faults(workspace, rest)),
        ["dist"] => task(dist::dist),
        ["licenses"] => task(licenses::write),
        ["man"] => task(man::write),
        ["demo"] => task(wasm::demo),
        ["wasm"] => task(wasm::package),
        ["wheel", ref options @ ..] => task(|workspace| wheel::publish(workspace, options)),
        ["report"] => task(report::write),
        ["report", "--check"] => task(report::check),
        _ => return misused(&format!("what is `cargo xtask {}`?", arguments.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(output) => {
            eprintln!("{}", output.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// Runs one step and prints its line.
fn check(step: &Step, workspace: &Workspace) -> Result<(), String> {
    print!("{:10} ", step.name);
    io::stdout().flush().map_err(|error| error.to_string())?;
    let start = Instant::now();
    let outcome = (step.run)(workspace);
    let (verdict, remark) = match &outcome {
        Ok(remark) => ("ok", remark.as_str()),
        Err(_) => ("FAILED", step.about),
    };
    println!("{verdict:6} {:6.1} s  {remark}", start.elapsed().as_secs_f64());
    outcome.map(|_| ())
}

/// Runs a task and prints its remark.
fn task(run: impl FnOnce(&Workspace) -> Outcome) -> Result<(), String> {
    let remark = run(&Workspace::load()?)?;
    println!("{remark}");
    Ok(())
}

fn misused(message: &str) -> ExitCode {
    eprintln!("{message}\n");
    help();
    ExitCode::from(2)
}

fn help() {
    println!(
        "cargo xtask check [STEP...]\n\nRuns these steps, or those named, and stops at the first \
         that fails:\n"
    );
    for step in &STEPS {
        println!("  {:10} {}", step.name, step.about);
    }
    println!(
        "\nMINILM_REQUIRE_LEVELS=avx512,avx2 makes `levels` fail on a CPU that lacks one of them."
    );
    println!("MINILM_REQUIRE_PYTHON=1 makes `python` and `clients` fail where there is no Python.");
    println!("MINILM_REQUIRE_C=1 makes `c` fail where there is no C compiler.");
    println!("MINILM_REQUIRE_NODE=1 makes `clients` fail where there is no Node with npm.");
    println!("MINILM_REQUIRE_BROWSER=1 makes `browser` fail where there is no Chromium.");
    println!("MINILM_REQUIRE_TARGETS=1 makes `targets` fail where a tool for it is missing.");
    println!(
        "MINILM_REQUIRE_WASM=1 makes `wasm` fail where the target, Node or Chromium is missing."
    );
    println!("MINILM_REQUIRE_FUZZ=1 makes `fuzz` run; it needs a C++ compiler.");
    println!("MINILM_REQUIRE_FAULTS=1 makes `faults` fail where calls or disks cannot fail.\n");
    println!("{TASKS}");
}
