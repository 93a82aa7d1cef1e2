//! # minilm-capi
//!
//! Sentence embeddings for C, and for languages that call C. `include/minilm.h` documents the
//! functions; this page says how they are made.
//!
//! ```text
//! a call     pointers ── checked for null ──► slices, texts ── the library ──► the caller's buffer
//! an error   kept for the thread, read by `minilm_last_error`; the call returns its kind
//! a panic    caught before it reaches C, and an error of its own kind
//! ```
//!
//! `unsafe` is here only where a pointer of the caller is followed. That it points to what the
//! header says cannot be checked, and each place names what it relies on.

mod pointers;

use minilm::{EncodeOptions, Precision, SentenceEncoder, similarity};
use pointers::{borrow, copy_to, set, strings, take, text, vector};
use std::{
    cell::RefCell,
    ffi::{CString, c_char},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
};

/// What a call says, `minilm_status`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is done.
    Ok = 0,
    /// An argument cannot be used.
    Argument = 1,
    /// The model could not be loaded.
    Load = 2,
    /// The texts could not be encoded.
    Encode = 3,
    /// A bug of this library.
    Panic = 4,
}

/// A model that is loaded, `minilm_encoder`.
#[derive(Debug)]
pub struct Encoder(SentenceEncoder);

/// Why a call fails.
type Failure = (Status, String);

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// Runs a call; its error, or its panic, is kept for `minilm_last_error`.
fn run(call: impl FnOnce() -> Result<(), Failure>) -> Status {
    let result = catch_unwind(AssertUnwindSafe(call));
    let (status, reason) = match result {
        Ok(Ok(())) => return Status::Ok,
        Ok(Err(failure)) => failure,
        Err(_) => (Status::Panic, "a bug: the library has panicked".to_owned()),
    };
    // A zero byte would end the message.
    let message = CString::new(reason.replace('\0', "\u{fffd}")).unwrap_or_default();
    LAST.with(|last| *last.borrow_mut() = message);
    status
}

/// An argument that cannot be used.
pub(crate) fn argument(reason: impl Into<String>) -> Failure {
    (Status::Argument, reason.into())
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// The version, with a zero byte at its end.
#[unsafe(no_mangle)]
pub extern "C" fn minilm_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The error of the last call that failed on this thread.
#[unsafe(no_mangle)]
pub extern "C" fn minilm_last_error() -> *const c_char {
    LAST.with(|last| last.borrow().as_ptr())
}

/// Loads a model.
///
/// # Safety
/// `directory` is a string that ends in a zero byte, `precision` too or null, and `encoder` points
/// to a pointer that can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minilm_load(
    directory: *const c_char,
    precision: *const c_char,
    threads: u32,
    encoder: *mut *mut Encoder,
) -> Status {
    run(|| {
        // SAFETY: the caller's promise for `encoder`.
        unsafe { set(encoder, ptr::null_mut(), "encoder") }?;
        // SAFETY: the caller's promise for `directory`.
        let directory = unsafe { text(directory, "directory") }?;
        let mut builder = SentenceEncoder::builder().threads(threads as usize);
        if !precision.is_null() {
            // SAFETY: the caller's promise for `precision`.
            let name = unsafe { text(precision, "precision") }?;
            let precision = name.parse::<Precision>();
            builder = builder.precision(precision.map_err(|error| argument(error.to_string()))?);
        }
        let loaded = builder.load(directory).map_err(|error| (Status::Load, chain(&error)))?;
        // SAFETY: the caller's promise for `encoder`.
        unsafe { set(encoder, Box::into_raw(Box::new(Encoder(loaded))), "encoder") }
    })
}

/// Frees an encoder.
///
/// # Safety
/// `encoder` is null, or comes from `minilm_load` and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minilm_free(encoder: *mut Encoder) {
    run(|| {
        // SAFETY: the caller's promise.
        drop(unsafe { take(encoder) });
        Ok(())
    });
}

/// The floats of an embedding.
///
/// # Safety
/// `encoder` is null, or comes from `minilm_load` and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minilm_dimension(encoder: *const Encoder) -> usize {
    // SAFETY: the caller's promise.
    unsafe { borrow(encoder, "encoder") }.map_or(0, |encoder| encoder.0.dimension())
}

/// The longest text that is read whole, in tokens.
///
/// # Safety
/// As `minilm_dimension`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minilm_max_tokens(encoder: *const Encoder) -> usize {
    // SAFETY: the caller's promise.
    unsafe { borrow(encoder, "encoder") }.map_or(0, |encoder| encoder.0.max_tokens())
}

