//! Freezes, releases, reviews: who stopped what.

use alloy::primitives::{Address, B256};
use bursar_sdk::{abi::Treasury::TreasuryEvents, payment::session_id, score};

use super::{Projector, Step};
use crate::{
    ledger::{Key, Row, Rows, StopRow},
    source::RawLog,
};

const ORGANISATION: &str = "organisation";
const ENVELOPE: &str = "envelope";
const GROUP: &str = "group";
const SESSION: &str = "session";
const REVIEW: &str = "review";

/// What is stopped or released, by whom.
pub(super) struct Stop {
    pub(super) level: &'static str,
    pub(super) stopped: bool,
    pub(super) by: Address,
    pub(super) envelope: Option<u32>,
    group: Option<u32>,
    pub(super) session: Option<(Address, u32)>,
    reason: Option<B256>,
    /// What payment nonces commit to from now on.
    epoch: Option<u32>,
}

impl Stop {
    /// What is frozen or released, as alerts call it; `None` for reviews.
    pub(super) fn subject(&self) -> Option<String> {
        Some(match (self.level, self.session, self.group) {
            (REVIEW, ..) => return None,
            (_, Some((purse, sequence)), _) => session_subject(purse, sequence),
            (_, None, Some(group)) => format!("groups/{group}"),
            _ => self.level.to_owned(),
        })
    }
}

/// What alerts call a session.
pub(super) fn session_subject(purse: Address, sequence: u32) -> String {
    format!("sessions/{}", session_id(purse, sequence))
}

fn read(event: &TreasuryEvents) -> Option<Stop> {
    use TreasuryEvents as T;
    let of = |level, stopped, by, envelope| Stop {
        level,
        stopped,
        by,
        envelope,
        group: None,
        session: None,
        reason: None,
        epoch: None,
    };
    Some(match event {
        T::OrganisationFrozen(e) => of(ORGANISATION, true, e.by, None),
        T::OrganisationUnfrozen(e) => Stop { epoch: Some(e.epoch), ..of(ORGANISATION, false, e.by, None) },
        T::GroupFrozen(e) => Stop { group: Some(e.group.to()), ..of(GROUP, true, e.by, None) },
        T::GroupUnfrozen(e) => {
            Stop { group: Some(e.group.to()), epoch: Some(e.epoch), ..of(GROUP, false, e.by, None) }
        }
        T::EnvelopeFrozen(e) => of(ENVELOPE, true, e.by, Some(e.envelope.to())),
        T::EnvelopeUnfrozen(e) => of(ENVELOPE, false, e.by, Some(e.envelope.to())),
        T::SessionFrozen(e) => Stop {
            session: Some((e.purse, e.sequence.to())),
            ..of(SESSION, true, e.by, Some(e.envelope.to()))
        },
        T::ReviewSet(e) => Stop { reason: Some(e.reason), ..of(REVIEW, true, e.by, Some(e.envelope.to())) },
        T::ReviewCleared(e) => {
            Stop { reason: Some(e.reason), ..of(REVIEW, false, e.by, Some(e.envelope.to())) }
        }
        _ => return None,
    })
}

/// What a stop of an envelope means for its score. Why a guardian freezes an envelope the chain does not tell, so it
/// counts as compromise.
fn scored(stop: &Stop) -> Option<score::Event<'static>> {
    match (stop.level, stop.stopped) {
        (ENVELOPE, true) => Some(score::Event::Compromised),
        (ENVELOPE, false) => Some(score::Event::Released),
        (REVIEW, false) => {
            let overriding = stop.reason.is_some_and(|reason| !reason.is_zero());
            Some(score::Event::Cleared { overriding })
        }
        _ => None,
    }
}

impl<R: Rows> Projector<'_, R> {
    pub(super) async fn stop(&mut self, log: &RawLog, event: &TreasuryEvents) -> Step<(), R> {
        let Some(stop) = read(event) else { return Ok(()) };
        let treasury = log.address;
        match (stop.session, stop.envelope, stop.group) {
            (Some((purse, sequence)), ..) => {
                let mut row = self.session_row(purse, sequence).await?;
                row.frozen = stop.stopped;
                self.put_session(purse, sequence, row).await?;
            }
            (None, Some(number), _) => {
                let mut row = self.envelope_row(treasury, number).await?;
                match stop.level {
                    REVIEW => row.under_review = stop.stopped,
                    _ => row.frozen = stop.stopped,
                }
                self.put_envelope(treasury, number, row).await?;
                if let Some(event) = scored(&stop) {
                    self.score((treasury, number), event).await?;
                }
            }
            (None, None, Some(group)) => {
                let mut row = self.group_row(treasury, group).await?;
                row.frozen = stop.stopped;
                row.epoch = stop.epoch.unwrap_or(row.epoch);
                self.set(Key::Group(treasury, group), Some(Row::Group(row))).await?;
            }
            (None, None, None) => {
                let mut row = self.treasury_row(treasury).await?;
                row.frozen = stop.stopped;
                row.epoch = stop.epoch.unwrap_or(row.epoch);
                self.set(Key::Treasury(treasury), Some(Row::Treasury(row))).await?;
            }
        }
        self.stopped(treasury, &stop).await?;
        self.effects.stops.push(StopRow {
            log_index: log.log_index,
            tx_hash: log.tx_hash,
            treasury,
            envelope: stop.envelope,
            group: stop.group,
            session: stop.session.map(|(purse, sequence)| session_id(purse, sequence)),
            level: stop.level,
            stopped: stop.stopped,
            by: stop.by,
            reason: stop.reason,
        });
        Ok(())
    }
}
