//! The JSON and XML reader, through the driver of PIWS.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::document(data));
