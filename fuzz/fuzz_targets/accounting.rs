//! The accounting table of the older web server, as HTML, a spreadsheet or delimited text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::accounting(data));
