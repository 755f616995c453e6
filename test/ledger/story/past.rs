//! A ledger asked as of a block answers as one that ended there.

use std::sync::{Arc, atomic::Ordering};

use alloy::primitives::{Address, B256, keccak256};
use anyhow::{Result, ensure};
use bursar_indexer::{
    Store,
    db::Query,
    query::{
        Past,
        approvals::{self, Answer, Request, Room},
        blocks, decisions, payments, settlements, stops,
    },
    source::Source,
};
use bursar_sdk::{
    amount::Amount,
    decision::{DecisionRecord, Verdict},
    delivery::SealedRecord,
    outcome::{self, OutcomeRecord},
    payment::Rail,
    record::RecordKind,
    refusal::Refusal,
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    ledger::{assert_same, index, open},
    record::{record, sealed},
    recorded::recorded,
    world::DAY,
};

on_both_stores!(
    as_of_a_block_lists_are_those_of_a_ledger_that_ended_there,
    a_time_is_the_last_block_up_to_it,
);

/// What somebody outside the chain does.
enum Deed {
    Decide(Box<DecisionRecord>, SealedRecord),
    Tell(Box<OutcomeRecord>, SealedRecord),
    Ask(Box<Request>),
    /// To a request, over what somebody had said.
    Reply(B256, Option<Address>, Answer),
}

/// Does what was done after `after` and not after `until`, in its order.
async fn hand_in(store: &Store, deeds: &[(u64, Deed)], after: Option<u64>, until: u64) -> Result<()> {
    let due = deeds.iter().filter(|(at, _)| *at <= until && after.is_none_or(|after| *at > after));
    for (at, deed) in due {
        match deed {
            Deed::Decide(record, sealed) => {
                store.insert_decision(record, sealed, *at).await?;
            }
            Deed::Tell(record, sealed) => {
                store.insert_outcome(record, sealed, *at).await?;
            }
            Deed::Ask(request) => {
                let room = Room { per_agent: 99, per_treasury: 99 };
                approvals::store(store.db(), request, room, *at).await?;
            }
            Deed::Reply(digest, before, answer) => {
                ensure!(store.answer_request(*digest, *before, answer, *at).await?);
            }
        }
    }
    Ok(())
}

/// The decision that a payment committed to.
fn decision_of(payment: &payments::Payment, seq: u64) -> Result<(DecisionRecord, SealedRecord)> {
    let decision = DecisionRecord {
        id: format!("{seq}"),
        seq,
        treasury: payment.treasury,
        envelope: payment.envelope,
        agent: payment.agent,
        purse: payment.purse,
        session: payment.session,
        policy_version: payment.policy_version,
        payee: payment.payee,
        asset: payment.asset,
        amount: payment.amount,
        // Every third agent's clock is an hour ahead.
        created_at: if seq % 3 == 1 { payment.timestamp + 3_600 } else { payment.timestamp - 4 },
        ..record()
    };
    // The world's payments commit to other words than a record's.
    let hash = payment.decision_hash.unwrap_or_default();
    ensure!(Some(decision.nonce_of(hash)) == payment.nonce, "not the decision of {}", payment.tx_hash);
    let canonical = decision.canonical()?;
    Ok((
        decision,
        SealedRecord { kind: RecordKind::Decision, hash, canonical, seal: [7; 65].into(), trace: None },
    ))
}

fn outcome_of(decision: &DecisionRecord, of: B256, revision: u32, prev_hash: B256) -> Result<Deed> {
    let told = OutcomeRecord {
        schema: outcome::SCHEMA.into(),
        decision_hash: of,
        revision,
        prev_hash,
        chain_id: decision.chain_id,
        treasury: decision.treasury,
        envelope: decision.envelope,
        agent: decision.agent,
        nonce: decision.nonce_of(of),
        purse: decision.purse,
        settlement: None,
        receipt: None,
        receipt_check: None,
        http_status: None,
        result_hash: None,
        result_bytes: None,
        delivered: revision > 1,
        task_done: None,
        created_at: decision.created_at,
    };
    let canonical = told.canonical()?;
    let (kind, hash) = (RecordKind::Outcome, keccak256(&canonical));
    Ok(Deed::Tell(Box::new(told), SealedRecord { kind, hash, canonical, seal: [7; 65].into(), trace: None }))
}

