//! Envelopes, sessions and agents as of a block are those of a ledger that ended there.

use std::sync::{Arc, atomic::Ordering};

use alloy::primitives::{Address, aliases::U24};
use anyhow::{Context, Result, ensure};
use bursar_indexer::{
    Store,
    query::{Past, agents, envelopes, headroom, past, payments, policies, sessions},
    source::Source,
};
use bursar_sdk::abi::Treasury;
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    agrees, groups,
    ledger::{assert_same, config, index, open},
    recorded::Recorded,
    world::World,
};

on_both_stores!(
    what_stands_is_told_as_it_stood,
    what_stands_in_groups_is_told_as_it_stood,
    blocks_of_one_second_are_told_apart,
);

const MOST: u32 = 100;

/// Envelopes with their limits, whichever way they are asked for.
async fn told_envelopes(store: &Store, then: Option<Past>, now: u64) -> Result<Vec<String>> {
    let (db, mut told) = (store.db(), Vec::new());
    let states = [envelopes::State::Active, envelopes::State::Frozen, envelopes::State::UnderReview];
    for state in std::iter::once(None).chain(states.map(Some)) {
        let of = envelopes::Filter { state, ..Default::default() };
        let found = match then {
            Some(then) => past::envelopes(db, &of, then, None, MOST).await?,
            None => standing(store, envelopes::list(db, &of, None, MOST).await?).await?,
        };
        for stood in &found {
            let key = (stood.row.treasury, stood.row.number);
            let one = match then {
                Some(then) => past::envelope(db, key, then).await?,
                None => Some(stood.clone()),
            };
            ensure!(one.as_ref() == Some(stood), "alone it is told as {one:?}");
            let policy = policies::as_of(db, (key.0, key.1, stood.row.policy_version), then).await?;
            told.push(format!("envelopes {state:?}: {:?} {:?}", stood.row, policy.map(|it| it.policy_hash)));
            told.push(format!("headroom of {}: {:?}", key.1, stood.headroom(now)));
        }
        // From the first on.
        let after = found.first().map(|stood| (stood.row.treasury, stood.row.number));
        let rest = match then {
            Some(then) => past::envelopes(db, &of, then, after, 1).await?,
            None => standing(store, envelopes::list(db, &of, after, 1).await?).await?,
        };
        told.extend(rest.iter().map(|stood| format!("then: {:?}", stood.row)));
    }
    Ok(told)
}

/// Rows of today, each with its limits as the ledger counts them.
async fn standing(store: &Store, rows: Vec<envelopes::Envelope>) -> Result<Vec<past::Stood>> {
    let mut all = Vec::new();
    for row in rows {
        let windows = headroom::windows(store.db(), (row.treasury, row.number)).await?;
        all.push(past::Stood { row, windows });
    }
    Ok(all)
}

async fn told_sessions(store: &Store, then: Option<Past>, now: u64) -> Result<Vec<String>> {
    let (db, mut told) = (store.db(), Vec::new());
    let everyone = match then {
        Some(then) => past::agents(db, None, then, None, MOST).await?,
        None => agents::list(db, None, None, MOST).await?,
    };
    told.push(format!("agents: {everyone:?}"));
    let of_agents = match then {
        Some(then) => {
            past::of_agents(db, &everyone, None, then, MOST).await?.into_iter().map(|it| it.row).collect()
        }
        None => envelopes::of_agents(db, &everyone, None, MOST).await?,
    };
    told.push(format!("of agents: {of_agents:?}"));
    let states = [
        sessions::State::Open,
        sessions::State::Frozen,
        sessions::State::Outdated,
        sessions::State::Expired,
        sessions::State::Closed,
    ];
    let by_state = std::iter::once(None).chain(states.map(Some)).map(|state| (state, None));
    let by_agent = everyone.iter().copied().chain([Address::repeat_byte(9)]).map(|agent| (None, Some(agent)));
    for (state, agent) in by_state.chain(by_agent) {
        let of = sessions::Filter { state: state.map(|state| (state, now)), agent, ..Default::default() };
        let found = match then {
            Some(then) => past::sessions(db, &of, then, None, MOST).await?,
            None => sessions::list(db, &of, None, MOST).await?,
        };
        for row in found {
            let one = match then {
                Some(then) => past::session(db, row.id, then).await?,
                None => sessions::get(db, row.id).await?,
            };
            ensure!(one.as_ref() == Some(&row), "alone it is told as {one:?}");
            told.push(format!("sessions {state:?} {agent:?}: {row:?}"));
        }
    }
    Ok(told)
}

