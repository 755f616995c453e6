//! Stops and releases, for auditors.

use bursar_indexer::query::stops::Stop;

use super::{
    super::{
        gather::{self, named},
        text::{short_hash, when},
    },
    Stops,
    cell::{Cell, Heading, called, heading, spelled, tx},
    list::{On, Shown},
    words::{AGENT, AS_OF, AS_OF_TIME, ENVELOPE, FROM, Field, Kind, TREASURY, UNTIL, field},
};
use crate::{AppState, error::ApiError};

impl Shown for Stops {
    const TITLE: &'static str = "Stops";
    const LEAD: &'static str = "Freezes, releases and reviews: who stopped what, newest first.";
    const PATH: &'static str = "/audit/stops";
    const API: &'static str = "/v1/stops";
    const FIELDS: &'static [Field] = &[
        AGENT,
        TREASURY,
        ENVELOPE,
        field(
            "level",
            "Of",
            Kind::Choice(&[
                ("organisation", "The organisation"),
                ("group", "A group"),
                ("envelope", "An envelope"),
                ("session", "A session"),
                ("review", "New sessions (review)"),
            ]),
        ),
        field("stopped", "What", Kind::Choice(&[("true", "Stops"), ("false", "Releases")])),
        FROM,
        UNTIL,
        AS_OF,
        AS_OF_TIME,
    ];
    const HEADINGS: &'static [Heading] = &[
        heading("Time (UTC)", "nowrap"),
        heading("What", ""),
        heading("Treasury", ""),
        heading("By", ""),
        heading("Reason", "nowrap"),
        heading("Transaction", "nowrap"),
    ];
    const COLUMNS: &'static [&'static str] = &[
        "time",
        "timestamp",
        "treasury",
        "level",
        "envelope",
        "group",
        "session",
        "change",
        "by",
        "by_name",
        "reason",
        "block",
        "log_index",
        "tx",
    ];
    type Beside = ();

    async fn beside(_: &AppState, _: &[Stop]) -> Result<(), ApiError> {
        Ok(())
    }

    fn cells(on: &On<'_, ()>, row: &Stop) -> Vec<Vec<Cell>> {
        let (config, told) = (on.config, gather::stop(on.config, row));
        let badge = if row.stopped { ("Stop", "stop") } else { ("Release", "good") };
        vec![
            vec![Cell::Time(told.at, None)],
            vec![Cell::Badge(badge.0.into(), badge.1), Cell::Said(told.what)],
            vec![Cell::Who(named(config, row.treasury))],
            vec![Cell::Who(told.by)],
            row.reason.map(|reason| Cell::Faint(short_hash(reason))).into_iter().collect(),
            vec![tx(config, row.tx_hash)],
        ]
    }

    fn record(on: &On<'_, ()>, row: &Stop) -> Vec<String> {
        let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        vec![
            when(row.timestamp).machine,
            row.timestamp.to_string(),
            row.treasury.to_checksum(None),
            row.level.clone(),
            number(row.envelope),
            number(row.group),
            spelled(row.session),
            if row.stopped { "stop" } else { "release" }.to_owned(),
            row.by.to_checksum(None),
            called(on.config, row.by),
            spelled(row.reason),
            row.position.block.to_string(),
            row.position.log.to_string(),
            format!("{:#x}", row.tx_hash),
        ]
    }
}
