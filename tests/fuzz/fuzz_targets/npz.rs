#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| minilm_fuzz::npz(data));
