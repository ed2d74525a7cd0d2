//! The router as a library: listeners, protocols, upstream pools, drain. Knows nothing of Kubernetes.
