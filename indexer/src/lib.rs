//! Follows Bursar treasuries, their purses and their x402 settlements into a queryable store.
//!
//! A contents page, in the order a log travels: [`source`] asks the chain, [`decode`] says what a log and a
//! transaction mean, [`project`] turns a block into rows of the [`ledger`], [`store`] applies and unwinds
//! blocks in one transaction each and tells of them in the [`outbox`], [`run`] drives it all, [`query`] reads; [`db`] is
//! the database under both. What comes from outside the chain is logged for good in [`transparency`]; [`access`] is what
//! keys to the API are good for.

pub mod access;
mod codes;
pub mod db;
pub mod decode;
pub mod ledger;
pub mod outbox;
pub mod project;
pub mod query;
pub mod run;
pub mod source;
pub mod store;
pub mod transparency;

pub use db::{StoreUrl, StoreUrlError};
pub use run::{Config, Indexer, IndexerError, Phase, Status, Turns};
pub use store::{Inserted, OutcomeError, Store, StoreError};
