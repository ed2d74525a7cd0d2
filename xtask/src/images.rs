//! Container images: built by buildah from Dockerfiles, kept in the cache's own storage.

pub(crate) mod buildah;
