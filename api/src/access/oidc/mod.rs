//! Tokens of an OpenID issuer, in place of keys: signed by the issuer, for this service, and worth what its groups are granted.
//!
//! [`Settings`] are what the operator writes, `terms` what holds of them. `source` asks the issuer for its keys, `keyring`
//! keeps them and says when they are asked for again, `jwks` reads them. `token` holds a token against all this, in one way
//! whoever brings it, and [`Issuer`] tells the guard who it is. The issuer's keys are public: nothing here is a secret, but tokens
//! and, where people sign in from the pages, what the issuer knows this service by (`client`). A sign-in that is under way is
//! a `flow`; `endpoints` say where it goes.

pub(crate) mod client;
mod endpoints;
pub(crate) mod flow;
mod issuer;
mod jwks;
mod keyring;
mod not_signed_in;
mod settings;
mod source;
mod terms;
#[cfg(test)]
mod tests;
mod token;
mod wrong;

pub(crate) use issuer::Answered;
pub use issuer::Issuer;
pub(super) use issuer::Token;
pub use not_signed_in::NotSignedIn;
pub use settings::{Granted, Settings, SettingsError, SignIn};
pub use wrong::WrongToken;