fn request_of(payment: &payments::Payment, number: u8, valid_before: u64) -> Request {
    Request {
        digest: B256::repeat_byte(number),
        treasury: payment.treasury,
        purse: payment.purse,
        payee: payment.payee,
        amount: Amount::new(u64::from(number)),
        valid_after: 0,
        valid_before,
        nonce: payment.nonce.unwrap_or_default(),
        rail: Rail::Eip3009,
        decision_hash: payment.decision_hash.unwrap_or_default(),
        agent: Some(payment.agent),
        seal: Some([5; 65].into()),
    }
}

/// Records that come before, with, right after and long after what they are about; the last payment has none.
fn deeds(paid: &[payments::Payment], times: &[u64]) -> Result<Vec<(u64, Deed)>> {
    let mut deeds = Vec::new();
    for (place, payment) in paid.iter().enumerate().skip(1) {
        let (decision, sealed) = decision_of(payment, place as u64)?;
        let came = payment.timestamp + place as u64 % 3 - 1;
        let first = outcome_of(&decision, sealed.hash, 1, B256::ZERO)?;
        let Deed::Tell(_, told) = &first else { continue };
        let second = outcome_of(&decision, sealed.hash, 2, told.hash)?;
        deeds.push((came, Deed::Decide(Box::new(decision), sealed)));
        if place % 2 == 0 {
            deeds.extend([(came + 1, first), (came + u64::from(DAY), second)]);
        }
    }
    let middle = times[times.len() / 2];
    for (number, at) in [(1, middle), (2, middle + 1), (3, middle + 6)] {
        let mut refused = record();
        (refused.seq, refused.id, refused.created_at) =
            (90 + number, format!("no {number}"), middle - number);
        (refused.verdict, refused.reason_codes) = (Verdict::Denied, vec![Refusal::ALL[0]]);
        let kept = sealed(&refused)?;
        deeds.push((at, Deed::Decide(Box::new(refused), kept)));
    }
    let by = Address::repeat_byte(9);
    let yes = Answer::Approved { approver: by, signature: [1; 65].into(), contract: false };
    let no = Answer::Rejected { by, reason: "too dear".into(), signature: Some([3; 65].into()) };
    for (number, answer) in [(1, Some(yes)), (2, Some(no)), (3, None)] {
        let asked_at = middle - 20 + u64::from(number) * 5;
        let request = request_of(&paid[usize::from(number)], number, middle + 10);
        if let Some(answer) = answer {
            deeds.push((asked_at + 11, Deed::Reply(request.digest, None, answer)));
        }
        deeds.push((asked_at, Deed::Ask(Box::new(request))));
    }
    // The first answer gives way to another, and that to a third.
    let (other, asked) = (Address::repeat_byte(8), B256::repeat_byte(1));
    let again = Answer::Approved { approver: other, signature: [2; 65].into(), contract: true };
    let no = Answer::Rejected { by, reason: "too dear after all".into(), signature: Some([4; 65].into()) };
    deeds.push((middle + 2, Deed::Reply(asked, Some(by), again)));
    deeds.push((middle + 7, Deed::Reply(asked, Some(other), no)));
    deeds.sort_by_key(|(at, _)| *at);
    Ok(deeds)
}

