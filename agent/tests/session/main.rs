//! A session and an agent in one process, with real folders, real processes and a real TCP connection.

mod bench;
mod faults;
mod files;
mod program;
mod tunnel;
