//! Everything together: real processes, real TLS, simulated printers, both databases.

mod kill;
mod probe;
mod programs;
mod wire;
mod world;
