//! `minilm-ladder`: every kernel from the plain loop to the shipped one, measured on this machine,
//! and the bake-off of tiles.
#![forbid(unsafe_code)]

use clap::{Args, Parser, Subcommand};
use minilm_kernels::Level;
use minilm_ladder::{
    LADDERS, Peaks, Report, Table,
    bakeoff::{self, Variant},
};
use serde::Serialize;
use std::process::ExitCode;

/// Measures the rungs of each ladder in turns and prints them as tables
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    ladders: Ladders,
}

#[derive(Subcommand)]
enum Command {
    /// The product of GEMM with other tiles, chains and loops than the shipped one, in percent of
    /// the core's peak
    Bakeoff(BakeOff),
}

#[derive(Args)]
struct Ladders {
    /// Ladders to run; all if none is named
    #[arg(value_name = "LADDER", value_parser = LADDERS.map(|ladder| ladder.name))]
    ladders: Vec<String>,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// Seconds for each table; at least five rounds are made, however long they take
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    seconds: f64,
    /// Only the first shape of each ladder and a few rounds: a look, in seconds, and not a
    /// measurement
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,
    /// Instruction set: auto, avx512, avx2 or portable
    #[arg(long, default_value = "auto")]
    level: Level,
}

#[derive(Args)]
struct BakeOff {
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// Seconds for all together; at least five rounds are made, however long they take
    #[arg(long, value_name = "N", default_value_t = 60.0)]
    seconds: f64,
    /// A few rounds: a look, in seconds, and not a measurement
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,
    /// Instruction set: avx512 or avx2; without it, each that this CPU has
    #[arg(long)]
    level: Option<Level>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Command::Bakeoff(arguments)) => bake_off(&arguments),
        None => climb(&arguments.ladders),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The ladders that were asked for.
fn climb(arguments: &Ladders) -> Result<(), String> {
    let level = arguments.level;
    let peaks = Peaks::measure(level);
    let (peak_flops, peak_ops) = (peaks.flops, peaks.ops);
    let mut report = Report { level: level.name(), peak_flops, peak_ops, ladders: Vec::new() };
    if !arguments.json {
        println!(
            "level {level}, {:.1} GFLOP/s of multiply-adds and {:.1} GOP/s of products in eight \
             bits on registers, one core\n",
            peak_flops / 1e9,
            peak_ops / 1e9
        );
    }
    let named = |name: &str| {
        arguments.ladders.is_empty() || arguments.ladders.iter().any(|asked| asked == name)
    };
    for ladder in LADDERS.into_iter().filter(|ladder| named(ladder.name)) {
        let (cases, seconds) =
            if arguments.quick { (1, 0.0) } else { (ladder.cases.len(), arguments.seconds) };
        for &case in &ladder.cases[..cases] {
            let table = Table::measure(ladder, case, level, peaks, seconds);
            if !arguments.json {
                println!("{table}");
            }
            report.ladders.push(table);
        }
    }
    if arguments.json { print_json(&report) } else { Ok(()) }
}

/// The bake-off on the levels that were asked for.
fn bake_off(arguments: &BakeOff) -> Result<(), String> {
    let mut levels = arguments.level.map_or_else(Level::available, |level| vec![level]);
    levels.retain(|&level| !Variant::all(level).is_empty());
    if levels.is_empty() {
        let which = arguments.level.map_or("what this CPU has", Level::name);
        return Err(format!("there are tiles for avx512 and avx2, not for {which}"));
    }
    let measured = bakeoff::measure(&levels, if arguments.quick { 0.0 } else { arguments.seconds });
    if arguments.json {
        return print_json(&measured);
    }
    println!("{measured}");
    Ok(())
}

fn print_json(report: &impl Serialize) -> Result<(), String> {
    println!("{}", serde_json::to_string_pretty(report).map_err(|error| error.to_string())?);
    Ok(())
}
