//! What watched accounts pay outside any envelope, for auditors.

use bursar_indexer::query::settlements::Settlement;

use super::{
    super::{
        gather::named,
        text::{bare, money, when},
    },
    Settlements,
    cell::{Cell, Heading, called, heading, spelled, state, state_code, tx},
    list::{On, Shown},
    words::{AS_OF, AS_OF_TIME, AT_LEAST, AT_MOST, FROM, Field, Kind, PAYEE, RAIL, STATE, UNTIL, field},
};
use crate::{AppState, error::ApiError};

impl Shown for Settlements {
    const TITLE: &'static str = "Ungoverned";
    const LEAD: &'static str = "What watched accounts paid outside any envelope: no policy, no decision and no limit stands behind it.";
    const PATH: &'static str = "/audit/settlements";
    const API: &'static str = "/v1/settlements";
    const FIELDS: &'static [Field] = &[
        field("payer", "Payer", Kind::Account),
        PAYEE,
        FROM,
        UNTIL,
        AT_LEAST,
        AT_MOST,
        RAIL,
        STATE,
        AS_OF,
        AS_OF_TIME,
    ];
    const HEADINGS: &'static [Heading] = &[
        heading("Time (UTC)", "nowrap"),
        heading("Payer", ""),
        heading("Payee", ""),
        heading("Amount", "right amount"),
        heading("Rail", ""),
        heading("Facilitator", ""),
        heading("State", "nowrap"),
        heading("Transaction", "nowrap"),
    ];
    const COLUMNS: &'static [&'static str] = &[
        "time",
        "timestamp",
        "payer",
        "payer_label",
        "payee",
        "payee_name",
        "asset",
        "symbol",
        "amount",
        "units",
        "rail",
        "state",
        "nonce",
        "facilitator",
        "facilitator_label",
        "block",
        "block_hash",
        "log_index",
        "tx",
    ];
    type Beside = ();

    async fn beside(_: &AppState, _: &[Settlement]) -> Result<(), ApiError> {
        Ok(())
    }

    fn cells(on: &On<'_, ()>, row: &Settlement) -> Vec<Vec<Cell>> {
        let config = on.config;
        let called = |address, label: &Option<String>| {
            let mut who = named(config, address);
            who.name = label.clone().unwrap_or(who.name);
            Cell::Who(who)
        };
        vec![
            vec![Cell::Time(when(row.timestamp), None)],
            vec![called(row.payer, &row.payer_label)],
            vec![Cell::Who(named(config, row.payee))],
            vec![Cell::Amount(money(config, row.asset, row.amount.to_u256()))],
            vec![Cell::Faint(row.rail.clone())],
            row.facilitator.map(|address| called(address, &row.facilitator_label)).into_iter().collect(),
            vec![state(row.position.block, on.as_of.settled())],
            vec![tx(config, row.tx_hash)],
        ]
    }

    fn record(on: &On<'_, ()>, row: &Settlement) -> Vec<String> {
        let config = on.config;
        let (amount, symbol) = bare(config, row.asset, row.amount.to_u256());
        vec![
            when(row.timestamp).machine,
            row.timestamp.to_string(),
            row.payer.to_checksum(None),
            row.payer_label.clone().unwrap_or_default(),
            row.payee.to_checksum(None),
            called(config, row.payee),
            row.asset.to_checksum(None),
            symbol,
            amount,
            row.amount.to_string(),
            row.rail.clone(),
            state_code(row.position.block, on.as_of.settled()),
            spelled(row.nonce),
            row.facilitator.map(|address| address.to_checksum(None)).unwrap_or_default(),
            row.facilitator_label.clone().unwrap_or_default(),
            row.position.block.to_string(),
            format!("{:#x}", row.block_hash),
            row.position.log.to_string(),
            format!("{:#x}", row.tx_hash),
        ]
    }
}
