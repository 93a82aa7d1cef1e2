//! Memory: nothing is allocated in a forward pass, and a stream or a text of any length takes the
//! same.
//!
//! One test, because it counts the allocations of the whole program.

mod support;

use minilm::{
    Level, SentenceEncoder,
    model::{Batch, Bert, Scratch},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use support::{model, tiny::Tiny};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn forward_allocates_nothing_and_a_stream_stays_flat() {
    forward_allocates_nothing_after_the_first_pack();
    a_stream_of_100_000_texts_takes_no_more_than_one_of_1000();
    tokenising_ten_megabytes_takes_less_than_they_do();
}

fn forward_allocates_nothing_after_the_first_pack() {
    for level in Level::available() {
        let bert = Bert::load(&model(), level).unwrap();
        let mut batch = Batch::default();
        let mut scratch = Scratch::default();
        let sentence: Vec<u32> = (0..9).map(|i| 2000 + i).collect();
        let longer = [sentence.as_slice(), &sentence].concat();

        batch.push(&longer);
        batch.push(&sentence);
        bert.forward(&batch, &mut scratch).unwrap();
        let region = Region::new(ALLOCATOR);
        bert.forward(&batch, &mut scratch).unwrap();
        batch.clear();
        batch.push(&sentence);
        bert.forward(&batch, &mut scratch).unwrap();
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "level {level}");
    }
}

fn a_stream_of_100_000_texts_takes_no_more_than_one_of_1000() {
    let directory = Tiny::new().with_modules().write();
    let encoder = SentenceEncoder::builder().threads(1).load(directory.path()).unwrap();
    let words = ["the", "cat", "sat", "on", "a", "mat", "dog", "ran"];
    let text = |i: usize| (0..6).map(|k| words[(i >> (3 * k)) % 8]).collect::<Vec<_>>().join(" ");

    let region = Region::new(ALLOCATOR);
    let mut most = [0, 0]; // bytes in use, within the first windows and after
    let mut seen = 0;
    for (i, sentence) in encoder.encode_iter((0..100_000).map(text)).enumerate() {
        sentence.unwrap();
        let change = region.change();
        let in_use = change.bytes_allocated as isize - change.bytes_deallocated as isize;
        let part = usize::from(i >= 2048);
        most[part] = most[part].max(in_use);
        seen += 1;
    }
    assert_eq!(seen, 100_000);
    println!("bytes in use: {} in the first 2048 texts, {} after", most[0], most[1]);
    assert!(most[1] <= most[0] + most[0] / 20, "{most:?}");
}

fn tokenising_ten_megabytes_takes_less_than_they_do() {
    let encoder = SentenceEncoder::builder().threads(1).load(model()).unwrap();
    for (part, tokens) in [("seven grey cats, ", 256), ("withoutablank", 3)] {
        let text = part.repeat(10_000_000 / part.len());
        // Linux forgets the most so far when asked to.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let Some(before) = most_memory() else { return };
        assert_eq!(encoder.count_tokens(&text).unwrap().used, tokens);
        let taken = most_memory().expect("it was there before") - before;
        println!("tokenising 10 MB took {} KB at the most", taken / 1024);
        assert!(taken < text.len(), "{taken} bytes");
    }
}

/// The most memory this program had, where the operating system tells.
fn most_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kilobytes| kilobytes * 1024)
}
