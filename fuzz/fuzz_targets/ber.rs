//! SNMP responses as they stand in a datagram.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::ber(data));
