//! Callers that share an encoder for minutes: the bits stay, memory stays flat, and no caller waits
//! while another goes on. `cargo xtask faults soak` runs it.
#![cfg(target_os = "linux")]

mod support;

use minilm::{SentenceEncoder, Windows};
use std::{
    env, fs, hint,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};
use support::{bits, model};

/// More than the processors of most machines.
const CALLERS: usize = 8;

/// Growth of the resident memory after the first fifth of the time, in kilobytes.
const GROWTH: usize = 8 << 10;

/// The most rounds that another caller makes while one makes a single round. The operating system
/// gives each thread its share of the time, though not in each moment.
const ROUNDS: usize = 6;

/// A round of calls: one text, some texts, and a text that is longer than the model reads.
struct Round {
    few: Vec<String>,
    long: String,
}

impl Round {
    fn new() -> Round {
        let texts = ["A man is eating food.", "The sky is clear tonight, and cold.", "Why not?"];
        let few = (0..30).map(|i| format!("{} {i}", texts[i % texts.len()])).collect();
        Round { few, long: "A long text of many words. ".repeat(80) }
    }

    /// The bits of all its vectors; `call` is called after each call.
    fn make(&self, encoder: &SentenceEncoder, call: impl Fn()) -> Vec<u32> {
        let one = encoder.encode_one(&self.few[0]).expect("a vector");
        call();
        let few = encoder.encode(&self.few).expect("vectors");
        call();
        let long = encoder.encode_long(&self.long, Windows::new()).expect("a vector");
        call();
        bits(one.iter().chain(&few).chain(&long))
    }
}

/// The resident memory of this process, in kilobytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
#[ignore = "it takes minutes: cargo xtask faults soak"]
fn callers_that_share_an_encoder_get_their_bits_their_turn_and_no_more_memory() {
    let seconds: u64 = env::var("MINILM_SOAK_SECONDS").map_or(600, |n| n.parse().expect("seconds"));
    let time = Duration::from_secs(seconds);
    let encoder = SentenceEncoder::load(model()).expect("the model of the repository");
    let round = Round::new();
    let expected = round.make(&encoder, || {});
    let (calls, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let rounds: [AtomicUsize; CALLERS] = std::array::from_fn(|_| AtomicUsize::new(0));
    let read = || rounds.each_ref().map(|count| count.load(Ordering::Relaxed));
    let (most, memory) = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|own| {
                let (encoder, round, expected) = (encoder.clone(), &round, &expected);
                let (calls, stop, rounds, read) = (&calls, &stop, &rounds, &read);
                scope.spawn(move || {
                    let mut most = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let before = read();
                        let found = round.make(&encoder, || {
                            calls.fetch_add(1, Ordering::Relaxed);
                        });
                        assert!(found == *expected, "other bits than alone");
                        rounds[own].fetch_add(1, Ordering::Relaxed);
                        let others = read().into_iter().zip(before).map(|(now, then)| now - then);
                        most = most.max(others.max().unwrap_or(0));
                    }
                    most
                })
            })
            .collect();
        let start = Instant::now();
        let mut memory = Vec::new();
        while start.elapsed() < time && !callers.iter().any(|caller| caller.is_finished()) {
            thread::sleep(time.min(Duration::from_secs(1)));
            if start.elapsed() > time / 5 {
                memory.push(resident());
            }
        }
        stop.store(true, Ordering::Relaxed);
        let most = callers.into_iter().map(|caller| caller.join().expect("no panic")).max();
        (most.unwrap_or(0), memory)
    });
    hint::black_box(&encoder);
    let (first, last) = (memory[0], memory.iter().copied().max().unwrap_or(0));
    let rounds = read();
    println!(
        "soak: {} calls of {CALLERS} callers in {seconds} s; rounds of a caller {} to {}; while \
         one made a round, another made {most} at most; memory {first} to {last} kB",
        calls.into_inner(),
        rounds.iter().min().expect("callers"),
        rounds.iter().max().expect("callers"),
    );
    assert!(last <= first + GROWTH, "memory grows: {memory:?}");
    assert!(most <= ROUNDS, "a caller waited while another made {most} rounds");
}
