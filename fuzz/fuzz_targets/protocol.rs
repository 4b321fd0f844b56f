//! What travels between agent and portal, before and after it is opened.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::protocol(data));
