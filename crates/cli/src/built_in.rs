//! The model that is a part of the program, with the feature `embedded`: all-MiniLM-L6-v2 with
//! weights of eight bits, which `build.rs` rounds.

use minilm::ModelFiles;

/// The model's files; `None` if the program was built without them.
pub(crate) fn files() -> Option<ModelFiles> {
    let files = ModelFiles::new().named("all-MiniLM-L6-v2");
    let with = |files: ModelFiles, (name, bytes)| files.with(name, bytes);
    Some(parts()?.into_iter().fold(files, with))
}

/// Their names in a model's directory, and their content.
#[cfg(not(feature = "embedded"))]
pub(crate) fn parts() -> Option<Vec<(&'static str, &'static [u8])>> {
    None
}

/// Their names in a model's directory, and their content.
#[cfg(feature = "embedded")]
pub(crate) fn parts() -> Option<Vec<(&'static str, &'static [u8])>> {
    /// Tensors are read where they are, so they begin at a multiple of their element's size.
    #[repr(C, align(64))]
    struct Aligned<T: ?Sized>(T);

    static WEIGHTS: &Aligned<[u8]> =
        &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/model.safetensors")));

    /// The other files of the directory, as they are.
    macro_rules! files {
        ($($name:literal),*) => {
            vec![$((
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
    let mut files = files![
        "1_Pooling/config.json",
        "config.json",
        "config_sentence_transformers.json",
        "modules.json",
        "sentence_bert_config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json"
    ];
    files.push(("model.safetensors", &WEIGHTS.0));
    Some(files)
}
