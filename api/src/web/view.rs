//! What the template shows, in words already.

use askama::Template;

use super::text::When;

#[derive(Debug, Template)]
#[template(path = "overview.html")]
pub(super) struct Overview {
    pub(super) chain: String,
    pub(super) chain_id: u64,
    pub(super) block: Option<u64>,
    pub(super) head: Option<u64>,
    pub(super) block_at: Option<When>,
    pub(super) problem: Option<String>,
    pub(super) heard: Option<Heard>,
    /// Where transactions are looked at, with a slash at its end; empty where nowhere.
    pub(super) explorer: String,
    pub(super) organisations_frozen: Vec<Named>,
    pub(super) treasuries: Vec<Organisation>,
    pub(super) totals: Vec<Total>,
    pub(super) refused: String,
    pub(super) agents: Vec<Agent>,
    pub(super) more_agents: bool,
    pub(super) approvals: Vec<Request>,
    pub(super) alerts: Vec<Alert>,
    pub(super) more_alerts: bool,
    pub(super) payments: Vec<Payment>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) stops: Vec<Stop>,
    pub(super) version: &'static str,
}

/// Payments at the head that the ledger has not reached.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) payments: String,
    pub(super) since: When,
    pub(super) first: u64,
    pub(super) last: u64,
}

/// Somebody, as people call them, and exactly.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) link: Option<String>,
}

/// A treasury, and whether all of it is stopped.
#[derive(Debug)]
pub(super) struct Organisation {
    pub(super) named: Named,
    pub(super) frozen: bool,
}

#[derive(Debug)]
pub(super) struct Total {
    pub(super) asset: Named,
    pub(super) funded: String,
    pub(super) paid: String,
    pub(super) left: String,
    pub(super) payments: u64,
    pub(super) envelopes: u64,
    /// Thousandths of what was funded.
    pub(super) paid_share: u64,
}

#[derive(Debug)]
pub(super) struct Agent {
    pub(super) agent: Named,
    pub(super) treasury: Named,
    pub(super) number: u32,
    pub(super) href: String,
    pub(super) frozen: bool,
    pub(super) organisation_frozen: bool,
    pub(super) group_frozen: bool,
    pub(super) under_review: bool,
    pub(super) funded: String,
    pub(super) paid: String,
    pub(super) in_purses: String,
    pub(super) left: String,
    pub(super) payments: u64,
    pub(super) refused: u64,
    pub(super) policy_version: u16,
    pub(super) limits: Vec<Limit>,
    pub(super) score: Option<Score>,
    /// Its spending in the longest window, where that is shown.
    pub(super) curve: Option<Chart>,
    /// Those that stand, the newest first.
    pub(super) alerts: Vec<Alert>,
}

/// Something to look at, in a line.
#[derive(Debug)]
pub(super) struct Alert {
    pub(super) at: When,
    /// In a word or two.
    pub(super) what: String,
    pub(super) help: &'static str,
    /// `stop`, `warn`, or nothing for what is only worth knowing.
    pub(super) level: &'static str,
    /// Whose: envelope and treasury, or the payer.
    pub(super) envelope: Option<u32>,
    pub(super) whose: Option<Named>,
    /// How often, where more than once.
    pub(super) times: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Score {
    pub(super) value: u16,
    /// `ok`, `near` where a human has to look below it, or `full` where one has to.
    pub(super) level: &'static str,
    /// Thousandths of the way from the least to the most.
    pub(super) share: u64,
    pub(super) gate: Option<String>,
    pub(super) reasons: Vec<Reason>,
    pub(super) href: String,
}

#[derive(Debug)]
pub(super) struct Reason {
    pub(super) code: &'static str,
    pub(super) help: &'static str,
    /// What it costs, in words.
    pub(super) cost: String,
}

#[derive(Debug)]
pub(super) struct Limit {
    pub(super) name: String,
    pub(super) used: String,
    pub(super) limit: String,
    pub(super) left: String,
    /// Thousandths of the limit.
    pub(super) share: u64,
    /// `ok`, `near` or `full`.
    pub(super) level: &'static str,
    pub(super) ends: Option<String>,
}

/// An approval request in a line.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) state: &'static str,
    /// `good`, `warn`, `stop` or nothing.
    pub(super) level: &'static str,
    pub(super) amount: String,
    pub(super) payee: Named,
    pub(super) agent: Option<Named>,
    pub(super) treasury: Named,
    /// Unix seconds.
    pub(super) valid_before: u64,
    pub(super) until: When,
    pub(super) rationale: Option<String>,
    /// Who answered.
    pub(super) by: Option<Named>,
    /// Why it was rejected.
    pub(super) reason: Option<String>,
    pub(super) href: String,
}

#[derive(Debug)]
pub(super) struct Payment {
    pub(super) at: When,
    pub(super) agent: Named,
    pub(super) payee: Named,
    pub(super) amount: String,
    pub(super) policy_version: u16,
    pub(super) policy_href: String,
    pub(super) rationale: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) disagrees: bool,
    pub(super) approver: Option<Named>,
    pub(super) tx: String,
    pub(super) tx_href: Option<String>,
    pub(super) href: String,
    pub(super) state: Standing,
}

/// Whether the chain may still take something back: in a word, as a mark, and what the word means where it says so little.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) name: &'static str,
    pub(super) mark: &'static str,
    pub(super) help: &'static str,
}

#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) at: When,
    pub(super) agent: Named,
    pub(super) payee: Named,
    pub(super) amount: String,
    pub(super) reason: String,
    pub(super) help: &'static str,
    pub(super) rationale: String,
    pub(super) href: String,
}

#[derive(Debug)]
pub(super) struct Stop {
    pub(super) at: When,
    pub(super) what: String,
    pub(super) stopped: bool,
    pub(super) by: Named,
    pub(super) tx: Transaction,
}

/// A transaction, short and whole, and where it can be looked at.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) name: String,
    pub(super) hash: String,
    pub(super) link: Option<String>,
}

/// Spending over time against its limit: drawn, and the same in numbers.
#[derive(Debug)]
pub(super) struct Chart {
    /// What people call the window.
    pub(super) name: String,
    pub(super) paid: String,
    pub(super) limit: String,
    /// What would be in step with the time that has passed; a lifetime has none.
    pub(super) in_step: Option<String>,
    /// `ok`, `near` where it is ahead of the time, or `full`.
    pub(super) level: &'static str,
    /// From when on it is drawn, where not from the window's start.
    pub(super) begins: Option<When>,
    pub(super) samples: Vec<Sample>,
    /// The inside of an SVG element, of our own making.
    pub(super) drawing: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// One row of a curve in numbers.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) at: When,
    /// Nothing where it is not known, or not yet.
    pub(super) paid: Option<String>,
    pub(super) in_step: Option<String>,
    pub(super) limit: String,
    pub(super) now: bool,
}
