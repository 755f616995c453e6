//! A chain of x402 settlements that is a function of a seed, served over JSON-RPC.
//!
//! In the order an answer comes about: [`Params`] say which chain, [`Chain`] holds its blocks and can be mined and
//! turned, [`Truth`] is what an index of it has to come to, [`Provider`] is how much of it a node admits at once,
//! [`Fault`] how it fails, [`Replay`] answers, and [`serve`] puts it on a socket. Some accounts pay from purses of
//! Bursar treasuries, which the chain creates, most pay for themselves, as x402 has it today.

mod answer;
mod body;
mod chain;
mod fault;
mod filter;
mod oracle;
mod params;
mod provider;
mod record;
mod rpc;
mod seed;
mod serve;
mod setup;

pub use chain::Chain;
pub use fault::Fault;
pub use oracle::{Settlement, Tally, Truth, digest};
pub use params::Params;
pub use provider::Provider;
pub use record::{Spools, Story, Told};
pub use rpc::{Calls, Replay, Request};
pub use seed::{mix, mix3};
pub use serve::{Served, router, serve};
pub use setup::{FACTORY, TOKEN, treasury};
