//! Payments, for auditors.

use bursar_indexer::query::payments::Payment;

use super::{
    super::{
        gather::named,
        links,
        text::{bare, money, when},
        then::dated,
    },
    Payments,
    cell::{Cell, Heading, called, heading, spelled, state, state_code, wanted, yes},
    list::{On, Shown},
    words::{
        AGENT, AS_OF, AS_OF_TIME, AT_LEAST, AT_MOST, ENVELOPE, FROM, Field, Kind, PAYEE, RAIL, SESSION,
        STATE, TREASURY, UNTIL, field,
    },
};
use crate::{AppState, error::ApiError};

impl Shown for Payments {
    const TITLE: &'static str = "Payments";
    const LEAD: &'static str = "x402 settlements from purses, as they stand on chain, newest first.";
    const PATH: &'static str = "/audit/payments";
    const API: &'static str = "/v1/payments";
    const FIELDS: &'static [Field] = &[
        AGENT,
        PAYEE,
        TREASURY,
        ENVELOPE,
        FROM,
        UNTIL,
        AT_LEAST,
        AT_MOST,
        RAIL,
        STATE,
        field("explained", "Decision record", Kind::Choice(&[("true", "Known"), ("false", "Missing")])),
        SESSION,
        field("tx", "Transaction", Kind::Hash),
        AS_OF,
        AS_OF_TIME,
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
            (Some(record), _) => wanted(record),
            (None, Some(note)) => vec![Cell::Faint(format!("(erased: {})", note.category))],
            (None, None) => vec![Cell::Badge("Unexplained".into(), "warn")],
        };
        if !row.disagreements().is_empty() {
            why.push(Cell::Badge("Record disagrees".into(), "stop"));
        }
        let version = row.policy_version;
        let at = on.as_of.at;
        let policy = dated(links::policy(row.treasury, row.envelope, version), at);
        vec![
            vec![Cell::Time(when(row.timestamp), Some(dated(links::payment(row), at)))],
            vec![Cell::Who(named(config, row.agent))],
            vec![Cell::Who(named(config, row.payee))],
            vec![Cell::Amount(money(config, row.asset, row.amount.to_u256()))],
            why,
            vec![Cell::Link(format!("v{version}"), policy, false)],
            match row.approver {
                Some(approver) => vec![Cell::Who(named(config, approver))],
                None => vec![Cell::Faint("not needed".into())],
            },
            vec![state(row.position.block, on.as_of.settled())],
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
            called(config, row.agent),
            row.payee.to_checksum(None),
            called(config, row.payee),
            row.asset.to_checksum(None),
            symbol,
            amount,
            row.amount.to_string(),
            row.rail.clone(),
            state_code(row.position.block, on.as_of.settled()),
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
