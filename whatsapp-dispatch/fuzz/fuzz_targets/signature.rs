//! libFuzzer's door to [`fuzzed::signature`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::signature(data));
