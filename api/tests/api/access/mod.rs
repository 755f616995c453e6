//! Who may ask what, where keys are asked for.

mod at_issuer;
mod clients;
mod codes;
mod handed_in;
mod heard;
mod issuer;
mod keys;
mod limits;
mod matrix;
mod oidc;
mod oidc_worth;
mod records;
mod scope;
mod set_aside;
mod sign_in;
mod strangers;
mod streams;
mod turns;
