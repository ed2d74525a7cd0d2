//! The program `devspace-controller`: observe, plan, apply, status.

fn main() {}
