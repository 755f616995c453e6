//! Freezes, releases and reviews.

use alloy::primitives::{Address, B256};
use bursar_sdk::payment::session_id;

use super::{Books, Envelope, Place, Row, cell};
use crate::{annex::Annex, event::Said};

/// What should make somebody stop an envelope: a review, or an exception of a rule of payments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signal {
    pub(crate) what: &'static str,
    pub(crate) place: Place,
}

/// A freeze, and the first signal before it; `None` where the ledger tells of none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Response {
    pub(crate) level: &'static str,
    pub(crate) envelope: Option<u32>,
    pub(crate) place: Place,
    pub(crate) signal: Option<Signal>,
}

impl Response {
    /// How long it took, in seconds.
    pub(crate) fn after(&self) -> Option<u64> {
        self.signal.map(|signal| self.place.time.saturating_sub(signal.place.time))
    }
}

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
        let answer = self.answer(place, &stop);
        let signal = answer.and_then(|answer| answer.signal);
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
                cell(signal.map(|signal| signal.what)),
                cell(signal.map(|signal| signal.place.tx)),
                cell(answer.and_then(|answer| answer.after())),
            ],
        ))
    }

    /// Remembers the first signal of an envelope since it was last stopped or looked at.
    pub(crate) fn signal(&mut self, envelope: u32, what: &'static str, place: Place) {
        self.signals.entry(envelope).or_insert(Signal { what, place });
    }

    /// A freeze answers the signals of all that it stops.
    fn answer(&mut self, place: Place, stop: &Stop) -> Option<Response> {
        if stop.level == "review" {
            let envelope = stop.envelope?;
            if stop.stopped {
                self.signal(envelope, "review", place);
            } else {
                self.signals.remove(&envelope);
            }
            return None;
        }
        if !stop.stopped {
            return None;
        }
        let covers = |number: &u32, envelope: &Envelope| match (stop.level, stop.group) {
            ("organisation", _) => true,
            ("group", Some(group)) => self.above(envelope.group).any(|(above, _)| above == group),
            _ => stop.envelope == Some(*number),
        };
        let covered = self.envelopes.iter().filter(|(number, of)| covers(number, of));
        let covered: Vec<u32> = covered.map(|(number, _)| *number).collect();
        let answered: Vec<Signal> = covered.iter().filter_map(|number| self.signals.remove(number)).collect();
        let signal = answered.into_iter().min_by_key(|signal| signal.place.position);
        let response = Response { level: stop.level, envelope: stop.envelope, place, signal };
        self.responses.push(response);
        Some(response)
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