/// Every session and payment that there will be, one by one: some are not there yet.
async fn told_alone(
    store: &Store,
    then: Option<Past>,
    all: &[sessions::Session],
    paid: &[payments::Payment],
) -> Result<Vec<String>> {
    let (db, mut told) = (store.db(), Vec::new());
    for session in all {
        let row = match then {
            Some(then) => past::session(db, session.id, then).await?,
            None => sessions::get(db, session.id).await?,
        };
        told.push(format!("session {row:?}"));
    }
    for payment in paid {
        let nonce = payment.nonce.context("a nonce")?;
        told.push(format!("payment {:?}", payments::as_of(db, payment.purse, nonce, then).await?));
    }
    Ok(told)
}

/// Compares, block by block; `grain` (seconds) makes blocks share a second. Gives all that was told.
async fn compare(stores: &Stores, world: &World, grain: u64) -> Result<String> {
    let mut source = Recorded::of(&world.source()).await?;
    for header in &mut source.headers {
        header.timestamp -= header.timestamp % grain;
    }
    for log in &mut source.logs {
        log.block_timestamp = None;
    }
    let source = Arc::new(source);
    let config = config(world.anvil.chain_id(), world.factory);
    let asked = || Arc::clone(&source) as Arc<dyn Source>;
    let full = open(stores, "full").await?;
    index(config.clone(), asked(), &full).await?;
    let all = sessions::list(full.db(), &Default::default(), None, MOST).await?;
    let paid = payments::list(full.db(), &Default::default(), None, MOST).await?;

    let ended = open(stores, "ended").await?;
    let mut seen: Vec<Vec<String>> = Vec::new();
    for header in &source.headers {
        let (height, now) = (header.number, header.timestamp);
        source.ceiling.store(height, Ordering::SeqCst);
        index(config.clone(), asked(), &ended).await?;
        let then = Past { height, records_until: now };
        let (mut was, mut is) =
            (told_envelopes(&full, Some(then), now).await?, told_envelopes(&ended, None, now).await?);
        was.extend(told_sessions(&full, Some(then), now).await?);
        is.extend(told_sessions(&ended, None, now).await?);
        was.extend(told_alone(&full, Some(then), &all, &paid).await?);
        is.extend(told_alone(&ended, None, &all, &paid).await?);
        assert_same(&was, &is);
        if seen.last() != Some(&is) {
            seen.push(is);
        }
    }
    ensure!(seen.len() > 15, "expected many moments that differ, got {}", seen.len());
    Ok(seen.concat().join("\n"))
}

fn holds(all: &str, what: &[&str]) -> Result<()> {
    for what in what {
        ensure!(all.contains(what), "{what} never came");
    }
    Ok(())
}

async fn what_stands_is_told_as_it_stood(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    agrees::live(&mut world).await?;
    let all = compare(&stores, &world, 1).await?;
    let what = [
        "Some(Frozen)",
        "Some(UnderReview)",
        "Some(Open)",
        "Some(Outdated)",
        "Some(Expired)",
        "Some(Closed)",
    ];
    holds(&all, &what)
}

async fn what_stands_in_groups_is_told_as_it_stood(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    groups::live(&mut world).await?;
    let envelope = U24::from(1);
    world.call(world.manager, Treasury::setScoreLifeCall { envelope, life: 3_600 }).await?;
    world.call(world.reviewer, Treasury::reportScoreCall { envelope, score: 700 }).await?;
    // Whose it was keeps the sessions of then.
    let agent = Address::repeat_byte(0x55);
    world.call(world.owner, Treasury::setAgentCall { envelope, agent }).await?;
    let all = compare(&stores, &world, 1).await?;
    holds(&all, &["group_frozen: true", "organisation_frozen: true", "score: Some((700", "agent: 0x5555"])
}

async fn blocks_of_one_second_are_told_apart(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    agrees::live(&mut world).await?;
    compare(&stores, &world, 60).await?;
    Ok(())
}
