//! The model that is a part of the program, with the feature `embedded`: all-MiniLM-L6-v2 with
//! weights of eight bits, which `build.rs` rounds.

use minilm::ModelFiles;

/// The model's files; `None` if the program was built without them.
#[cfg(not(feature = "embedded"))]
pub(crate) fn files() -> Option<ModelFiles> {
    None
}

/// The model's files; `None` if the program was built without them.
#[cfg(feature = "embedded")]
pub(crate) fn files() -> Option<ModelFiles> {
    /// Tensors are read where they are, so they begin at a multiple of their element's size.
    #[repr(C, align(64))]
    struct Aligned<T: ?Sized>(T);

    static WEIGHTS: &Aligned<[u8]> =
        &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/model.safetensors")));

    /// The other files of the directory, as they are.
    macro_rules! files {
        ($($name:literal),*) => {
            [$((
                $name,
                include_bytes!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/../../weights/all-MiniLM-L6-v2/",
                    $name
                ))
                .as_slice(),
            )),*]
        };
    }
    let others = files![
        "1_Pooling/config.json",
        "config.json",
        "config_sentence_transformers.json",
        "modules.json",
        "sentence_bert_config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json"
    ];
    let files = ModelFiles::new().named("all-MiniLM-L6-v2");
    let files = files.with("model.safetensors", &WEIGHTS.0);
    Some(others.into_iter().fold(files, |files, (name, bytes)| files.with(name, bytes)))
}
