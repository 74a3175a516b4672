//! libFuzzer's door to [`fuzzed::number`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::number(data));
