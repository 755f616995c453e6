//! What a treasury's ledger says at a height, as a report that anyone can verify without us.
//!
//! A contents page, in the order a row travels: [`gather`] reads a store, [`build`] takes rows and holds them against
//! the rules ([`trial`]), [`annex`] writes the tables behind the report, `sections` puts it together, [`document`] is
//! what comes of it, [`figure`] how its numbers say where they are from, [`controls`] what frameworks ask for,
//! [`render`] how it looks, [`bundle`] the folder it comes in, [`verify`] what anyone can hold it against.

pub mod annex;
pub mod build;
pub mod bundle;
pub mod controls;
pub mod document;
pub mod figure;
pub mod gather;
pub mod render;
pub mod subject;
pub mod tally;
pub mod trial;
pub mod verify;

mod books;
mod error;
mod event;
mod exposure;
mod logbook;
mod records;
mod sections;
mod text;

pub use error::ReportError;
