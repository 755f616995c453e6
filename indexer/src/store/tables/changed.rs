//! The rows that blocks change: where each is kept, how it is written, and how it reads.

use super::{
    alert::{ALERT, ALERT_TOPIC, alert, alert_topic, read_alert, read_topic},
    envelope::{
        ENVELOPE, ENVELOPE_GROUP, GROUP_LIMIT_USE, LIMIT_USE, envelope, envelope_group, group_limit_use,
        limit_use, read_envelope, read_group, read_limits,
    },
    score::{INSIDER, PAYEE_RECORD, SCORE, insider, payee_record, read_payee_record, read_score, score},
    session::{PURSE, SESSION, purse, read_purse, read_session, session},
    treasury::{ASSET, PAYEE, ROLE, TREASURY, asset, payee, read_asset, read_treasury, role, treasury},
};
use crate::{
    db::{Cell as _, DbError, DbRow, Query, Table, Tx, Value},
    ledger::{Key, Row},
    store::StoreError,
};

/// The tables that blocks change.
pub(in crate::store) static CHANGED: [&Table; 15] = [
    &TREASURY,
    &ROLE,
    &ASSET,
    &ENVELOPE,
    &LIMIT_USE,
    &PURSE,
    &PAYEE,
    &SESSION,
    &ENVELOPE_GROUP,
    &GROUP_LIMIT_USE,
    &SCORE,
    &PAYEE_RECORD,
    &INSIDER,
    &ALERT,
    &ALERT_TOPIC,
];

/// The table that holds what has that key, and the cells of the key.
fn place(key: &Key) -> (&'static Table, Vec<Value>) {
    match *key {
        Key::Treasury(it) => (&TREASURY, vec![it.value()]),
        Key::Role(of, account, role) => (&ROLE, vec![of.value(), account.value(), role.value()]),
        Key::Asset(of, token) => (&ASSET, vec![of.value(), token.value()]),
        Key::Envelope(of, number) => (&ENVELOPE, vec![of.value(), number.value()]),
        Key::Limits(of, number) => (&LIMIT_USE, vec![of.value(), number.value()]),
        Key::Purse(it) => (&PURSE, vec![it.value()]),
        Key::Payee(of, list, payee) => (&PAYEE, vec![of.value(), list.value(), payee.value()]),
        Key::Session(purse, sequence) => (&SESSION, vec![purse.value(), sequence.value()]),
        Key::Group(of, number) => (&ENVELOPE_GROUP, vec![of.value(), number.value()]),
        Key::GroupLimits(of, number) => (&GROUP_LIMIT_USE, vec![of.value(), number.value()]),
        Key::Score(of, number) => (&SCORE, vec![of.value(), number.value()]),
        Key::PayeeRecord(of, number, payee) => {
            (&PAYEE_RECORD, vec![of.value(), number.value(), payee.value()])
        }
        Key::Insider(of, account) => (&INSIDER, vec![of.value(), account.value()]),
        Key::Alert(id) => (&ALERT, vec![id.value()]),
        Key::AlertTopic(topic) => (&ALERT_TOPIC, vec![topic.value()]),
    }
}

/// A key with the table that holds what has it, and with its cells.
pub(in crate::store) fn placed(key: Key) -> (Key, &'static Table, Vec<Value>) {
    let (table, cells) = place(&key);
    (key, table, cells)
}

/// A row as it is written: what goes, and then what comes.
pub(in crate::store) struct Written {
    pub(in crate::store) table: &'static Table,
    /// The key of what is deleted first.
    pub(in crate::store) gone: Option<Vec<Value>>,
    /// What is put.
    pub(in crate::store) rows: Vec<Vec<Value>>,
}

impl Written {
    pub(in crate::store) async fn write(self, tx: &mut Tx) -> Result<(), DbError> {
        match self.gone {
            Some(gone) => {
                self.table.delete(gone).execute(&mut *tx).await?;
                self.table.insert_all(tx, self.rows).await
            }
            None => self.table.put_all(tx, self.rows).await,
        }
    }
}

