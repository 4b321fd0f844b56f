//! The LEDM driver, resource by resource.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::ledm(data));
