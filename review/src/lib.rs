//! Watches the ledger and puts on chain what follows from it: the review flag where the score's gate asks for a human, the
//! scores that openings wait for, a guardian's freeze for compromise, and the transparency log's root. It never clears anything: that takes a human.
//!
//! A contents page: [`survey`] reads what the ledger asks for, [`contradiction`] is the rule for compromise, [`Act`] is
//! what is put on chain and when it is due, [`anchor`] the same of the log's root, [`Watcher`] does it, one transaction at a time. `docs/REVIEW.md` has it in words.

mod act;
pub mod anchor;
mod contradiction;
mod error;
mod provider;
pub mod survey;
mod watcher;

pub use act::Act;
pub use contradiction::contradiction;
pub use error::ReviewError;
pub use provider::provider;
pub use watcher::{Keys, Round, Watcher, WatcherConfig};
