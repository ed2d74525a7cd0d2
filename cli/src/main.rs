//! The program `devspace`.

fn main() {}
