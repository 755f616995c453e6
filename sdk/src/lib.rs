//! Agents request spend under Bursar envelopes.
//!
//! A contents page; each module is one idea.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod abi;
pub mod amount;
pub mod decision;
pub mod payment;
pub mod refusal;
pub mod windows;
