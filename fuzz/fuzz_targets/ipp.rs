//! IPP responses: a printer's attributes and its jobs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::ipp(data));
