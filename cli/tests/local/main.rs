//! The program `devspace` on the engine `local`: daemon, services and copies are real processes.
//!
//! It needs python3 and no rights. All state lies in a temporary folder.
#![cfg(target_os = "linux")]

#[cfg(test)]
mod bench;
#[cfg(test)]
mod life;
