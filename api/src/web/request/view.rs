//! What the template of one request shows, in words already.

use askama::Template;

use super::super::{
    text::When,
    view::{Named, Payment, Refusal, Request},
};

#[derive(Debug, Template)]
#[template(path = "approval.html")]
pub(super) struct RequestPage {
    pub(super) chain: String,
    pub(super) chain_id: u64,
    /// Unix seconds.
    pub(super) now: u64,
    pub(super) open: bool,
    pub(super) request: Request,
    pub(super) requested: When,
    /// The amount in atomic units, as the wallet shows it.
    pub(super) units: String,
    /// Who settles for the amount or less, where it is the most that may be charged.
    pub(super) charged_by: Option<String>,
    pub(super) asset: Option<Named>,
    pub(super) purse: String,
    pub(super) envelope: Option<Envelope>,
    pub(super) policy: Option<Policy>,
    pub(super) digest: String,
    pub(super) decision_hash: String,
    pub(super) why: Option<Why>,
    /// What the record names otherwise than the request.
    pub(super) disagrees: Vec<&'static str>,
    /// What was paid to the payee before; `None` where nothing was.
    pub(super) before: Option<String>,
    pub(super) limits: Vec<Limit>,
    pub(super) payments: Vec<Payment>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) earlier: Vec<Request>,
    pub(super) approvers: Vec<Named>,
    pub(super) settled: Option<Payment>,
    pub(super) version: &'static str,
}

#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) number: u32,
    pub(super) href: String,
}

#[derive(Debug)]
pub(super) struct Policy {
    pub(super) version: u16,
    pub(super) threshold: String,
    pub(super) cap: String,
    pub(super) href: String,
}

/// The decision record, as its agent wrote it.
#[derive(Debug)]
pub(in crate::web) struct Why {
    pub(in crate::web) rationale: String,
    pub(in crate::web) trigger: String,
    pub(in crate::web) method: String,
    pub(in crate::web) resource: String,
    pub(in crate::web) alternatives: Vec<String>,
    pub(in crate::web) model: Option<String>,
    pub(in crate::web) rules: Vec<Rule>,
    pub(in crate::web) at: When,
    pub(in crate::web) href: String,
}

#[derive(Debug)]
pub(in crate::web) struct Rule {
    pub(in crate::web) name: String,
    pub(in crate::web) input: String,
    pub(in crate::web) limit: String,
    pub(in crate::web) pass: bool,
}

#[derive(Debug)]
pub(super) struct Limit {
    pub(super) name: String,
    pub(super) allowed: String,
    pub(super) left: String,
    pub(super) after: String,
    /// Less is left than the payment takes.
    pub(super) short: bool,
}
