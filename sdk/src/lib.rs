//! Agents request spend under Bursar envelopes.
//!
//! A contents page; each module is one idea.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod abi;
pub mod admin;
pub mod agent;
pub mod amount;
pub mod approval;
pub mod chain;
pub mod challenge;
pub mod client;
pub mod clock;
pub mod decision;
pub mod delivery;
pub mod deploy;
pub mod eip1271;
pub mod erasure;
pub mod error;
pub mod model;
pub mod offer;
pub mod outcome;
pub mod payment;
pub mod policy;
pub mod preflight;
pub mod purpose;
pub mod readable;
pub mod record;
pub mod refusal;
pub mod role;
pub mod score;
pub mod session;
pub mod spool;
pub mod stamp;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transparency;
pub mod tree;
pub mod windows;

mod authorize;
mod draft;
mod pay;

pub use agent::{Agent, AgentBuilder, Outcome, Renewal};
pub use amount::Amount;
pub use authorize::SignedPayment;
pub use client::BursarScheme;
pub use error::AgentError;
pub use pay::{MAX_RESULT, Paid, Settlement};
pub use preflight::Checks;
pub use purpose::Purpose;
pub use refusal::Refusal;
