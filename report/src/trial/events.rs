//! What is held against what the treasury says, before the books take it in.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use bursar_indexer::query::history;
use bursar_sdk::{role::Role, score::REVIEW};

use super::{At, Rule, Trials};
use crate::{
    books::{Books, Place},
    event::{Opened, Said},
};

impl Trials {
    /// Looks at an event, with the books as they stand before it.
    pub(crate) fn event(&mut self, books: &Books, event: &history::Event, said: &Said) {
        let at = At::of(event.position, event.tx_hash);
        self.tried(Rule::NothingAside);
        match said {
            Said::SessionClosed { purse, returned, .. } => {
                let held = books.purses.get(purse).map(|purse| purse.balance).unwrap_or_default();
                self.hold(Rule::PursesAddUp, held == returned.to_u256(), at, || {
                    [format!("purse {purse}"), held.to_string(), returned.to_string()]
                });
            }
            Said::PolicySet { version, by, .. } => {
                let may = books.holds(*by, Role::PolicyManager) || books.holds(*by, Role::Owner);
                self.hold(Rule::SetByRole, may, at, || {
                    let of = event.envelope.unwrap_or_default();
                    let about = format!("policy {version} of envelope {of}");
                    [about, "a policy manager or the owner".into(), by.to_string()]
                });
            }
            Said::SessionOpened(opened) => self.opened(books, event, opened, at),
            Said::ScoreReported { score, .. } if *score < REVIEW => self.tried(Rule::LowScoreHeld),
            _ => {}
        }
    }

    fn opened(&mut self, books: &Books, event: &history::Event, opened: &Opened, at: At) {
        let about = || format!("session {} of purse {}", opened.sequence, opened.purse);
        if !opened.stamp_hash.is_zero() {
            let revoked = books.revoked.contains_key(&opened.stamp_hash);
            self.hold(Rule::StampLive, !revoked, at, || {
                [about(), "a stamp that was not revoked".into(), opened.stamp_hash.to_string()]
            });
        }
        let Some(envelope) = event.envelope.and_then(|number| books.envelopes.get(&number)) else { return };
        let looked = envelope.looked.map(|place| place.position);
        if let Some((score, place)) = envelope.score.filter(|(score, _)| *score < REVIEW)
            && looked.is_none_or(|looked| looked < place.position)
        {
            let got = format!("opened with a score of {score}");
            self.found(Rule::LowScoreHeld, at, [about(), "a human who has looked".into(), got]);
        }
        if envelope.score_life != 0 {
            let fresh_from = event.timestamp.saturating_sub(u64::from(envelope.score_life));
            let scored = envelope.score.map(|(_, place)| place.time);
            self.hold(Rule::ScoreFresh, scored.is_some_and(|at| at >= fresh_from), at, || {
                let got = scored.map_or("no score".to_owned(), |at| format!("one of {at}"));
                [about(), format!("a score of {fresh_from} or later"), got]
            });
        }
    }

    /// A log that makes no sense.
    pub(crate) fn set_aside(&mut self, row: &history::SetAside) {
        let at = At::of(row.position, row.tx_hash);
        self.hold(Rule::NothingAside, false, at, || {
            [format!("log of {}", row.address), "an event that makes sense".into(), row.error.clone()]
        });
    }

    /// Looks at how things stand at the end.
    pub(crate) fn end(&mut self, books: &Books) {
        for (number, envelope) in &books.envelopes {
            let at = At::of(envelope.created.position, envelope.created.tx);
            let complete = !envelope.agent.is_zero() && envelope.policy().is_some();
            self.hold(Rule::Registered, complete, at, || {
                [
                    format!("envelope {number}"),
                    "an agent and a policy".into(),
                    format!("agent {}", envelope.agent),
                ]
            });
        }
        for (account, held) in duties(books) {
            let at = held.first().and_then(|(_, place)| *place).map(|place| At::of(place.position, place.tx));
            self.hold(Rule::RolesApart, held.len() < 2, at.unwrap_or_default(), || {
                let names: Vec<&str> = held.iter().map(|(name, _)| *name).collect();
                [account.to_string(), "one of policy manager, approver and agent".into(), names.join(" and ")]
            });
        }
    }
}

/// Who creates, approves and spends; nobody should do two of these.
pub(crate) fn duties(books: &Books) -> BTreeMap<Address, Vec<(&'static str, Option<Place>)>> {
    let mut duties = BTreeMap::<Address, Vec<_>>::new();
    for role in [Role::PolicyManager, Role::Approver] {
        for ((account, bit), place) in &books.roles {
            if *bit == role.bit() {
                duties.entry(*account).or_default().push((role.code(), Some(*place)));
            }
        }
    }
    for agent in books.agents.keys() {
        duties.entry(*agent).or_default().push(("agent", None));
    }
    duties
}
