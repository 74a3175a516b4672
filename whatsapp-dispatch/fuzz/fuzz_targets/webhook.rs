//! libFuzzer's door to [`fuzzed::webhook`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::webhook(data));
