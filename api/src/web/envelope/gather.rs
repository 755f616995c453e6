//! From rows to what an agent's page says.

use alloy::primitives::Address;
use bursar_indexer::query::{envelopes, sessions};
use bursar_sdk::{amount::Amount, tree::Tree};

use super::{
    super::{
        gather::{limit, named, transaction},
        links,
        text::{money, when},
        view::Limit,
    },
    Above,
    view::{Policy, Session, Unit},
};
use crate::Config;

/// The limits of a group above an envelope.
pub(super) fn above(config: &Config, (group, rooms): &Above, now: u64) -> Vec<Limit> {
    let named = |limit: Limit| Limit { name: format!("{}, group {}", limit.name, group.number), ..limit };
    rooms.iter().map(|room| named(limit(config, group.asset, room, now))).collect()
}

/// Atomic units, where the token is not known.
pub(super) fn unit(config: &Config, asset: Address) -> Unit {
    let label = config.label(asset);
    Unit {
        asset: asset.to_checksum(None),
        symbol: label.map_or_else(|| "units".to_owned(), |label| label.symbol.clone()),
        decimals: label.map_or(0, |label| label.decimals),
    }
}

pub(super) fn session(config: &Config, row: &sessions::Session, now: u64) -> Session {
    let show = |amount: Amount| money(config, row.asset, amount.to_u256());
    let (state, level) = match row.state(now) {
        sessions::State::Open => ("Open", "good"),
        sessions::State::Frozen => ("Frozen", "stop"),
        sessions::State::Outdated => ("Outdated", "warn"),
        sessions::State::Expired => ("Expired", ""),
        sessions::State::Closed => ("Closed", ""),
    };
    Session {
        sequence: row.sequence,
        state,
        level,
        budget: show(row.budget),
        paid: show(row.paid),
        payments: row.payments,
        may_stop: matches!(row.state(now), sessions::State::Open),
        purse: row.purse.to_checksum(None),
        opened: when(row.opened_at),
        until: when(row.closed_at.unwrap_or(row.expiry)),
        key: named(config, row.key),
        href: links::session(row.id),
        opened_in: transaction(config, row.opened_tx),
    }
}

pub(super) fn policy(config: &Config, row: &envelopes::Envelope, tree: Option<&Tree>) -> Option<Policy> {
    let tree = tree?;
    Some(Policy {
        version: row.policy_version,
        title: tree.title.clone(),
        text: tree.to_text(),
        picture: format!("{}/policy.svg", links::envelope(row.treasury, row.number)),
        href: links::policy(row.treasury, row.number, row.policy_version),
        asset: named(config, row.asset),
    })
}
