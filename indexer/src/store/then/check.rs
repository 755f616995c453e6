//! That what was gone through comes to the rows of today: where something treasuries said is not there any more, it does not.

use futures::TryStreamExt as _;

use super::{
    super::{StoreError, tables},
    replay::{Replay, wrong},
};
use crate::{
    db::{DbError, DbRow, Query, Tx},
    ledger::{Key, Then},
};

/// How the key of a row is read.
type KeyOf = fn(&DbRow) -> Result<Key, DbError>;

/// The rows of today that are told as of blocks, but for closed sessions, which what was gone through has forgotten.
const TODAY: [(&str, KeyOf); 6] = [
    ("SELECT * FROM treasury", |row| Ok(Key::Treasury(row.address("address")?))),
    ("SELECT * FROM envelope_group", |row| Ok(Key::Group(row.address("treasury")?, row.number("number")?))),
    ("SELECT * FROM envelope", |row| Ok(Key::Envelope(row.address("treasury")?, row.number("number")?))),
    ("SELECT * FROM limit_use ORDER BY treasury, envelope, idx", |row| {
        Ok(Key::Limits(row.address("treasury")?, row.number("envelope")?))
    }),
    ("SELECT * FROM payee", |row| {
        Ok(Key::Payee(row.address("treasury")?, row.number("list")?, row.address("payee")?))
    }),
    ("SELECT * FROM session WHERE closed_at IS NULL", |row| {
        Ok(Key::Session(row.address("purse")?, row.number("sequence")?))
    }),
];

/// A closed session that is not kept as it closed.
const CLOSED: &str = "SELECT s.purse, s.sequence FROM session s WHERE s.closed_at IS NOT NULL AND NOT EXISTS \
                      (SELECT 1 FROM session_then t WHERE t.purse = s.purse AND t.sequence = s.sequence AND t.closed \
                      AND t.frozen = s.frozen AND t.paid = s.paid AND t.payments = s.payments) LIMIT 1";

/// Whether all that stands stands as it was gone through, and nothing else does.
pub(super) async fn comes_to_today(tx: &mut Tx, replay: &mut Replay) -> Result<(), StoreError> {
    for (sql, key_of) in TODAY {
        let mut rows = Query::new(sql).stream(&mut *tx);
        // Limits have several rows.
        let mut of_one: Option<(Key, Vec<DbRow>)> = None;
        while let Some(row) = rows.try_next().await? {
            let key = key_of(&row)?;
            match &mut of_one {
                Some((known, all)) if *known == key => all.push(row),
                _ => is_same(replay, of_one.replace((key, vec![row])))?,
            }
        }
        is_same(replay, of_one)?;
    }
    if let Some(key) = replay.rest() {
        return Err(wrong("a row of today for all that was said", format!("{key:?}")).into());
    }
    match Query::new(CLOSED).row(&mut *tx).await? {
        Some(row) => Err(wrong("a session as it closed", row.address("purse")?).into()),
        None => Ok(()),
    }
}

fn is_same(replay: &mut Replay, of_one: Option<(Key, Vec<DbRow>)>) -> Result<(), DbError> {
    let Some((key, rows)) = of_one else { return Ok(()) };
    let now = Then::of(&key, tables::read(&key, &rows)?.as_ref());
    let is_same = match (replay.taken(&key), now) {
        // Nothing is kept of what was never stopped.
        (None, Some(now)) => !now.is_kept_after(None),
        (then, now) => then == now,
    };
    if is_same { Ok(()) } else { Err(wrong("what was said to come to the row of today", format!("{key:?}"))) }
}
