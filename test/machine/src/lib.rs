//! The contracts' bytecode in an in-memory EVM, at a time of the test's choosing, and a node that answers from it.

mod chain;
pub mod node;

pub use chain::{Answer, CHAIN_ID, Chain, State};
