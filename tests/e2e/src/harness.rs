//! What the tests use.
