//! Scores, and what they rest on: payees as envelopes know them, and who belongs to a treasury.

use alloy::primitives::Address;
use bursar_sdk::score::{PayeeRecord, State};

use super::written;
use crate::{
    db::{DbError, DbRow, table},
    store::StoreError,
};

table! {
    SCORE, fn score(of: Address, number: u32, state: &State, text: String) {
        key { treasury: of, envelope: number }
        at: state.at(),
        value: state.evaluate(state.at()).value,
        state: text,
    }
}

pub(super) fn read_score(row: &DbRow) -> Result<State, DbError> {
    row.json("state", "the state of a score")
}

table! {
    SCORE_HISTORY, fn score_history(of: Address, number: u32, block: u64, seen: &Seen) {
        key { treasury: of, envelope: number, block_number: block }
        at: seen.at,
        value: seen.value,
        inputs: seen.inputs.as_str(),
        review: seen.review.clone(),
    }
}

/// A score as it is at its last event.
pub(in crate::store) struct Seen {
    at: u64,
    value: u16,
    inputs: String,
    review: Option<String>,
}

impl Seen {
    pub(in crate::store) fn of(state: &State) -> Result<Self, StoreError> {
        let evaluation = state.evaluate(state.at());
        let review = state.review(state.at()).as_ref().map(written).transpose()?;
        let inputs = written(&evaluation.inputs)?;
        Ok(Self { at: evaluation.at, value: evaluation.value, inputs, review })
    }
}

table! {
    PAYEE_RECORD, fn payee_record(of: Address, number: u32, who: Address, row: &PayeeRecord) {
        key { treasury: of, envelope: number, payee: who }
        first_paid_at: row.first_paid_at,
        returned: row.returned,
        week: row.week,
        failures: row.failures,
    }
}

pub(super) fn read_payee_record(row: &DbRow) -> Result<PayeeRecord, DbError> {
    Ok(PayeeRecord {
        first_paid_at: row.number("first_paid_at")?,
        returned: row.amount("returned")?,
        week: row.number("week")?,
        failures: row.number("failures")?,
    })
}

table! {
    INSIDER, fn insider(of: Address, who: Address) {
        key { treasury: of, account: who }
    }
}