/// Every list, by each filter that what comes later may change.
async fn lists(store: &Store, past: Option<Past>, now: u64) -> Result<Vec<String>> {
    let (db, height, most) = (store.db(), past.map(|past| past.height), 100);
    let mut told = Vec::new();
    for explained in [None, Some(true), Some(false)] {
        let of = payments::Filter { explained, past, ..Default::default() };
        let found = payments::list(db, &of, None, most).await?;
        told.extend(found.into_iter().map(|row| format!("payments, explained {explained:?}: {row:?}")));
    }
    for settled in [None, Some(true), Some(false)] {
        for verdict in [None, Some(Verdict::Denied)] {
            let of = decisions::Filter { settled, verdict, past, ..Default::default() };
            let found = decisions::list(db, &of, None, most).await?;
            told.extend(
                found.into_iter().map(|row| format!("decisions, settled {settled:?} {verdict:?}: {row:?}")),
            );
        }
    }
    let states = [
        approvals::State::Pending,
        approvals::State::Approved,
        approvals::State::Rejected,
        approvals::State::Expired,
    ];
    for state in std::iter::once(None).chain(states.map(Some)) {
        let of = approvals::Filter { state: state.map(|state| (state, now)), past, ..Default::default() };
        let found = approvals::list(db, &of, None, most).await?;
        told.extend(found.into_iter().map(|row| format!("approvals {state:?}: {row:?}")));
    }
    let of = stops::Filter { up_to_block: height, ..Default::default() };
    let found = stops::list(db, &of, None, most).await?;
    told.extend(found.into_iter().map(|row| format!("stops: {row:?}")));
    let of = settlements::Filter { up_to_block: height, ..Default::default() };
    let found = settlements::list(db, &of, None, most).await?;
    told.extend(found.into_iter().map(|row| format!("settlements: {row:?}")));
    Ok(told)
}

async fn as_of_a_block_lists_are_those_of_a_ledger_that_ended_there(stores: Stores) -> Result<()> {
    let (source, config) = recorded().await?;
    let times: Vec<u64> = source.headers.iter().map(|header| header.timestamp).collect();
    let asked = || Arc::clone(&source) as Arc<dyn Source>;

    let full = open(&stores, "full").await?;
    index(config.clone(), asked(), &full).await?;
    let paid = payments::list(full.db(), &Default::default(), None, 100).await?;
    ensure!(paid.len() == 7, "expected the seven payments of that life, got {}", paid.len());
    let deeds = deeds(&paid, &times)?;
    hand_in(&full, &deeds, None, u64::MAX).await?;

    // The other never sees what is after the block that it ends at.
    let ended = open(&stores, "ended").await?;
    let (mut seen, mut before) = (Vec::new(), None);
    for (height, time) in times.iter().enumerate().map(|(height, time)| (height as u64, *time)) {
        source.ceiling.store(height, Ordering::SeqCst);
        index(config.clone(), asked(), &ended).await?;
        hand_in(&ended, &deeds, before, time).await?;
        before = Some(time);
        let now = lists(&ended, None, time).await?;
        let then = lists(&full, Some(Past { height, records_until: time }), time).await?;
        assert_same(&then, &now);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    ensure!(seen.len() > 15, "expected many moments that differ, got {}", seen.len());
    let all = seen.concat();
    for what in [
        "approvals Some(Pending)",
        "approvals Some(Expired)",
        "approver: 0x0909",
        "approver: 0x0808",
        "too dear after all",
        "settled Some(false)",
        "explained Some(false)",
    ] {
        ensure!(all.iter().any(|line| line.contains(what)), "{what} never came");
    }
    Ok(())
}

async fn a_time_is_the_last_block_up_to_it(stores: Stores) -> Result<()> {
    let (source, config) = recorded().await?;
    let store = open(&stores, "ledger").await?;
    index(config, source, &store).await?;
    let kept = Query::new("SELECT number, timestamp FROM block ORDER BY number").rows(store.db()).await?;
    let kept = kept.iter().map(|row| Ok((row.number("number")?, row.number("timestamp")?)));
    let kept: Vec<(u64, u64)> = kept.collect::<Result<_>>()?;
    let first = blocks::first(store.db()).await?.unwrap();
    let (last, end) = kept[kept.len() - 1];
    assert_eq!((first.number, first.timestamp), kept[0]);
    for time in kept.iter().flat_map(|(_, at)| [at.saturating_sub(1), *at, at + 1]) {
        if time < first.timestamp {
            continue;
        }
        let found = blocks::by_time(store.db(), first, last, time).await?;
        let expected = kept.iter().rev().find(|(_, at)| *at <= time).unwrap();
        assert_eq!((found.number, found.timestamp), *expected, "at {time}");
    }
    for height in first.number..=last {
        let found = blocks::up_to(store.db(), height).await?.unwrap();
        let expected = kept.iter().rev().find(|(number, _)| *number <= height).unwrap();
        assert_eq!(found.number, expected.0);
    }
    assert_eq!(blocks::by_time(store.db(), first, last, end + 1_000).await?.number, last);
    Ok(())
}
