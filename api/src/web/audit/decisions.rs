//! Decisions, for auditors.

use bursar_indexer::query::decisions::Decision;
use bursar_sdk::decision::Verdict;

use super::{
    super::{
        gather::named,
        links,
        text::{bare, money, when},
        then::dated,
    },
    Decisions,
    cell::{Cell, Heading, called, heading, spelled, wanted, yes},
    list::{On, Shown},
    words::{
        AGENT, AS_OF, AS_OF_TIME, AT_LEAST, AT_MOST, ENVELOPE, FROM, Field, Kind, PAYEE, SESSION, TREASURY,
        UNTIL, field,
    },
};
use crate::{AppState, Config, error::ApiError, past::Point};

/// What tables of decisions have.
pub(super) const COLUMNS: [&str; 28] = [
    "time",
    "created_at",
    "received_at",
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
    "verdict",
    "reasons",
    "rationale",
    "trigger",
    "method",
    "resource",
    "model",
    "policy_version",
    "policy_hash",
    "delivered",
    "seq",
    "prev_hash",
    "hash",
    "nonce",
    "tx",
];

impl Shown for Decisions {
    const TITLE: &'static str = "Decisions";
    const LEAD: &'static str = "What agents decided, and why, newest first by their own clocks.";
    const PATH: &'static str = "/audit/decisions";
    const API: &'static str = "/v1/decisions";
    const FIELDS: &'static [Field] = &[
        AGENT,
        PAYEE,
        TREASURY,
        ENVELOPE,
        field("verdict", "Verdict", Kind::Choice(&[("approved", "To pay"), ("denied", "Not to")])),
        field("settled", "Payment on chain", Kind::Choice(&[("true", "Settled"), ("false", "None")])),
        FROM,
        UNTIL,
        AT_LEAST,
        AT_MOST,
        SESSION,
        AS_OF,
        AS_OF_TIME,
    ];
    const HEADINGS: &'static [Heading] = &[
        heading("Decided (UTC)", "nowrap"),
        heading("Agent", ""),
        heading("Payee", ""),
        heading("Amount", "right amount"),
        heading("Verdict", "nowrap"),
        heading("Why", "why"),
        heading("Payment", "nowrap"),
        heading("Record", "nowrap"),
    ];
    const COLUMNS: &'static [&'static str] = &COLUMNS;
    type Beside = ();

    async fn beside(_: &AppState, _: &[Decision]) -> Result<(), ApiError> {
        Ok(())
    }

    fn cells(on: &On<'_, ()>, row: &Decision) -> Vec<Vec<Cell>> {
        let (config, record) = (on.config, &row.record);
        let verdict = match record.verdict {
            Verdict::Approved => Cell::Badge("To pay".into(), "good"),
            Verdict::Denied => Cell::Badge("Not to".into(), "stop"),
        };
        vec![
            vec![Cell::Time(when(record.created_at), None)],
            vec![Cell::Who(named(config, record.agent))],
            vec![Cell::Who(named(config, record.payee))],
            vec![Cell::Amount(money(config, record.asset, record.amount.to_u256()))],
            vec![verdict],
            wanted(record),
            vec![payment(row, on.as_of.at)],
            vec![json(row, on.as_of.at)],
        ]
    }

    fn record(on: &On<'_, ()>, row: &Decision) -> Vec<String> {
        record(on.config, row)
    }
}

fn payment(row: &Decision, at: Option<Point>) -> Cell {
    let story = |href| Cell::Link("Its story".into(), dated(href, at), false);
    links::settled(row).map_or(Cell::Faint("none".into()), story)
}

/// The record itself.
pub(super) fn json(row: &Decision, at: Option<Point>) -> Cell {
    Cell::Link("JSON".into(), dated(links::decision(row.hash), at), false)
}

/// A decision for programs, in the order of [`COLUMNS`].
pub(super) fn record(config: &Config, row: &Decision) -> Vec<String> {
    let record = &row.record;
    let (amount, symbol) = bare(config, record.asset, record.amount.to_u256());
    let reasons: Vec<&str> = record.reason_codes.iter().map(|reason| reason.code()).collect();
    let model = record.model.as_ref();
    let delivered = row.outcome.as_ref().map(|outcome| outcome.record.delivered);
    vec![
        when(record.created_at).machine,
        record.created_at.to_string(),
        row.received_at.to_string(),
        record.treasury.to_checksum(None),
        record.envelope.to_string(),
        record.agent.to_checksum(None),
        called(config, record.agent),
        record.payee.to_checksum(None),
        called(config, record.payee),
        record.asset.to_checksum(None),
        symbol,
        amount,
        record.amount.to_string(),
        record.verdict.code().to_owned(),
        reasons.join(" "),
        record.rationale.clone(),
        record.trigger.clone(),
        record.resource.method.clone(),
        record.resource.url.clone(),
        model.map(|model| format!("{} {} {}", model.provider, model.name, model.version)).unwrap_or_default(),
        record.policy_version.to_string(),
        format!("{:#x}", record.policy_hash),
        delivered.map(yes).unwrap_or_default(),
        record.seq.to_string(),
        format!("{:#x}", record.prev_hash),
        format!("{:#x}", row.hash),
        spelled(row.nonce),
        spelled(row.payment.as_ref().map(|payment| payment.tx_hash)),
    ]
}
