//! The program `devspace-agent`: static, needs nothing of the image it runs in.

fn main() {}
