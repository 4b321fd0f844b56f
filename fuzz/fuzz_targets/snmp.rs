//! SNMP walks as the driver reads them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::snmp(data));
