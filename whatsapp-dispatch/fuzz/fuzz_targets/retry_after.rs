//! libFuzzer's door to [`fuzzed::retry_after`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::retry_after(data));
