//! Who may ask what, where keys are asked for.

mod clients;
mod handed_in;
mod keys;
mod limits;
mod matrix;
mod records;
mod scope;
mod sign_in;
mod streams;
