//! Freezes, releases and reviews.

use alloy::primitives::{Address, B256};
use bursar_sdk::payment::session_id;

use super::{Books, Place, Row, cell};
use crate::{annex::Annex, event::Said};

/// Who stopped or released what.
struct Stop {
    level: &'static str,
    envelope: Option<u32>,
    group: Option<u32>,
    session: Option<B256>,
    stopped: bool,
    by: Address,
    reason: Option<B256>,
}

impl Books {
    /// The row of a stop or a release; `None` where an event is neither.
    pub(super) fn stop(&mut self, place: Place, envelope: Option<u32>, said: &Said) -> Option<Row> {
        let of = |level, stopped, by: Address| Stop {
            level,
            envelope,
            group: None,
            session: None,
            stopped,
            by,
            reason: None,
        };
        let stop = match said {
            Said::OrganisationFrozen { by } => of("organisation", true, *by),
            Said::OrganisationUnfrozen { by } => of("organisation", false, *by),
            Said::GroupFrozen { group, by } => Stop { group: Some(*group), ..of("group", true, *by) },
            Said::GroupUnfrozen { group, by } => Stop { group: Some(*group), ..of("group", false, *by) },
            Said::EnvelopeFrozen { by } => of("envelope", true, *by),
            Said::EnvelopeUnfrozen { by } => of("envelope", false, *by),
            Said::SessionFrozen { purse, sequence, by } => {
                Stop { session: Some(session_id(*purse, *sequence)), ..of("session", true, *by) }
            }
            Said::ReviewSet { by, reason } => Stop { reason: Some(*reason), ..of("review", true, *by) },
            Said::ReviewCleared { by, reason } => Stop { reason: Some(*reason), ..of("review", false, *by) },
            _ => return None,
        };
        self.keep(place, &stop);
        Some(place.row(
            Annex::Stops,
            [
                stop.level.to_owned(),
                cell(stop.envelope),
                cell(stop.group),
                cell(stop.session),
                if stop.stopped { "stopped" } else { "released" }.to_owned(),
                stop.by.to_string(),
                cell(stop.reason),
            ],
        ))
    }

    fn keep(&mut self, place: Place, stop: &Stop) {
        let envelope = stop.envelope.and_then(|number| self.envelopes.get_mut(&number));
        match stop.level {
            "organisation" => self.organisation.frozen = stop.stopped,
            "group" => {
                if let Some(group) = stop.group.and_then(|number| self.groups.get_mut(&number)) {
                    group.frozen = stop.stopped;
                }
            }
            "envelope" => envelope.into_iter().for_each(|envelope| envelope.frozen = stop.stopped),
            "session" => {
                if let Some(session) = stop.session.and_then(|id| self.sessions.get_mut(&id)) {
                    session.frozen = stop.stopped;
                }
            }
            _ => {
                if let Some(envelope) = envelope {
                    envelope.under_review = stop.stopped;
                    envelope.looked = if stop.stopped { envelope.looked } else { Some(place) };
                }
            }
        }
    }
}
