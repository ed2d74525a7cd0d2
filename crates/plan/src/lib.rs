//! Pure plans over Kubernetes types: interception steps, copy derivation, mirroring, objects we own.

pub mod copy;
pub mod interception;
pub mod mirror;
pub mod router;
pub mod space;
