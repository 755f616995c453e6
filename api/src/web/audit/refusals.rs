//! Refusals, for auditors.

use bursar_indexer::query::decisions::Decision;

use super::{
    super::{
        gather::named,
        text::{money, when},
    },
    Refusals,
    cell::{Cell, Heading, heading, wanted},
    decisions,
    list::{On, Shown},
    words::{
        AGENT, AS_OF, AS_OF_TIME, AT_LEAST, AT_MOST, ENVELOPE, FROM, Field, Kind, PAYEE, SESSION, TREASURY,
        UNTIL, field,
    },
};
use crate::{AppState, error::ApiError};

impl Shown for Refusals {
    const TITLE: &'static str = "Refusals";
    const LEAD: &'static str =
        "What agents wanted to pay, were told not to, and did not sign, newest first by their own clocks.";
    const PATH: &'static str = "/audit/refusals";
    const API: &'static str = "/v1/refusals";
    const FIELDS: &'static [Field] = &[
        AGENT,
        PAYEE,
        TREASURY,
        ENVELOPE,
        field("reason", "Reason", Kind::Reason),
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
        heading("Reason", "why"),
        heading("What the agent wanted", "why"),
        heading("Record", "nowrap"),
    ];
    const COLUMNS: &'static [&'static str] = &decisions::COLUMNS;
    type Beside = ();

    async fn beside(_: &AppState, _: &[Decision]) -> Result<(), ApiError> {
        Ok(())
    }

    fn cells(on: &On<'_, ()>, row: &Decision) -> Vec<Vec<Cell>> {
        let (config, record) = (on.config, &row.record);
        let reason = record.reason_codes.first();
        vec![
            vec![Cell::Time(when(record.created_at), None)],
            vec![Cell::Who(named(config, record.agent))],
            vec![Cell::Who(named(config, record.payee))],
            vec![Cell::Amount(money(config, record.asset, record.amount.to_u256()))],
            vec![
                Cell::Badge(reason.map_or("unknown", |reason| reason.code()).replace('_', " "), "stop"),
                Cell::Faint(reason.map_or("", |reason| reason.help()).to_owned()),
            ],
            wanted(record),
            vec![decisions::json(row, on.as_of.at)],
        ]
    }

    fn record(on: &On<'_, ()>, row: &Decision) -> Vec<String> {
        decisions::record(on.config, row)
    }
}
