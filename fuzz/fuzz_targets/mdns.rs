//! Answers to a multicast question for printers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::mdns(data));
