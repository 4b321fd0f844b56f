//! The agents as a whole on loopback: what they read of printers that are good, hostile, or of other people's
//! making, what they keep, and what they say to a portal.
#![cfg(feature = "net")]

// Two test programs share these, and each uses a part.
#[allow(dead_code, unused_imports)]
mod behaviours;
mod collector;
mod direct;
mod doctor;
mod hostile;
mod interfaces;
// What the fuzzers do with readers that are not the drivers', once for each file of their corpus.
#[path = "../../../../fuzz/src/outside.rs"]
mod outside;
#[cfg(target_os = "linux")]
mod peers;
mod portal;
mod proxies;
mod site;
