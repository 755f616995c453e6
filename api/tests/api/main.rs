//! The API against a seeded store.
#![allow(clippy::unwrap_used)]

mod access;
mod alerted;
mod alerts;
mod approval_pages;
mod approvals;
mod audit;
mod bad_input;
mod client;
mod decisions;
mod envelope_page;
mod erasures;
mod events;
mod floods;
mod lists;
mod log;
mod openapi;
mod outcomes;
mod overview;
mod pages;
mod paging;
mod past;
mod payment_page;
mod plans;
mod policy_documents;
mod scored;
mod scores;
mod sealed;
mod seed;
mod service;
mod stamps;
mod transactions;
mod verification;
mod watched;
mod webhooks;
mod why;
