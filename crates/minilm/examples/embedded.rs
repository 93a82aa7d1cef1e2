//! A program that contains its model: `cargo run --release --example embedded`
//!
//! It needs no directory of a model, wherever it runs. Here the weights are included as they are,
//! 91 MB, and rounded when they are loaded. `minilm quantize-model` writes a directory of 23 MB to
//! include instead.

use minilm::{
    ModelFiles, Precision, SentenceEncoder,
    tasks::{
        index::{self, Index},
        search::Search,
    },
};
use std::{env, error::Error, fs};

/// Tensors are read where they are if they begin at a multiple of their element's size.
#[repr(C, align(64))]
struct Aligned<T: ?Sized>(T);

/// A file of the model, as part of the program.
macro_rules! model_file {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/weights/all-MiniLM-L6-v2/", $name))
    };
}

static WEIGHTS: &Aligned<[u8]> = &Aligned(*model_file!("model.safetensors"));

fn model() -> Result<SentenceEncoder, minilm::Error> {
    let files = ModelFiles::new()
        .named("all-MiniLM-L6-v2")
        .with("model.safetensors", &WEIGHTS.0)
        .with("config.json", model_file!("config.json").as_slice())
        .with("tokenizer.json", model_file!("tokenizer.json").as_slice())
        .with("tokenizer_config.json", model_file!("tokenizer_config.json").as_slice())
        .with("special_tokens_map.json", model_file!("special_tokens_map.json").as_slice())
        .with("modules.json", model_file!("modules.json").as_slice())
        .with("1_Pooling/config.json", model_file!("1_Pooling/config.json").as_slice())
        .with("sentence_bert_config.json", model_file!("sentence_bert_config.json").as_slice());
    SentenceEncoder::builder().precision(Precision::Int8).from_bytes(files)
}

fn main() -> Result<(), Box<dyn Error>> {
    let encoder = model()?;
    let notes = [
        "Bread needs flour, water, salt and time.",
        "The train to Hamburg leaves at nine.",
        "The meeting is moved to Thursday.",
    ];
    // The space of an index comes from the bytes, so other runs of this program search it too.
    let path = env::current_dir()?.join("notes.index");
    index::write(&path, &encoder.space(), encoder.encode(&notes)?.view(), &notes)?;

    let index = Index::read(&path)?;
    let query = encoder.encode(&["when do we meet"])?;
    let hits = index.search(&encoder.space(), query.view(), &Search::new().top_k(1))?;
    println!("{}", index.text(hits[0][0].corpus_id)?);
    fs::remove_file(path)?;
    Ok(())
}