/// Encodes texts that end in a zero byte.
///
/// # Safety
/// `encoder` comes from `minilm_load` and is not freed; `texts` points to `count` strings that end
/// in a zero byte, and `embeddings` to `capacity` floats that can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minilm_encode(
    encoder: *const Encoder,
    texts: *const *const c_char,
    count: usize,
    embeddings: *mut f32,
    capacity: usize,
) -> Status {
    run(|| {
        // SAFETY: the caller's promise for `encoder`.
        let encoder = unsafe { borrow(encoder, "encoder") }?;
        // SAFETY: the caller's promise for `texts`.
        let texts = unsafe { strings(texts, None, count) }?;
        let found = encode(encoder, &texts, capacity)?;
        // SAFETY: the caller's promise for `embeddings`, which `encode` found to be long enough.
        unsafe { copy_to(embeddings, &found, "embeddings") }
    })
}

/// Encodes texts of these lengths.
///
/// # Safety
/// `encoder` comes from `minilm_load` and is not freed; `lengths` points to `count` numbers,
/// `texts` to `count` pointers to as many bytes, and `embeddings` to `capacity` floats that can be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minilm_encode_lengths(
    encoder: *const Encoder,
    texts: *const *const c_char,
    lengths: *const usize,
    count: usize,
    embeddings: *mut f32,
    capacity: usize,
) -> Status {
    run(|| {
        // SAFETY: the caller's promise for `encoder`.
        let encoder = unsafe { borrow(encoder, "encoder") }?;
        // SAFETY: the caller's promise for `lengths`.
        let lengths = unsafe { vector(lengths, count, "lengths") }?;
        // SAFETY: the caller's promise for `texts`.
        let texts = unsafe { strings(texts, Some(lengths), count) }?;
        let found = encode(encoder, &texts, capacity)?;
        // SAFETY: the caller's promise for `embeddings`, which `encode` found to be long enough.
        unsafe { copy_to(embeddings, &found, "embeddings") }
    })
}

/// The rows of all embeddings, if they fit into `capacity` floats.
fn encode(encoder: &Encoder, texts: &[&str], capacity: usize) -> Result<Vec<f32>, Failure> {
    let dimension = encoder.0.dimension();
    let needed = texts.len().saturating_mul(dimension);
    if capacity < needed {
        return Err(argument(format!(
            "embeddings: {} texts of {dimension} floats need {needed}, but {capacity} fit",
            texts.len()
        )));
    }
    let found = encoder.0.encode_with(texts, &EncodeOptions::new());
    let found = found.map_err(|error| (Status::Encode, chain(&error)))?;
    Ok(found.embeddings.iter().copied().collect())
}

/// Counts the tokens of a text.
///
/// # Safety
/// `encoder` comes from `minilm_load` and is not freed; `text` ends in a zero byte; `used` and
/// `dropped` are null or point to numbers that can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minilm_count_tokens(
    encoder: *const Encoder,
    text: *const c_char,
    used: *mut usize,
    dropped: *mut usize,
) -> Status {
    run(|| {
        // SAFETY: the caller's promise for `encoder`.
        let encoder = unsafe { borrow(encoder, "encoder") }?;
        // SAFETY: the caller's promise for `text`.
        let text = unsafe { pointers::text(text, "text") }?;
        let count = encoder.0.count_tokens(text);
        let count = count.map_err(|error| (Status::Encode, chain(&error)))?;
        if !used.is_null() {
            // SAFETY: the caller's promise for `used`.
            unsafe { set(used, count.used, "used") }?;
        }
        if !dropped.is_null() {
            // SAFETY: the caller's promise for `dropped`.
            unsafe { set(dropped, count.dropped, "dropped") }?;
        }
        Ok(())
    })
}

/// The cosine of two vectors.
///
/// # Safety
/// `a` and `b` are null, or point to `n` floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minilm_cosine(a: *const f32, b: *const f32, n: usize) -> f32 {
    let mut cosine = f32::NAN;
    run(|| {
        // SAFETY: the caller's promise for `a`.
        let a = unsafe { vector(a, n, "a") }?;
        // SAFETY: the caller's promise for `b`.
        let b = unsafe { vector(b, n, "b") }?;
        cosine = similarity::cosine(a, b);
        Ok(())
    });
    cosine
}
