//! The XML of the older web server.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::ews_xml(data));
