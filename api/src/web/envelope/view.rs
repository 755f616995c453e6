//! What the template of an agent's page shows, in words already.

use askama::Template;

use super::super::{
    text::When,
    view::{Agent, Chart, Limit, Named, Payment, Refusal, Request, Stop, Transaction},
};

#[derive(Debug, Template)]
#[template(path = "envelope.html")]
pub(super) struct EnvelopePage {
    pub(super) chain: String,
    pub(super) chain_id: u64,
    pub(super) block: Option<u64>,
    pub(super) block_at: Option<When>,
    pub(super) problem: Option<String>,
    pub(super) agent: Agent,
    /// Its address, as filters take it.
    pub(super) treasury: String,
    pub(super) escrow: String,
    pub(super) withdrawn: String,
    pub(super) curves: Vec<Chart>,
    /// Limits of the groups it is in.
    pub(super) above: Vec<Limit>,
    pub(super) policy: Option<Policy>,
    pub(super) approvals: Vec<Request>,
    pub(super) sessions: Vec<Session>,
    pub(super) payments: Vec<Payment>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) stops: Vec<Stop>,
    pub(super) version: &'static str,
}

/// The policy in force, as questions and answers.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) version: u16,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) picture: String,
    pub(super) href: String,
    pub(super) asset: Named,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) sequence: u32,
    pub(super) state: &'static str,
    /// `good`, `warn`, `stop` or nothing.
    pub(super) level: &'static str,
    pub(super) budget: String,
    pub(super) paid: String,
    pub(super) payments: u64,
    pub(super) opened: When,
    /// When it was settled, or else when it ends.
    pub(super) until: When,
    pub(super) key: Named,
    pub(super) href: String,
    pub(super) opened_in: Transaction,
}
