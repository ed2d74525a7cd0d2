//! Pure plans over Kubernetes types: interception steps, copy derivation, mirroring, objects we own.

pub mod copy;
pub mod mirror;
pub mod space;
