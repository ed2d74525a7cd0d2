//! The program `devspace-proxy`: the router of one baseline.

fn main() {}
