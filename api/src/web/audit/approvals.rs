//! Payments that waited for a human, for auditors.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use bursar_indexer::query::{
    approvals::{self, Answer, Approval},
    assets::{self, PurseAsset},
};

use super::{
    super::{
        gather::{self, named},
        text::{bare, when},
        then::dated,
    },
    Approvals,
    cell::{Cell, Heading, called, heading},
    list::{On, Shown},
    words::{AGENT, AS_OF, AS_OF_TIME, AT_LEAST, AT_MOST, FROM, Field, Kind, PAYEE, TREASURY, UNTIL, field},
};
use crate::{AppState, error::ApiError};

impl Shown for Approvals {
    const TITLE: &'static str = "Approvals";
    const LEAD: &'static str =
        "Payments above their policy's threshold, and what a human said, newest first.";
    const PATH: &'static str = "/audit/approvals";
    const API: &'static str = "/v1/approval-requests";
    const FIELDS: &'static [Field] = &[
        AGENT,
        PAYEE,
        TREASURY,
        field("purse", "Purse", Kind::Account),
        field(
            "state",
            "State",
            Kind::Choice(&[
                ("pending", "Pending"),
                ("approved", "Approved"),
                ("rejected", "Rejected"),
                ("expired", "Expired"),
            ]),
        ),
        FROM,
        UNTIL,
        AT_LEAST,
        AT_MOST,
        AS_OF,
        AS_OF_TIME,
    ];
    const HEADINGS: &'static [Heading] = &[
        heading("Asked (UTC)", "nowrap"),
        heading("Agent", ""),
        heading("Payee", ""),
        heading("Amount", "right amount"),
        heading("State", "nowrap"),
        heading("By", ""),
        heading("Reason", "why"),
        heading("Treasury", ""),
    ];
    const COLUMNS: &'static [&'static str] = &[
        "time",
        "requested_at",
        "treasury",
        "agent",
        "agent_name",
        "payee",
        "payee_name",
        "symbol",
        "amount",
        "units",
        "rail",
        "facilitator",
        "valid_after",
        "valid_before",
        "state",
        "answered_by",
        "answered_by_name",
        "contract",
        "reason",
        "purse",
        "nonce",
        "decision_hash",
        "digest",
    ];
    /// What purses pay in.
    type Beside = BTreeMap<Address, PurseAsset>;

    async fn beside(state: &AppState, rows: &[Approval]) -> Result<Self::Beside, ApiError> {
        let purses: Vec<Address> = rows.iter().map(|row| row.request.purse).collect();
        Ok(assets::of_purses(&state.db, &purses).await?)
    }

    fn cells(on: &On<'_, Self::Beside>, row: &Approval) -> Vec<Vec<Cell>> {
        let config = on.config;
        let asset = on.beside.get(&row.request.purse).map(|known| known.asset);
        let told = gather::request(config, row, asset, None, on.as_of.now);
        // Its page is for those who answer, today.
        let href = match on.as_of.at {
            None => told.href,
            at => dated(format!("/v1/approval-requests/{:#x}", row.request.digest), at),
        };
        vec![
            vec![Cell::Time(when(row.requested_at), Some(href))],
            told.agent.map(Cell::Who).into_iter().collect(),
            vec![Cell::Who(told.payee)],
            vec![Cell::Amount(told.amount)],
            vec![Cell::Badge(told.state.into(), told.level)],
            told.by.map(Cell::Who).into_iter().collect(),
            told.reason.map(Cell::Said).into_iter().collect(),
            vec![Cell::Who(named(config, row.request.treasury))],
        ]
    }

    fn record(on: &On<'_, Self::Beside>, row: &Approval) -> Vec<String> {
        let (config, request) = (on.config, &row.request);
        let asset = on.beside.get(&request.purse).map(|known| known.asset);
        let (amount, symbol) = bare(config, asset.unwrap_or_default(), request.amount.to_u256());
        let spelled =
            |address: Option<Address>| address.map(|address| address.to_checksum(None)).unwrap_or_default();
        let name =
            |address: Option<Address>| address.map(|address| called(config, address)).unwrap_or_default();
        let (by, contract, reason) = match &row.answer {
            None => (None, "", ""),
            Some(Answer::Approved { approver, contract, .. }) => {
                (Some(*approver), if *contract { "yes" } else { "no" }, "")
            }
            Some(Answer::Rejected { by, reason, .. }) => (Some(*by), "", reason.as_str()),
        };
        let state = match row.state(on.as_of.now) {
            approvals::State::Pending => "pending",
            approvals::State::Approved => "approved",
            approvals::State::Rejected => "rejected",
            approvals::State::Expired => "expired",
        };
        vec![
            when(row.requested_at).machine,
            row.requested_at.to_string(),
            request.treasury.to_checksum(None),
            spelled(request.agent),
            name(request.agent),
            request.payee.to_checksum(None),
            called(config, request.payee),
            symbol,
            amount,
            request.amount.to_string(),
            request.rail.code().to_owned(),
            spelled(request.rail.facilitator()),
            request.valid_after.to_string(),
            request.valid_before.to_string(),
            state.to_owned(),
            spelled(by),
            name(by),
            contract.to_owned(),
            reason.to_owned(),
            request.purse.to_checksum(None),
            format!("{:#x}", request.nonce),
            format!("{:#x}", request.decision_hash),
            format!("{:#x}", request.digest),
        ]
    }
}
