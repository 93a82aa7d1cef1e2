//! The message of a panic, which outlives the call that it traps.

use std::{
    panic,
    sync::{Once, OnceLock},
};

static MESSAGE: OnceLock<String> = OnceLock::new();

/// Keeps the message of the first panic.
pub fn watch() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let _ = MESSAGE.set(info.to_string());
        }));
    });
}

pub fn message() -> &'static str {
    MESSAGE.get().map_or("", String::as_str)
}
