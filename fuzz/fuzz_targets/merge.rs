//! What two interfaces of one printer said, made one report.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::merge(data));
