//! A session and an agent in one process, with real folders, real processes and a real TCP connection.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod program;
#[cfg(test)]
mod tunnel;
