//! Stops and releases, for auditors.

use bursar_indexer::query::stops::Stop;

use super::{
    super::{
        gather::{self, named},
        text::{short_hash, when},
    },
    Stops,
    cell::{Cell, Heading, heading},
    list::{On, Shown},
    payments::spelled,
    words::{Field, Kind, field},
};
use crate::{AppState, error::ApiError};

impl Shown for Stops {
    const TITLE: &'static str = "Stops";
    const LEAD: &'static str = "Freezes, releases and reviews: who stopped what, newest first.";
    const PATH: &'static str = "/audit/stops";
    const API: &'static str = "/v1/stops";
    const FIELDS: &'static [Field] = &[
        field("agent", "Agent", Kind::Account),
        field("treasury", "Treasury", Kind::Account),
        field("envelope", "Envelope", Kind::Number),
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
        field("from", "From (UTC, inclusive)", Kind::Time),
        field("until", "Until (UTC, exclusive)", Kind::Time),
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
            vec![transaction(config, row.tx_hash)],
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
            on.config.names.get(&row.by).cloned().unwrap_or_default(),
            spelled(row.reason),
            row.position.block.to_string(),
            row.position.log.to_string(),
            format!("{:#x}", row.tx_hash),
        ]
    }
}

/// A transaction, at the explorer's where there is one.
pub(super) fn transaction(config: &crate::Config, hash: alloy::primitives::B256) -> Cell {
    match gather::explore(config, &format!("tx/{hash:#x}")) {
        Some(link) => Cell::Link(short_hash(hash), link, true),
        None => Cell::Mono(short_hash(hash), format!("{hash:#x}")),
    }
}
