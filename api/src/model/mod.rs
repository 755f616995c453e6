//! What clients read: one file per noun, each built from the store's row.

pub mod access;
pub mod agent;
pub mod alert;
pub mod approval;
pub mod decision;
pub mod envelope;
pub mod erasure;
pub mod event;
pub mod evidence;
pub mod group;
pub mod ledger;
pub mod log;
pub mod outcome;
pub mod payment;
pub mod policy;
pub mod record;
pub mod score;
pub mod session;
pub mod settlement;
pub mod status;
pub mod stop;
pub mod transaction;
pub mod treasury;
pub mod verification;
pub mod watched;
pub mod why;
