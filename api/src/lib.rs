//! The auditor's and treasurer's HTTP API over the store, with its pages.
//!
//! A contents page. [`router`] gathers the [`routes`], one endpoint per file; they answer with what is in
//! [`model`], spelled as [`wire`] says, in pages ([`page`]), as of now or of another time ([`past`]), or with an [`error`]. [`access`] says who may ask what,
//! `prepare` what wallets sign, and `verify` holds payments against the chain; [`web`] are the pages for people.
//! [`webhook`] delivers what happens, and [`nats`] publishes it. [`serve`] runs it all.

pub mod access;
pub mod approval;
mod approver;
mod backoff;
mod config;
pub mod error;
pub mod extract;
mod layers;
mod list;
mod logged;
mod metrics;
pub mod model;
pub mod nats;
mod openapi;
pub mod page;
pub mod past;
mod prepare;
pub mod record;
mod reports;
mod router;
pub mod routes;
mod serve;
mod signed;
mod standing;
mod state;
mod stream;
mod totals;
mod turns;
mod verify;
mod vouched;
pub mod web;
pub mod webhook;
pub mod wire;

pub use config::{AssetLabel, Config};
pub use metrics::serve_metrics;
pub use openapi::document;
pub use router::router;
pub use serve::{ServeError, serve};
pub use state::{AppState, AsOf};
