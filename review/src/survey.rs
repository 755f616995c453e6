//! What the ledger asks for, of one treasury. Reads; sends nothing.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use bursar_indexer::{
    db::{Db, DbError},
    ledger::AlertKind,
    query::{alerts, contradictions, envelopes, payments, scores, stops},
};

use bursar_sdk::score::Reason;

use crate::{Act, act::is_report_due, contradiction};

/// Rows read at a time.
const PAGE: u32 = 500;

/// Everything that the ledger asks for at `now` (unix seconds of the chain), the gravest first.
///
/// `guarded`: whether there is a guardian to freeze for compromise; without, the envelope is put under review.
/// `beyond`: payments and records up to this block were looked at before.
///
/// # Errors
/// When the database fails.
pub async fn survey(
    db: &Db,
    treasury: Address,
    now: u64,
    guarded: bool,
    beyond: Option<u64>,
) -> Result<Vec<Act>, DbError> {
    let mut acts = compromised(db, treasury, guarded, beyond).await?;
    acts.extend(reviews(db, treasury, now).await?);
    acts.extend(reports(db, treasury, now).await?);
    Ok(acts)
}

/// Envelopes whose key paid for something else than their agent decided, and that nobody has stopped since.
async fn compromised(
    db: &Db,
    treasury: Address,
    guarded: bool,
    beyond: Option<u64>,
) -> Result<Vec<Act>, DbError> {
    let mut acts = Vec::new();
    let mut told = BTreeSet::new();
    for found in contradictions::list(db, treasury, beyond).await? {
        let Some(payment) = payments::get(db, found.purse, found.nonce).await? else { continue };
        let fields = contradiction(&payment);
        if fields.is_empty() || !told.insert(payment.envelope) {
            continue;
        }
        // Somebody stopped it since: one cause, one stop.
        let of = stops::Filter {
            treasury: Some(treasury),
            envelope: Some(payment.envelope),
            level: Some(if guarded { "envelope" } else { "review" }),
            stopped: Some(true),
            ..stops::Filter::default()
        };
        let last = stops::list(db, &of, None, 1).await?.pop();
        if last.is_some_and(|stop| stop.position.block > found.known_at) {
            told.remove(&payment.envelope);
            continue;
        }
        tracing::warn!(
            envelope = payment.envelope, tx = %payment.tx_hash, ?fields, "a payment contradicts its decision"
        );
        let (envelope, tx_hash) = (payment.envelope, payment.tx_hash);
        acts.push(match guarded {
            true => Act::Freeze { envelope, tx_hash },
            false => Act::Review { envelope, reason: Reason::Compromised },
        });
    }
    Ok(acts)
}

/// Envelopes whose score asks for a human, and that are not under review.
async fn reviews(db: &Db, treasury: Address, now: u64) -> Result<Vec<Act>, DbError> {
    let filter = alerts::Filter {
        treasury: Some(treasury),
        kind: Some(AlertKind::Review),
        open: Some(true),
        ..alerts::Filter::default()
    };
    let (mut acts, mut after) = (Vec::new(), None);
    loop {
        let page = alerts::list(db, &filter, now, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(acts) };
        after = Some(alerts::Cursor { raised_at: last.row.raised_at, id: last.id });
        for envelope in page.iter().filter_map(|alert| alert.row.envelope) {
            let key = (treasury, envelope);
            let stands = envelopes::get(db, key).await?.is_some_and(|row| row.under_review);
            let state = if stands { None } else { scores::get(db, key).await? };
            let asks = state.filter(|state| state.review(now).is_some());
            let reason = asks.and_then(|state| state.evaluate(now).reasons().first().copied());
            acts.extend(reason.map(|reason| Act::Review { envelope, reason }));
        }
    }
}

/// Envelopes that open sessions only on a fresh score, half of whose life is over. One that asks for a human is
/// scored only where it is under review: until then, its silence keeps the door shut.
async fn reports(db: &Db, treasury: Address, now: u64) -> Result<Vec<Act>, DbError> {
    let filter = envelopes::Filter { treasury: Some(treasury), scored: true, ..envelopes::Filter::default() };
    let (mut acts, mut after) = (Vec::new(), None);
    loop {
        let page = envelopes::list(db, &filter, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(acts) };
        after = Some((last.treasury, last.number));
        let due: Vec<_> = page
            .into_iter()
            .filter(|row| is_report_due(row.score_life.into(), row.score.map_or(0, |(_, at)| at), now))
            .collect();
        let scores = scores::of_all(db, &due).await?;
        for row in due {
            let Some(state) = scores.get(&(treasury, row.number)) else { continue };
            if row.under_review || state.review(now).is_none() {
                acts.push(Act::Report { envelope: row.number, score: state.evaluate(now).value });
            }
        }
    }
}
