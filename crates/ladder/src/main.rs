//! `minilm-ladder`: every kernel from the plain loop to what is shipped, measured on this machine.
#![forbid(unsafe_code)]

use clap::Parser;
use minilm_kernels::Level;
use minilm_ladder::{LADDERS, Report, Table, peak};
use std::process::ExitCode;

/// Measures the rungs of each ladder in turns and prints them as tables
#[derive(Parser)]
struct Arguments {
    /// Ladders to run; all if none is named
    #[arg(value_name = "LADDER", value_parser = LADDERS.map(|ladder| ladder.name))]
    ladders: Vec<String>,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// Seconds for each table; at least five rounds are made, however long they take
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    seconds: f64,
    /// Only the first shape of each ladder and a few rounds: a look, in seconds, and not a measurement
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,
    /// Instruction set: auto, avx512, avx2 or portable
    #[arg(long, default_value = "auto")]
    level: Level,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = arguments.level;
    let mut report = Report { level: level.name(), peak_flops: peak(level), ladders: Vec::new() };
    if !arguments.json {
        println!("level {level}, {:.1} GFLOP/s of multiply-adds on registers, one core\n", report.peak_flops / 1e9);
    }
    let named = |name: &str| arguments.ladders.is_empty() || arguments.ladders.iter().any(|asked| asked == name);
    for ladder in LADDERS.into_iter().filter(|ladder| named(ladder.name)) {
        let (cases, seconds) = if arguments.quick { (1, 0.0) } else { (ladder.cases.len(), arguments.seconds) };
        for &case in &ladder.cases[..cases] {
            let table = Table::measure(ladder, case, level, report.peak_flops, seconds);
            if !arguments.json {
                println!("{table}");
            }
            report.ladders.push(table);
        }
    }
    if arguments.json {
        match serde_json::to_string_pretty(&report) {
            Ok(json) => println!("{json}"),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
