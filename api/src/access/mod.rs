//! Who may ask what: credentials, roles, and the guard in front of every route.
//!
//! `guard` reads a `credential` (a `key`, or a token of an issuer: [`oidc`]) into a [`Caller`], asks `permission` whether its role may what the route is
//! for (`routes`), and `place` whether what is asked for is of the caller's treasury and agent. What is refused is
//! told as `refused` has it, and to a browser as a page; it signs in with a `cookie`, and what it hands in comes from a
//! page of ours (`origin`). How much may be asked, `limits` say, in `buckets` for each holder and each `peer`. What was asked is noted (`note`) and kept (`accesses`), refused or not. No credential can
//! move money: the API holds no key that could.

mod accesses;
mod buckets;
mod caller;
pub(crate) mod cookie;
mod credential;
mod guard;
mod host;
pub mod key;
mod limits;
mod mode;
mod note;
pub mod oidc;
pub(crate) mod origin;
mod peer;
mod permission;
mod place;
mod refused;
pub(crate) mod routes;

pub use accesses::Unkept;
pub use caller::{Caller, Who};
pub use limits::{LimitError, LimitSettings, Rate};
pub use mode::{Mode, OpenToOthers};
pub use permission::{Permission, allows};
pub use refused::Refused;

pub(crate) use accesses::Accesses;
pub(crate) use credential::{given, identified};
pub(crate) use guard::{guard, still_holds};
pub(crate) use limits::{Limits, Tried};
pub(crate) use peer::Peer;
