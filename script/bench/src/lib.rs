//! What measurements share.
//!
//! A chain is [`Replayed`] by a node in this process; [`foresee`] puts into an empty store what agents say of its
//! payments, and [`follow`] has the released binary index it, as ledgers are made. A process at work is [`Measured`];
//! what comes of it is [`figures`]. [`questions`] are all that the API answers, and [`plans`] what its database should not
//! do for them.

mod child;
pub mod figures;
mod follow;
pub mod plans;
mod questions;
mod records;
mod replayed;
mod tally;

pub use child::{Measured, Took, free_address};
pub use follow::{FINALITY, bursar, follow, follow_with};
pub use questions::{About, Question, forms, questions};
pub use records::{Foreseen, foresee};
pub use replayed::{Mined, Replayed};
pub use tally::{tally, watch_all};
