//! Reports of a small organisation: what they say, what they find, and what verifying them finds.
#![allow(clippy::unwrap_used, missing_docs)]

mod log;
mod rules;
mod tampered;
mod underwriting;
mod whole;
mod world;
