//! The PIWS driver, resource by resource.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::piws(data));
