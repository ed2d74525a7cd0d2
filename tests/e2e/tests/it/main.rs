//! End-to-end tests on a real cluster. Each has namespaces of its own and prints what it counted and timed;
//! `cargo test` shows that with `--show-output`.

mod carriers;
mod faults;
mod follow;
mod kills;
mod rights;
mod save;
mod spaces;
mod tools;
mod up;
mod verbs;
