//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Time minilm and its rivals side by side on this machine
///
/// Every engine is a process of its own. They run one at a time, turn by turn, several rounds; all
/// others are stopped meanwhile. Their vectors are compared with minilm's in the same run.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub options: Options,
}

#[derive(Debug, Args)]
pub struct Options {
    /// Threads of each engine; several numbers are measured one after the other [default: 1,2 where
    /// there are two CPUs]
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<Vec<u16>>,

    /// The CPUs to use, the first of them for one thread [default: the first that this process may
    /// use]
    #[arg(long, value_name = "CPU,…", value_delimiter = ',')]
    pub cpus: Option<Vec<usize>>,

    /// The number of rounds, in each of which every engine has a turn
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,

    /// Only these engines; minilm is always among them
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub engines: Option<Vec<String>>,

    /// The lines of FILE instead of the made-up sentences
    #[arg(long, value_name = "FILE")]
    pub texts: Option<PathBuf>,

    /// Only one kind of work [default: all but training]
    #[arg(long, value_enum)]
    pub only: Option<Only>,

    /// Only the sets of these names
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub sets: Option<Vec<String>>,

    /// Write the results to FILE as well
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Only the engines that need no Python
    #[arg(long)]
    pub no_python: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// Text in, vectors out
    Texts,
    /// Token ids in, vectors out
    Ids,
    /// Vectors in, the nearest rows out
    Search,
    /// Pairs in, steps of training
    Training,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// One engine, spoken to on standard input
    #[command(hide = true)]
    Worker(Worker),
}

#[derive(Debug, Args)]
pub struct Worker {
    pub engine: String,
    pub threads: usize,
    /// The sets, as JSON
    pub sets: PathBuf,
    /// The model's directory
    pub model: PathBuf,
    /// The directory of the exported graphs
    pub graphs: PathBuf,
}
