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
    /// Where transactions are looked at, with a slash at its end; empty where nowhere.
    pub(super) explorer: String,
    pub(super) unit: Unit,
    /// The groups it is in, lowest first.
    pub(super) groups: Vec<Group>,
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

/// How amounts of its token are written.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) asset: String,
    pub(super) symbol: String,
    pub(super) decimals: u8,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) number: u32,
    pub(super) frozen: bool,
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
    /// Whether it is one to stop.
    pub(super) may_stop: bool,
    pub(super) purse: String,
    pub(super) opened: When,
    /// When it was settled, or else when it ends.
    pub(super) until: When,
    pub(super) key: Named,
    pub(super) href: String,
    pub(super) opened_in: Transaction,
}
