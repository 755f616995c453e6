//! The agent score: how far an envelope's agent keeps within what it was given, from 300 to 850, with reasons.
//!
//! A pure function in integers: nothing here reads a clock, a database or a float, so whoever has the same ledger
//! gets the same score, bit for bit, at every height. [`State`] is what has to be kept of an envelope's past, in
//! constant size; [`Event`] is what changes it, in constant time; [`Evaluation`] is the score with its reasons;
//! [`Gate`] says whether a human has to look before the next session. `docs/SCORE.md` has the formula, every reason
//! and a worked example.

mod counts;
mod decimal;
mod due;
mod evaluation;
mod event;
mod fade;
mod gate;
mod inputs;
mod latency;
mod pace;
mod payee;
mod ppm;
mod state;
mod term;

pub use due::GRACE;
pub use evaluation::{Evaluation, LOSSES, Loss};
pub use event::{Event, Gravity};
pub use fade::MEMORY;
pub use gate::{CLEARING, Cause, DROP, Gate, RECENT, REVIEW, Trigger};
pub use inputs::{BURST_ALLOWANCE, Inputs};
pub use latency::LATENCY_TARGET;
pub use payee::{Blame, FAILURES_SHARED, NEW_FOR, PayeeRecord, Standing};
pub use ppm::{MOST, ONE, Ppm};
pub use state::State;
pub use term::{CEILING, COVERED, ENOUGH, FLOOR, Reason, Term};
