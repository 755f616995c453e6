//! Stories against a real chain with the real contracts: whatever happens, ledger and chain agree.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod accesses;
mod agrees;
mod alerts;
mod by_hand;
mod deferred;
mod dump;
mod erasures;
mod events;
mod faults;
mod given_up;
mod groups;
mod hostile;
mod ledger;
mod log;
mod partitions;
mod past;
mod permit2;
mod record;
mod recorded;
mod refuses;
mod reorgs;
mod restarts;
mod safe;
mod scores;
mod socket;
mod stood;
mod stores;
mod told;
mod turns;
mod watched;
mod world;
