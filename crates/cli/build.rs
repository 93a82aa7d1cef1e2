//! With the feature `embedded`: rounds the weights of the repository's model to eight bits, for
//! `src/built_in.rs`. Without it, there is nothing to do.
#![forbid(unsafe_code)]

#[cfg(not(feature = "embedded"))]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}

#[cfg(feature = "embedded")]
fn main() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/all-MiniLM-L6-v2");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={model}");
    if let Err(error) = round(model.as_ref()) {
        println!("cargo::error=the feature `embedded` needs weights/all-MiniLM-L6-v2: {error}");
    }
}

/// Writes `model.safetensors` of eight bits to the directory that Cargo names.
#[cfg(feature = "embedded")]
fn round(model: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    use minilm_model::{Checkpoint, Config};
    let config = Config::read(&model.join("config.json"))?;
    let weights = Checkpoint::open(&model.join("model.safetensors"))?.rounded(&config)?;
    let directory = std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    std::fs::write(std::path::Path::new(&directory).join("model.safetensors"), weights)?;
    Ok(())
}
