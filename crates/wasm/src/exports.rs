//! The names under which JavaScript finds the functions of the module.
//!
//! A name that is not mangled is an unsafe attribute, since two functions of one name would be
//! undefined behaviour. There is one of each here, and no other `unsafe`.
#![expect(unsafe_code, reason = "names that are not mangled")]

use crate::{panics, random, state};

/// Memory of so many bytes for the next call, at the address that is returned; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(bytes: usize) -> usize {
    state::with(|state| state.buffer(bytes))
}

/// The buffer is the name of the next file.
#[unsafe(no_mangle)]
pub extern "C" fn name() -> u32 {
    state::with(|state| state.call(state::State::name))
}

/// The buffer is a file of the model.
#[unsafe(no_mangle)]
pub extern "C" fn file() -> u32 {
    state::with(|state| state.call(state::State::file))
}

/// Loads the model from the files; the buffer has the options. The output says what was loaded.
#[unsafe(no_mangle)]
pub extern "C" fn load() -> u32 {
    state::with(|state| state.call(state::State::load))
}

/// Embeds texts; the buffer has the options and the texts. The output is the embeddings as `f32`,
/// text after text, and behind them the tokens used and dropped of each text as `u32`.
#[unsafe(no_mangle)]
pub extern "C" fn encode() -> u32 {
    state::with(|state| state.call(state::State::encode))
}

/// Where the output of the last call is, or its error: JSON with `kind` and `message`.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> usize {
    state::with(|state| state.output().as_ptr().addr())
}

/// The bytes of the output.
#[unsafe(no_mangle)]
pub extern "C" fn output_length() -> usize {
    state::with(|state| state.output().len())
}

/// Where the message of the panic is that ended the last call with a trap.
#[unsafe(no_mangle)]
pub extern "C" fn panic() -> usize {
    panics::message().as_ptr().addr()
}

/// The bytes of the panic's message; 0 if there was no panic.
#[unsafe(no_mangle)]
pub extern "C" fn panic_length() -> usize {
    panics::message().len()
}

/// 1 if multiply-adds of this module are fused in this engine.
#[unsafe(no_mangle)]
pub extern "C" fn is_fused() -> u32 {
    u32::from(minilm::Level::detect().name() == "relaxed")
}

/// Seeds the random numbers of the tokenizer's hash tables.
#[unsafe(no_mangle)]
pub extern "C" fn seed(low: u32, high: u32) {
    random::seed(u64::from(high) << 32 | u64::from(low));
}
