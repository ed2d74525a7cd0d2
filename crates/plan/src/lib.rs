//! Pure plans over Kubernetes types: interception steps, copy derivation, mirroring, objects we own.