/// Puts `row` where `key` says, or deletes what is there.
pub(in crate::store) fn put(key: &Key, row: Option<&Row>) -> Result<Written, StoreError> {
    let (table, cells) = place(key);
    let Some(row) = row else { return Ok(Written { table, gone: Some(cells), rows: Vec::new() }) };
    let values = match (*key, row) {
        (Key::Treasury(it), Row::Treasury(row)) => treasury(it, row),
        (Key::Asset(of, token), Row::Asset(row)) => asset(of, token, row),
        (Key::Envelope(of, number), Row::Envelope(row)) => envelope(of, number, row),
        (Key::Purse(it), Row::Purse(row)) => purse(it, row),
        (Key::Session(purse, sequence), Row::Session(row)) => session(purse, sequence, row),
        (Key::Group(of, number), Row::Group(row)) => envelope_group(of, number, row),
        (Key::Role(of, account, bit), Row::Role) => role(of, account, bit),
        (Key::Payee(of, list, who), Row::Payee) => payee(of, list, who),
        (Key::Score(of, number), Row::Score(state)) => score(of, number, state, written(state)?),
        (Key::PayeeRecord(of, number, who), Row::PayeeRecord(row)) => payee_record(of, number, who, row),
        (Key::Insider(of, account), Row::Insider) => insider(of, account),
        (Key::Alert(id), Row::Alert(row)) => alert(id, row, Some(row.detail.json())),
        (Key::AlertTopic(topic), Row::AlertTopic(id)) => alert_topic(topic, *id),
        (Key::Limits(of, number) | Key::GroupLimits(of, number), Row::Limits(uses)) => {
            let row = if matches!(key, Key::Limits(..)) { limit_use } else { group_limit_use };
            let rows = (0u64..).zip(uses).map(|(idx, of_limit)| row(of, number, idx, of_limit)).collect();
            // There may be fewer than there were.
            return Ok(Written { table, gone: Some(cells), rows });
        }
        (key, row) => {
            return Err(StoreError::Corrupt {
                what: "row of its key's kind",
                got: format!("{key:?}: {row:?}"),
            });
        }
    };
    Ok(Written { table, gone: None, rows: vec![values] })
}

/// The cells of a row as it was, to hold those against that are put in its place. What an alert told is not put into words
/// again where it tells something else now.
pub(in crate::store) fn replaced(
    key: &Key,
    was: &Row,
    is: Option<&Row>,
) -> Result<Vec<Vec<Value>>, StoreError> {
    match (*key, was, is) {
        (Key::Alert(id), Row::Alert(was), Some(Row::Alert(is))) if was.detail != is.detail => {
            Ok(vec![alert(id, was, None)])
        }
        _ => Ok(put(key, Some(was))?.rows),
    }
}

/// Asks for what has that key.
pub(in crate::store) fn find(key: &Key) -> Query {
    let (table, cells) = place(key);
    table.find(cells)
}

/// The row of that key, from what was found; `None` where nothing was.
pub(in crate::store) fn read(key: &Key, found: &[DbRow]) -> Result<Option<Row>, DbError> {
    let Some(row) = found.first() else { return Ok(None) };
    Ok(Some(match key {
        Key::Treasury(_) => Row::Treasury(read_treasury(row)?),
        Key::Role(..) => Row::Role,
        Key::Asset(..) => Row::Asset(read_asset(row)?),
        Key::Envelope(..) => Row::Envelope(Box::new(read_envelope(row)?)),
        Key::Limits(..) | Key::GroupLimits(..) => Row::Limits(read_limits(found)?),
        Key::Purse(_) => Row::Purse(read_purse(row)?),
        Key::Payee(..) => Row::Payee,
        Key::Session(..) => Row::Session(Box::new(read_session(row)?)),
        Key::Group(..) => Row::Group(read_group(row)?),
        Key::Score(..) => Row::Score(Box::new(read_score(row)?)),
        Key::PayeeRecord(..) => Row::PayeeRecord(read_payee_record(row)?),
        Key::Insider(..) => Row::Insider,
        Key::Alert(_) => Row::Alert(read_alert(row)?),
        Key::AlertTopic(_) => Row::AlertTopic(read_topic(row)?),
    }))
}

/// As JSON.
pub(in crate::store) fn written(value: &impl serde::Serialize) -> Result<String, StoreError> {
    let unwritable = |error: serde_json::Error| StoreError::Corrupt {
        what: "row that writes as JSON",
        got: error.to_string(),
    };
    serde_json::to_string(value).map_err(unwritable)
}
