//! Payments, for auditors.

use bursar_indexer::query::payments::Payment;

use super::{
    super::{
        gather::{named, story},
        text::{bare, money, said, when},
    },
    Payments,
    cell::{Cell, Heading, heading},
    list::{On, Shown},
    words::{Field, Kind, field},
};
use crate::{AppState, error::ApiError, model::payment::PaymentState};

/// Most characters of what agents wrote that fit a table.
pub(super) const MAX_WORDS: usize = 180;

pub(super) const RAILS: Kind = Kind::Choice(&[
    ("eip3009", "EIP-3009"),
    ("permit2_exact", "Permit2, exact"),
    ("permit2_upto", "Permit2, up to"),
    ("permit2", "Permit2, unknown which"),
]);
pub(super) const STATES: Kind = Kind::Choice(&[("final", "Final"), ("seen", "May be taken back")]);
pub(super) const YES_NO: [&str; 2] = ["no", "yes"];

impl Shown for Payments {
    const TITLE: &'static str = "Payments";
    const LEAD: &'static str = "x402 settlements from purses, as they stand on chain, newest first.";
    const PATH: &'static str = "/audit/payments";
    const API: &'static str = "/v1/payments";
    const FIELDS: &'static [Field] = &[
        field("agent", "Agent", Kind::Account),
        field("payee", "Payee", Kind::Account),
        field("treasury", "Treasury", Kind::Account),
        field("envelope", "Envelope", Kind::Number),
        field("from", "From (UTC, inclusive)", Kind::Time),
        field("until", "Until (UTC, exclusive)", Kind::Time),
        field("min_amount", "Amount at least", Kind::Amount),
        field("max_amount", "Amount at most", Kind::Amount),
        field("rail", "Rail", RAILS),
        field("state", "State", STATES),
        field("explained", "Decision record", Kind::Choice(&[("true", "Known"), ("false", "Missing")])),
        field("session", "Session", Kind::Hash),
        field("tx", "Transaction", Kind::Hash),
    ];
    const HEADINGS: &'static [Heading] = &[
        heading("Time (UTC)", "nowrap"),
        heading("Agent", ""),
        heading("Payee", ""),
        heading("Amount", "right amount"),
        heading("Why", "why"),
        heading("Policy", ""),
        heading("Approved by", ""),
        heading("State", "nowrap"),
    ];
    const COLUMNS: &'static [&'static str] = &[
        "time",
        "timestamp",
        "treasury",
        "envelope",
        "agent",
        "agent_name",
        "payee",
        "payee_name",
        "asset",
        "symbol",
        "amount",
        "units",
        "rail",
        "state",
        "policy_version",
        "policy_hash",
        "approver",
        "explained",
        "disagreements",
        "rationale",
        "resource",
        "delivered",
        "facilitator",
        "purse",
        "session",
        "nonce",
        "decision_hash",
        "block",
        "block_hash",
        "log_index",
        "tx",
    ];
    type Beside = ();

    async fn beside(_: &AppState, _: &[Payment]) -> Result<(), ApiError> {
        Ok(())
    }

    fn cells(on: &On<'_, ()>, row: &Payment) -> Vec<Vec<Cell>> {
        let config = on.config;
        let mut why = match (&row.decision, &row.erased) {
            (Some(record), _) => vec![
                Cell::Said(said(&record.rationale, MAX_WORDS)),
                Cell::Faint(said(&record.resource.url, MAX_WORDS)),
            ],
            (None, Some(note)) => vec![Cell::Faint(format!("(erased: {})", note.category))],
            (None, None) => vec![Cell::Badge("Unexplained".into(), "warn")],
        };
        if !row.disagreements().is_empty() {
            why.push(Cell::Badge("Record disagrees".into(), "stop"));
        }
        let (treasury, version) = (row.treasury.to_checksum(None), row.policy_version);
        let policy = format!("/v1/policies/{treasury}/{}/{version}", row.envelope);
        vec![
            vec![Cell::Time(when(row.timestamp), Some(story(row)))],
            vec![Cell::Who(named(config, row.agent))],
            vec![Cell::Who(named(config, row.payee))],
            vec![Cell::Amount(money(config, row.asset, row.amount.to_u256()))],
            why,
            vec![Cell::Link(format!("v{version}"), policy, false)],
            match row.approver {
                Some(approver) => vec![Cell::Who(named(config, approver))],
                None => vec![Cell::Faint("not needed".into())],
            },
            vec![state(row.position.block, on.as_of.final_block())],
        ]
    }

    fn record(on: &On<'_, ()>, row: &Payment) -> Vec<String> {
        let config = on.config;
        let record = row.decision.as_ref();
        let delivered = row.outcome.as_ref().map(|outcome| outcome.record.delivered);
        let (amount, symbol) = bare(config, row.asset, row.amount.to_u256());
        vec![
            when(row.timestamp).machine,
            row.timestamp.to_string(),
            row.treasury.to_checksum(None),
            row.envelope.to_string(),
            row.agent.to_checksum(None),
            config.names.get(&row.agent).cloned().unwrap_or_default(),
            row.payee.to_checksum(None),
            config.names.get(&row.payee).cloned().unwrap_or_default(),
            row.asset.to_checksum(None),
            symbol,
            amount,
            row.amount.to_string(),
            row.rail.clone(),
            state_code(row.position.block, on.as_of.final_block()).to_owned(),
            row.policy_version.to_string(),
            spelled(row.policy_hash),
            row.approver.map(|approver| approver.to_checksum(None)).unwrap_or_default(),
            yes(record.is_some()),
            row.disagreements().join(" "),
            record.map(|record| record.rationale.clone()).unwrap_or_default(),
            record.map(|record| record.resource.url.clone()).unwrap_or_default(),
            delivered.map(yes).unwrap_or_default(),
            row.facilitator.to_checksum(None),
            row.purse.to_checksum(None),
            format!("{:#x}", row.session),
            spelled(row.nonce),
            spelled(row.decision_hash),
            row.position.block.to_string(),
            format!("{:#x}", row.block_hash),
            row.position.log.to_string(),
            format!("{:#x}", row.tx_hash),
        ]
    }
}

/// Whether the chain may still take back what stands in a block.
pub(super) fn state(block: u64, final_block: Option<u64>) -> Cell {
    match PaymentState::at(block, final_block) {
        PaymentState::Final => Cell::Badge("Final".into(), "good"),
        PaymentState::Seen => Cell::Badge("Seen".into(), ""),
    }
}

/// The same, as the API spells it.
pub(super) fn state_code(block: u64, final_block: Option<u64>) -> &'static str {
    match PaymentState::at(block, final_block) {
        PaymentState::Final => "final",
        PaymentState::Seen => "seen",
    }
}

/// A hash as text; nothing where there is none.
pub(super) fn spelled(hash: Option<alloy::primitives::B256>) -> String {
    hash.map(|hash| format!("{hash:#x}")).unwrap_or_default()
}

pub(super) fn yes(yes: bool) -> String {
    YES_NO[usize::from(yes)].to_owned()
}
