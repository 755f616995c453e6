//! What stands in a list's table: for people, and as text for programs.

use alloy::primitives::{Address, B256};
use bursar_indexer::query::checkpoint::Settled;
use bursar_sdk::decision::DecisionRecord;

use super::super::{
    gather::{self, MAX_WORDS, transaction},
    text::{When, said},
    view::{Named, Standing, Transaction},
};
use crate::{Config, model::payment::PaymentState};

/// A piece of what stands in one place of a row.
#[derive(Debug)]
pub(super) enum Cell {
    /// A time, which may lead on.
    Time(When, Option<String>),
    /// Somebody.
    Who(Named),
    /// Money.
    Amount(String),
    /// What somebody wrote.
    Said(String),
    /// Less of a voice.
    Faint(String),
    /// A mark: `good`, `warn`, `stop` or nothing.
    Badge(String, &'static str),
    /// Digits, and the whole of them.
    Mono(String, String),
    /// A way on, and whether it is spelled in digits.
    Link(String, String, bool),
}

/// What stands above a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heading {
    pub(super) name: &'static str,
    /// `right`, `why`, `nowrap` or nothing.
    pub(super) class: &'static str,
}

/// Above a column of that name, laid out as the class says.
pub(super) const fn heading(name: &'static str, class: &'static str) -> Heading {
    Heading { name, class }
}

/// What an agent wanted, in its own words, and of whom.
pub(super) fn wanted(record: &DecisionRecord) -> Vec<Cell> {
    let said = |text: &str| said(text, MAX_WORDS);
    vec![Cell::Said(said(&record.rationale)), Cell::Faint(said(&record.resource.url))]
}

/// A transaction, at the explorer's where there is one.
pub(super) fn tx(config: &Config, hash: B256) -> Cell {
    let Transaction { name, hash, link } = transaction(config, hash);
    match link {
        Some(link) => Cell::Link(name, link, true),
        None => Cell::Mono(name, hash),
    }
}

/// Whether the chain may still take back what stands in a block.
pub(super) fn state(block: u64, settled: Option<Settled>) -> Cell {
    let Standing { name, mark, .. } = gather::state(block, settled);
    Cell::Badge(name.into(), mark)
}

/// The same, as the API spells it.
pub(super) fn state_code(block: u64, settled: Option<Settled>) -> String {
    PaymentState::at(block, settled).code().to_owned()
}

/// A hash as text; nothing where there is none.
pub(super) fn spelled(hash: Option<B256>) -> String {
    hash.map(|hash| format!("{hash:#x}")).unwrap_or_default()
}

/// What people call an account; nothing where nobody says.
pub(super) fn called(config: &Config, account: Address) -> String {
    config.names.get(&account).cloned().unwrap_or_default()
}

pub(super) fn yes(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
