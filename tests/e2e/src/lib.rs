//! End-to-end tests on a real cluster: what runs in pods, and the harness that the tests under `tests/` use.

pub mod bench;
pub mod clock;
pub mod harness;
pub mod pod;
pub mod wire;
