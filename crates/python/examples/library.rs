//! The library without Python: what `benches/measure.py` compares the package with.
//!
//! Reads a model's directory from the first argument and texts from a file, one per line. Then each
//! line of standard input is a measurement: `texts` encodes all of them, and `one` encodes a short
//! text a thousand times. It prints the seconds of each, per call.

use minilm::SentenceEncoder;
use std::{env, error::Error, fs, io, time::Instant};

const SHORT: &str = "A man is eating food.";
const CALLS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, file] = &arguments[..] else { return Err("MODEL and FILE".into()) };
    let encoder = SentenceEncoder::load(model)?;
    let texts = fs::read_to_string(file)?;
    let texts: Vec<&str> = texts.lines().collect();
    for line in io::stdin().lines() {
        let start = Instant::now();
        let calls = match line?.as_str() {
            "texts" => {
                encoder.encode(&texts)?;
                1
            }
            "one" => {
                for _ in 0..CALLS {
                    encoder.encode_one(SHORT)?;
                }
                CALLS
            }
            other => return Err(format!("what is {other:?}?").into()),
        };
        println!("{}", start.elapsed().as_secs_f64() / f64::from(calls));
    }
    Ok(())
}
