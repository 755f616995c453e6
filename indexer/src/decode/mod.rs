//! What a log and a transaction mean. Pure: nothing here asks or stores.

mod args;
mod event;
mod input;
mod pair;
mod permit2;
pub mod said;

pub use args::{args, kind, place};
pub(crate) use args::{read_rules, rules, scope};
pub use event::{Decoded, Event, decode_log};
pub use input::{PaymentCall, PaymentCalls, find_payment_calls};
pub use pair::{pair_settlements, proxied, unannounced};
pub(crate) use permit2::SETTLED;
pub use permit2::{Proxy, find_permit2_calls};
