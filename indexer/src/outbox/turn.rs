//! How the chain's turns are told: what becomes final, what is taken back, and what a ledger that is read again does
//! not tell twice.

use serde_json::json;

use super::{Event, Kind, Origin, add_all, columns, read, records::expired};
use crate::{
    db::{Cell as _, DbError, Query, Tx},
    query::{
        approvals, blocks,
        checkpoint::{self, Checkpoint},
    },
    source::BlockHeader,
    store::{META, StoreError, meta},
};

/// Where the store keeps the first block that is told of.
const FROM: &str = "events_from";
/// The same of the ledger before it was read again.
const FROM_BEFORE: &str = "events_from_before";
/// The time of the block before that one, in unix seconds, where the ledger was read again: what runs out by then is history, or was
/// told.
const SINCE: &str = "events_since";

/// The first block that is told of; `None` where the ledger has only begun.
///
/// What was final when the ledger began is history: it is in the lists, and nobody is told of it. A ledger that is
/// read again has told of final blocks before ([`keep`]); what was not final it takes back and tells anew.
pub(crate) async fn tells_from(
    tx: &mut Tx,
    before: Option<Checkpoint>,
    final_number: u64,
) -> Result<Option<u64>, StoreError> {
    let known = number(tx, FROM).await?;
    let Some(before) = before else {
        if let Some(known) = known {
            META.put(meta(FROM_BEFORE, known.to_string())).execute(&mut *tx).await?;
            META.delete(vec![FROM.value()]).execute(tx).await?;
        }
        return Ok(None);
    };
    if let Some(known) = known {
        return Ok(Some(known));
    }
    let from = match number(tx, FROM_BEFORE).await? {
        None => final_number.saturating_add(1),
        Some(told_before) => {
            // A migration that has the ledger read again does not know what was final.
            let settled = last_settled(tx).await?.map_or(0, |last| last.saturating_add(1));
            let from = told_before.max(settled);
            let at = number(tx, SINCE).await?.unwrap_or_default().max(before.timestamp);
            retract_after(tx, from.saturating_sub(1), at).await?;
            from
        }
    };
    META.put(meta(FROM, from.to_string())).execute(tx).await?;
    Ok(Some(from))
}

/// Notes what was told of the ledger that is about to be forgotten: what is final there happened, whenever it is read again.
pub(crate) async fn keep(tx: &mut Tx) -> Result<(), StoreError> {
    let (Some(from), Some(at)) = (number(tx, FROM).await?, checkpoint::get(&mut *tx).await?) else {
        return Ok(());
    };
    let told_to = at.final_number.max(from.saturating_sub(1));
    if at.number < told_to {
        // It has not come to what is told.
        return Ok(());
    }
    let since = blocks::up_to(&mut *tx, told_to).await?.map_or(0, |block| block.timestamp);
    META.put(meta(SINCE, since.to_string())).execute(&mut *tx).await?;
    META.put(meta(FROM, told_to.saturating_add(1).to_string())).execute(tx).await?;
    Ok(())
}

/// The last block of which a payment was told to be settled.
async fn last_settled(tx: &mut Tx) -> Result<Option<u64>, DbError> {
    let last = Query::new(
        "SELECT block_number FROM outbox WHERE block_number IS NOT NULL AND kind = $1 \
         ORDER BY block_number DESC LIMIT 1",
    );
    let last = last.bind(Kind::PaymentSettled.code()).row(tx).await?;
    last.map(|row| row.number("block_number")).transpose()
}

/// The first block that is told of, as the store has it.
pub(crate) async fn told_from(tx: &mut Tx) -> Result<Option<u64>, StoreError> {
    number(tx, FROM).await
}

async fn number(tx: &mut Tx, key: &'static str) -> Result<Option<u64>, StoreError> {
    let Some(row) = META.find(vec![key.value()]).row(tx).await? else { return Ok(None) };
    let text = row.text("value")?;
    text.parse().map(Some).map_err(|_| StoreError::Corrupt { what: "first block to tell of", got: text })
}

/// Tells that what stood after block `to` did not happen, the last first. `at` is in unix seconds.
pub(crate) async fn retract_after(tx: &mut Tx, to: u64, at: u64) -> Result<(), DbError> {
    let stood = standing(tx, to.saturating_add(1), u64::MAX).await?;
    let told: Vec<_> = stood.into_iter().rev().map(|(seq, event)| retraction(seq, event, at)).collect();
    add_all(tx, &told).await
}

fn retraction(seq: u64, event: Event, at: u64) -> Event {
    let Event { kind, treasury, envelope, subject, origin, .. } = event;
    let (block, hash) = (origin.map(|origin| origin.block), origin.and_then(|origin| origin.hash));
    let body = json!({ "seq": seq, "kind": kind.code(), "block": { "number": block, "hash": hash } });
    Event { kind: Kind::Retracted, at, treasury, envelope, subject, origin: None, retracts: Some(seq), body }
}

/// The time up to which what runs out is history or was told, in unix seconds, where the ledger that stood at `before` tells of
/// blocks from `from` on and has come to them: of the last block before them that it keeps, or that it kept when it was read before.
pub(crate) async fn told_until(tx: &mut Tx, before: Checkpoint, from: u64) -> Result<u64, StoreError> {
    if before.number.saturating_add(1) >= from {
        return Ok(before.timestamp);
    }
    let kept = blocks::up_to(&mut *tx, from.saturating_sub(1)).await?.map_or(0, |block| block.timestamp);
    Ok(number(tx, SINCE).await?.unwrap_or_default().max(before.timestamp).max(kept))
}

/// Tells what has become final and what has run out, now that the ledger stands at `tip`: payments in the blocks after
/// `settled_to` up to `final_number`, and requests that the chain's clock has passed since `since` (unix seconds).
pub(crate) async fn settle(
    tx: &mut Tx,
    settled_to: u64,
    since: u64,
    tip: &BlockHeader,
    final_number: u64,
) -> Result<(), DbError> {
    if final_number > settled_to {
        let seen = standing(tx, settled_to.saturating_add(1), final_number).await?;
        let seen = seen.into_iter().map(|(_, event)| event).filter(|event| event.kind == Kind::PaymentSeen);
        let settled: Vec<_> = seen.map(|event| Event { kind: Kind::PaymentSettled, ..event }).collect();
        add_all(tx, &settled).await?;
    }
    let origin = Some(Origin { block: tip.number, hash: Some(tip.hash), log: None });
    let ran_out = approvals::ran_out(tx, since, tip.timestamp).await?;
    let told: Vec<_> = ran_out
        .iter()
        .map(|(request, envelope)| Event { origin, ..expired(request, *envelope, tip.timestamp) })
        .collect();
    add_all(tx, &told).await
}

/// What the blocks from one to another tell, as far as nobody took it back, in order.
async fn standing(tx: &mut Tx, from: u64, to: u64) -> Result<Vec<(u64, Event)>, DbError> {
    let sql = concat!(
        "SELECT seq, ",
        columns!(),
        " FROM outbox o WHERE block_number >= $1 AND block_number <= $2 \
         AND NOT EXISTS (SELECT 1 FROM outbox r WHERE r.retracts = o.seq) ORDER BY seq"
    );
    let to = to.min(i64::MAX.unsigned_abs());
    let rows = Query::new(sql).bind(from).bind(to).rows(tx).await?;
    rows.iter().map(|row| Ok((row.number("seq")?, read(row)?))).collect()
}
