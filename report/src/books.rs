//! The ledger as its events tell it, from the first one on: what stands when a payment comes.

mod apply;
mod budgets;
mod envelope;
mod session;
mod stops;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy::primitives::{Address, B256, U256};
use bursar_indexer::query::{Position, history};
use bursar_sdk::{
    role::Role,
    windows::{Limits, index_at},
};

use crate::annex::Annex;

use self::stops::Response;
pub(crate) use self::{
    apply::role_name,
    envelope::{Envelope, Policy},
    session::Session,
    stops::Signal,
};

/// A row of an annex.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) annex: Annex,
    pub(crate) cells: Vec<String>,
}

/// Where on the chain, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) position: Position,
    pub(crate) time: u64,
    pub(crate) tx: B256,
}

impl Place {
    pub(crate) fn of(event: &history::Event) -> Self {
        Self { position: event.position, time: event.timestamp, tx: event.tx_hash }
    }

    pub(crate) fn of_payment(payment: &history::Settled) -> Self {
        Self { position: payment.position, time: payment.timestamp, tx: payment.tx_hash }
    }

    pub(crate) fn cells(&self) -> Vec<String> {
        let (block, log) = (self.position.block.to_string(), self.position.log.to_string());
        vec![block, log, self.time.to_string(), self.tx.to_string()]
    }

    pub(crate) fn row(&self, annex: Annex, own: impl IntoIterator<Item = String>) -> Row {
        let mut cells = self.cells();
        cells.extend(own);
        Row { annex, cells }
    }
}

/// An empty cell where there is nothing.
pub(crate) fn cell(value: Option<impl std::fmt::Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// The organisation itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Organisation {
    /// Where it was created.
    pub(crate) created: Option<(Place, Address, Address)>,
    pub(crate) frozen: bool,
    pub(crate) separation: bool,
    pub(crate) delay: u32,
    pub(crate) stamp_epoch: u32,
}

/// A budget above envelopes.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) parent: u32,
    pub(crate) asset: Address,
    pub(crate) frozen: bool,
    pub(crate) limits: Vec<(u32, U256)>,
    pub(crate) created: Place,
}

/// What a purse holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Purse {
    pub(crate) envelope: u32,
    pub(crate) balance: U256,
    pub(crate) session: Option<B256>,
}

/// Something said that changes rules: what, by whom.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) place: Place,
    pub(crate) what: String,
    pub(crate) by: Option<Address>,
}

/// Whose limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Budget {
    Envelope(u32),
    Group(u32),
}

/// What was paid in one window of a limit.
#[derive(Debug, Clone, Copy)]
struct Spent {
    window: u64,
    paid: U256,
    /// The highest limit in force in that window.
    limit: U256,
}

/// The ledger as its events tell it.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) organisation: Organisation,
    pub(crate) roles: BTreeMap<(Address, u8), Place>,
    pub(crate) authors: BTreeSet<Address>,
    pub(crate) agents: BTreeMap<Address, u32>,
    pub(crate) assets: BTreeMap<Address, Place>,
    pub(crate) groups: BTreeMap<u32, Group>,
    pub(crate) envelopes: BTreeMap<u32, Envelope>,
    pub(crate) purses: BTreeMap<Address, Purse>,
    pub(crate) payees: BTreeMap<(u16, Address), Place>,
    pub(crate) sessions: BTreeMap<B256, Session>,
    /// The key of every session there was: records may be sealed with it.
    pub(crate) keys: HashMap<B256, Address>,
    pub(crate) revoked: BTreeMap<B256, Place>,
    /// What changed beside policies and roles, in chain order.
    pub(crate) changes: Vec<Said>,
    pub(crate) anchors: Vec<(Place, B256, String)>,
    /// The first payment to each payee in each token.
    pub(crate) met: BTreeMap<(Address, Address), Place>,
    /// What should have made somebody stop an envelope, until somebody did.
    signals: BTreeMap<u32, Signal>,
    /// Freezes, each with the first signal before it.
    pub(crate) responses: Vec<Response>,
    spent: BTreeMap<(Budget, u32), Spent>,
    counted: BTreeMap<Budget, Limits>,
}

impl Books {
    pub(crate) fn holds(&self, account: Address, role: Role) -> bool {
        self.roles.contains_key(&(account, role.bit()))
    }

    /// 0 is the list of everybody.
    pub(crate) fn on_list(&self, list: u16, payee: Address) -> bool {
        list == 0 || self.payees.contains_key(&(list, payee))
    }

    /// What stops an envelope: the organisation, a group above it, or itself.
    pub(crate) fn stopped(&self, envelope: &Envelope) -> Option<&'static str> {
        if self.organisation.frozen {
            return Some("organisation frozen");
        }
        if envelope.frozen {
            return Some("envelope frozen");
        }
        self.above(envelope.group).any(|(_, group)| group.frozen).then_some("a group above frozen")
    }

    /// A group and those above it.
    pub(crate) fn above(&self, group: u32) -> impl Iterator<Item = (u32, &Group)> {
        let find = |number: u32| self.groups.get(&number).map(|group| (number, group));
        // A parent is always of a smaller number, so that this ends.
        std::iter::successors(find(group), move |(number, group)| find(group.parent.min(*number - 1)))
    }

    /// Counts a payment in its session and its purse.
    pub(crate) fn pay(&mut self, payment: &history::Settled) {
        let amount = payment.amount.to_u256();
        self.met.entry((payment.asset, payment.payee)).or_insert_with(|| Place::of_payment(payment));
        if let Some(purse) = self.purses.get_mut(&payment.purse) {
            purse.balance = purse.balance.saturating_sub(amount);
        }
        if let Some(session) = self.sessions.get_mut(&payment.session) {
            session.paid = session.paid.saturating_add(amount);
            session.payments = session.payments.saturating_add(1);
        }
    }

    /// Counts a payment in every window that it falls into; what it exceeds, with what was paid and the limit.
    pub(crate) fn spend(
        &mut self,
        envelope: u32,
        version: u16,
        time: u64,
        amount: U256,
    ) -> Vec<(String, U256, U256)> {
        let mut limits = Vec::new();
        if let Some(of) = self.envelopes.get(&envelope) {
            let own = of.policies.get(&version).map(Policy::limits).unwrap_or_default();
            limits.extend(own.into_iter().map(|(period, limit)| (Budget::Envelope(envelope), period, limit)));
            for (number, group) in self.above(of.group) {
                limits.extend(
                    group.limits.iter().map(|(period, limit)| (Budget::Group(number), *period, *limit)),
                );
            }
        }
        let mut over = Vec::new();
        for (budget, period, limit) in limits {
            let window = index_at(period, time);
            let spent =
                self.spent.entry((budget, period)).or_insert(Spent { window, paid: U256::ZERO, limit });
            if spent.window != window {
                *spent = Spent { window, paid: U256::ZERO, limit };
            }
            spent.limit = spent.limit.max(limit);
            spent.paid = spent.paid.saturating_add(amount);
            if spent.paid > spent.limit {
                let whose = match budget {
                    Budget::Envelope(number) => format!("envelope {number}"),
                    Budget::Group(number) => format!("group {number}"),
                };
                over.push((format!("{whose}, window of {period} s"), spent.paid, spent.limit));
            }
        }
        over
    }
}
