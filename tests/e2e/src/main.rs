//! Load client of the end-to-end tests, run as a pod.

fn main() {}
