//! What blocks tell.

use alloy::primitives::{Address, B256, U256};
use bursar_sdk::{
    payment::session_id,
    score::{Cause, State, Trigger},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Event, Kind, Origin, envelope_path};
use crate::{
    ledger::{Change, Effects, EventRow, Key, PaymentRow, Row, StopRow},
    source::BlockHeader,
};

/// What a block tells, in the order of its logs.
pub(crate) fn of_block(block: &BlockHeader, effects: &Effects) -> Vec<Event> {
    let told = Told { block };
    let logs = effects.events.iter().filter_map(|row| told.log(row));
    let payments = effects.payments.iter().map(|row| told.payment(row));
    let stops = effects.stops.iter().map(|row| told.stop(row));
    let mut events: Vec<Event> = logs.chain(payments).chain(stops).collect();
    events.sort_by_key(|event| event.origin.and_then(|origin| origin.log).map(|(_, index)| index));
    events
}

/// What changes of scores at the height of `origin` tell: that one asks for a human now, or no longer does.
pub(crate) fn of_changes(origin: Origin, changes: &[Change]) -> Vec<Event> {
    changes.iter().filter_map(|change| flagged(origin, change)).collect()
}

fn flagged(origin: Origin, change: &Change) -> Option<Event> {
    let (Key::Score(treasury, number), Some(Row::Score(after))) = (change.key, change.after.as_deref())
    else {
        return None;
    };
    let before = match change.before.as_deref() {
        Some(Row::Score(before)) => asks(before),
        _ => None,
    };
    let (kind, body) = match (before, asks(after)) {
        (None, Some(trigger)) => (Kind::ScoreFlagged, flag(&trigger)),
        (Some(_), None) => (Kind::ScoreUnflagged, json!({ "value": after.evaluate(after.at()).value })),
        _ => return None,
    };
    Some(Event {
        kind,
        at: after.at(),
        treasury: Some(treasury),
        envelope: Some(number),
        subject: format!("{}/score", envelope_path(treasury, number)),
        origin: Some(origin),
        retracts: None,
        body,
    })
}

fn asks(state: &State) -> Option<Trigger> {
    state.review(state.at())
}

fn flag(trigger: &Trigger) -> Value {
    let cause = match trigger.cause {
        Cause::Compromised => json!({ "is": "compromised" }),
        Cause::Below(least) => json!({ "is": "below", "than": least }),
        Cause::FellFrom(high) => json!({ "is": "fell", "from": high }),
    };
    json!({ "value": trigger.value, "cause": cause })
}

/// Events of one block.
struct Told<'a> {
    block: &'a BlockHeader,
}

impl Told<'_> {
    fn event(
        &self,
        kind: Kind,
        (tx_hash, log_index): (B256, u64),
        (treasury, envelope): (Address, Option<u32>),
        subject: String,
        mut body: Value,
    ) -> Event {
        checksum(&mut body);
        let (block, hash) = (self.block.number, Some(self.block.hash));
        Event {
            kind,
            at: self.block.timestamp,
            treasury: Some(treasury),
            envelope,
            subject,
            origin: Some(Origin { block, hash, log: Some((tx_hash, log_index)) }),
            retracts: None,
            body,
        }
    }

    /// What an event of a treasury tells by itself; `None` where a row of its own tells it, or nobody follows it.
    fn log(&self, row: &EventRow) -> Option<Event> {
        let treasury = row.treasury?;
        let kind = match row.kind {
            "session_opened" => Kind::SessionOpened,
            "session_closed" => Kind::SessionClosed,
            "policy_set" => Kind::PolicyChanged,
            "topped_up" => Kind::EnvelopeToppedUp,
            "withdrawn" => Kind::EnvelopeWithdrawn,
            "announced" => Kind::ChangeAnnounced,
            "role_granted" => Kind::RoleGranted,
            "role_revoked" => Kind::RoleRevoked,
            _ => return None,
        };
        let mut body: Value = serde_json::from_str(&row.args).ok()?;
        brief(&mut body);
        let subject = match (kind, row.envelope) {
            (Kind::SessionOpened | Kind::SessionClosed, _) => format!("sessions/{}", session_of(&body)?),
            (Kind::PolicyChanged, Some(number)) => {
                format!("policies/{treasury}/{number}/{}", body.get("version")?)
            }
            (_, Some(number)) => envelope_path(treasury, number),
            (_, None) => format!("treasuries/{treasury}"),
        };
        Some(self.event(kind, (row.tx_hash, row.log_index), (treasury, row.envelope), subject, body))
    }

    fn payment(&self, row: &PaymentRow) -> Event {
        let subject = match row.nonce {
            Some(nonce) => format!("payments/{}/{nonce}", row.purse),
            // Permit2 logs none: the list of that transaction has it.
            None => format!("payments?tx={}", row.tx_hash),
        };
        let body = json!({
            "agent": row.agent,
            "purse": row.purse,
            "session": row.session,
            "policyVersion": row.policy_version,
            "asset": row.asset,
            "payee": row.payee,
            "amount": decimal(row.amount),
            "nonce": row.nonce,
            "rail": row.rail,
            "decisionHash": row.decision_hash,
            "approver": row.approver,
        });
        let place = (row.treasury, Some(row.envelope));
        self.event(Kind::PaymentSeen, (row.tx_hash, row.log_index), place, subject, body)
    }

    fn stop(&self, row: &StopRow) -> Event {
        let kind = match (row.level, row.stopped) {
            ("review", true) => Kind::ReviewSet,
            ("review", false) => Kind::ReviewCleared,
            (_, true) => Kind::FreezeSet,
            (_, false) => Kind::FreezeReleased,
        };
        let subject = match (row.session, row.envelope, row.group) {
            (Some(session), ..) => format!("sessions/{session}"),
            (None, Some(number), _) => envelope_path(row.treasury, number),
            (None, None, Some(group)) => format!("groups/{}/{group}", row.treasury),
            (None, None, None) => format!("treasuries/{}", row.treasury),
        };
        let body = json!({
            "level": row.level,
            "group": row.group,
            "session": row.session,
            "by": row.by,
            "reason": row.reason,
        });
        self.event(kind, (row.tx_hash, row.log_index), (row.treasury, row.envelope), subject, body)
    }
}

/// The session that an event's arguments name.
fn session_of(args: &Value) -> Option<B256> {
    /// Of the event's arguments.
    #[derive(Deserialize)]
    struct Named {
        purse: Address,
        sequence: u32,
    }
    let Named { purse, sequence } = Named::deserialize(args).ok()?;
    Some(session_id(purse, sequence))
}

/// Longest call that is told, in bytes: anybody may announce anything in a treasury of their own, and who hands events on takes
/// only so much at a time. Longer ones are told by their `id`, which is their hash.
const LONGEST_CALL: usize = 4_096;

/// Leaves out a call that is too long to tell.
fn brief(body: &mut Value) {
    if let Some(call) = body.get_mut("call")
        && call.as_str().is_some_and(|text| text.len() > 2 + 2 * LONGEST_CALL)
    {
        *call = Value::Null;
    }
}

/// Spells addresses as the API does.
fn checksum(value: &mut Value) {
    match value {
        Value::String(text) if text.len() == 42 => {
            if let Ok(address) = text.parse::<Address>() {
                *text = address.to_checksum(None);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(checksum),
        Value::Object(fields) => fields.values_mut().for_each(checksum),
        _ => {}
    }
}

fn decimal(amount: U256) -> String {
    amount.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_up_to_a_length() {
        for (bytes, is_told) in [(0, true), (LONGEST_CALL, true), (LONGEST_CALL + 1, false)] {
            let mut body = json!({ "id": "0x01", "call": format!("0x{}", "00".repeat(bytes)) });
            brief(&mut body);
            assert_eq!(body["call"].is_string(), is_told, "{bytes}");
            assert_eq!(body["id"], "0x01");
        }
    }
}
