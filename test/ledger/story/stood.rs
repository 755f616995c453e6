//! Envelopes, sessions and agents as of a block are those of a ledger that ended there.

use std::sync::{Arc, atomic::Ordering};

use alloy::primitives::{Address, U256, aliases::U24};
use anyhow::{Context, Result, ensure};
use bursar_indexer::{
    Store,
    db::{Db, DbError, DbRow, Query},
    ledger::STEP,
    query::{
        Past, agents, checkpoint, envelopes, headroom, past, payees, payments, policies, sessions, treasuries,
    },
    source::Source,
};
use bursar_sdk::abi::Treasury;
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    agrees, groups,
    ledger::{Running, assert_same, config, count, dump, fresh, index, open, rows},
    recorded::{Recorded, recorded},
    world::{Agent, DAY, World},
};

on_both_stores!(
    what_stands_is_told_as_it_stood,
    what_stands_in_groups_is_told_as_it_stood,
    blocks_of_one_second_are_told_apart,
    what_was_paid_is_told_to_the_payment,
    a_turned_chain_takes_back_what_stood,
    what_an_earlier_version_wrote_is_filled,
    where_it_cannot_be_filled_nothing_is_told,
);

const MOST: u32 = 200;
/// Nobody, or nobody's.
const OTHER: Address = Address::repeat_byte(9);
/// Whom envelopes are handed to.
const HEIR: Address = Address::repeat_byte(0x55);

/// Whom is asked for.
struct Whose {
    treasury: Address,
    asset: Address,
    agents: [Address; 4],
    payees: [Address; 2],
}

impl Whose {
    async fn of(world: &World) -> Result<Self> {
        let agent = async |number| anyhow::Ok(world.treasury.envelope(U24::from(number)).call().await?.agent);
        Ok(Self {
            treasury: *world.treasury.address(),
            asset: *world.usdc.address(),
            agents: [agent(1u32).await?, agent(2).await?, HEIR, OTHER],
            payees: [Address::repeat_byte(0x77), world.stranger],
        })
    }
}

/// Envelopes with their limits, whichever way they are asked for.
async fn told_envelopes(store: &Store, whose: &Whose, then: Option<Past>, now: u64) -> Result<Vec<String>> {
    let (db, mut told) = (store.db(), Vec::new());
    let of = envelopes::Filter::default;
    let mut filters = vec![of(), envelopes::Filter { scored: true, ..of() }];
    let states = [envelopes::State::Active, envelopes::State::Frozen, envelopes::State::UnderReview];
    filters.extend(states.map(|state| envelopes::Filter { state: Some(state), ..of() }));
    filters.extend([0, 1, 2].map(|group| envelopes::Filter { group: Some(group), ..of() }));
    filters.extend([whose.asset, OTHER].map(|asset| envelopes::Filter { asset: Some(asset), ..of() }));
    filters.extend([whose.treasury, OTHER].map(|it| envelopes::Filter { treasury: Some(it), ..of() }));
    for of in filters {
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
            told.push(format!("envelopes {of:?}: {:?} {:?}", stood.row, policy.map(|it| it.policy_hash)));
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

async fn told_sessions(store: &Store, whose: &Whose, then: Option<Past>, now: u64) -> Result<Vec<String>> {
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
    for agent in whose.agents {
        let of = envelopes::Filter { agent: Some(agent), ..Default::default() };
        let mut after = None;
        // Envelope by envelope.
        loop {
            let found: Vec<_> = match then {
                Some(then) => {
                    past::envelopes(db, &of, then, after, 1).await?.into_iter().map(|it| it.row).collect()
                }
                None => envelopes::list(db, &of, after, 1).await?,
            };
            let Some(row) = found.first() else { break };
            after = Some((row.treasury, row.number));
            told.push(format!("of agent {agent}: {row:?}"));
        }
    }
    let (treasury, first) = (Some(whose.treasury), everyone.first().copied());
    for (treasury, after) in [(treasury, None), (Some(OTHER), None), (None, first), (treasury, first)] {
        let found = match then {
            Some(then) => past::agents(db, treasury, then, after, 1).await?,
            None => agents::list(db, treasury, after, 1).await?,
        };
        told.push(format!("agents of {treasury:?} after {after:?}: {found:?}"));
        let first: Vec<_> = match then {
            Some(then) => past::of_agents(db, &everyone, treasury, then, 1)
                .await?
                .into_iter()
                .map(|it| it.row)
                .collect(),
            None => envelopes::of_agents(db, &everyone, treasury, 1).await?,
        };
        told.push(format!("the first of each agent: {first:?}"));
    }
    let states = [
        sessions::State::Open,
        sessions::State::Frozen,
        sessions::State::Outdated,
        sessions::State::Expired,
        sessions::State::Closed,
    ];
    let by_state = std::iter::once(None).chain(states.map(Some)).map(|state| (state, None));
    let by_agent = everyone.iter().copied().chain(whose.agents).map(|agent| (None, Some(agent)));
    for (state, agent) in by_state.chain(by_agent) {
        let of = sessions::Filter { state: state.map(|state| (state, now)), agent, ..Default::default() };
        let found = told_in_pages(db, &of, then, MOST).await?;
        for limit in [1, 2] {
            let pages = told_in_pages(db, &of, then, limit).await?;
            ensure!(pages == found, "in pages of {limit} it is told as {pages:#?}, at once as {found:#?}");
        }
        if let (Some(row), None) = (found.first(), state) {
            let (treasury, envelope, purse) = (Some(row.treasury), Some(row.envelope), Some(row.purse));
            for of in [
                sessions::Filter { treasury, agent, ..Default::default() },
                sessions::Filter { treasury, envelope, agent, ..Default::default() },
                sessions::Filter { purse, agent, ..Default::default() },
                sessions::Filter { treasury: Some(OTHER), agent, ..Default::default() },
            ] {
                told.push(format!("sessions {of:?}: {:?}", told_in_pages(db, &of, then, 2).await?));
            }
        }
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

/// One page after the other.
async fn told_in_pages(
    db: &Db,
    of: &sessions::Filter,
    then: Option<Past>,
    limit: u32,
) -> Result<Vec<sessions::Session>> {
    let mut all: Vec<sessions::Session> = Vec::new();
    loop {
        let after = all.last().map(|last| sessions::Key { opened_at: last.opened_at, id: last.id });
        let page = match then {
            Some(then) => past::sessions(db, of, then, after, limit).await?,
            None => sessions::list(db, of, after, limit).await?,
        };
        let more = page.len() == limit as usize;
        all.extend(page);
        if !more {
            return Ok(all);
        }
    }
}

/// What holds for all envelopes of a treasury.
async fn told_settings(store: &Store, whose: &Whose, then: Option<Past>) -> Result<Vec<String>> {
    let (db, treasury, mut told) = (store.db(), whose.treasury, Vec::new());
    for (list, payee) in whose.payees.iter().flat_map(|payee| [(1, *payee), (2, *payee)]) {
        let of = payees::Filter { treasury: Some(treasury), list: Some(list), payee: Some(payee) };
        let on = match then {
            Some(then) => past::on_list(db, treasury, (list, payee), then).await?,
            None => !payees::list(db, &of, None, 1).await?.is_empty(),
        };
        told.push(format!("{payee} is on list {list}: {on}"));
    }
    let epoch = match then {
        Some(then) => past::stamp_epoch(db, treasury, then).await?,
        None => treasuries::get(db, treasury).await?.map_or(0, |it| it.stamp_epoch),
    };
    told.push(format!("stamps of epoch {epoch}"));
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
    let (mut source, whose) = (Recorded::of(&world.source()).await?, Whose::of(world).await?);
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
        let (mut was, mut is) = (
            told_envelopes(&full, &whose, Some(then), now).await?,
            told_envelopes(&ended, &whose, None, now).await?,
        );
        was.extend(told_sessions(&full, &whose, Some(then), now).await?);
        is.extend(told_sessions(&ended, &whose, None, now).await?);
        was.extend(told_settings(&full, &whose, Some(then)).await?);
        is.extend(told_settings(&ended, &whose, None).await?);
        was.extend(told_alone(&full, Some(then), &all, &paid).await?);
        is.extend(told_alone(&ended, None, &all, &paid).await?);
        assert_same(&was, &is);
        if seen.last() != Some(&is) {
            seen.push(is);
        }
    }
    ensure!(seen.len() > 15, "expected many moments that differ, got {}", seen.len());
    fill_again(stores, full).await?;
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
    // Whose it was keeps the sessions of then, and so does whoever gets it back.
    let agent = world.treasury.envelope(envelope).call().await?.agent;
    for agent in [HEIR, agent, HEIR, agent] {
        world.call(world.owner, Treasury::setAgentCall { envelope, agent }).await?;
    }
    world.call(world.owner, Treasury::setAgentCall { envelope: U24::from(2), agent: HEIR }).await?;
    let all = compare(&stores, &world, 1).await?;
    holds(&all, &["group_frozen: true", "organisation_frozen: true", "score: Some((700", "agent: 0x5555"])
}

async fn blocks_of_one_second_are_told_apart(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    agrees::live(&mut world).await?;
    compare(&stores, &world, 60).await?;
    Ok(())
}

/// Sets a store back to what an earlier version left: nothing of how rows stood.
async fn forget_then(store: &Store) -> Result<()> {
    for sql in [
        "DELETE FROM treasury_then",
        "DELETE FROM group_then",
        "DELETE FROM envelope_then",
        "DELETE FROM agent_then",
        "DELETE FROM limits_then",
        "DELETE FROM payee_then",
        "DELETE FROM session_then",
        "UPDATE checkpoint SET then_hash = NULL",
    ] {
        Query::new(sql).execute(store.db()).await?;
    }
    Ok(())
}

/// Whoever opens a store of an earlier version finds in it what an indexer of this one would have kept.
async fn fill_again(stores: &Stores, store: Store) -> Result<()> {
    let before = dump(&store).await?;
    ensure!(before.iter().any(|row| row.starts_with("limits_then")), "nothing was kept");
    forget_then(&store).await?;
    assert_nothing_is_told(&store).await?;
    store.close().await;
    let store = open(stores, "full").await?;
    assert_same(&dump(&store).await?, &before);
    ensure!(checkpoint::keeps_then(store.db()).await?, "it is not said to be filled");
    Ok(())
}

async fn assert_nothing_is_told(store: &Store) -> Result<()> {
    let (db, key, then) = (store.db(), (OTHER, 1), Past { height: 9, records_until: 9 });
    let asked = [
        past::envelope(db, key, then).await.err(),
        past::envelopes(db, &Default::default(), then, None, 9).await.err(),
        past::agents(db, None, then, None, 9).await.err(),
        past::of_agents(db, &[OTHER], None, then, 9).await.err(),
        past::session(db, OTHER.into_word(), then).await.err(),
        past::sessions(db, &Default::default(), then, None, 9).await.err(),
        past::on_list(db, OTHER, (1, OTHER), then).await.err(),
        past::stamp_epoch(db, OTHER, then).await.err(),
    ];
    for (place, error) in asked.into_iter().enumerate() {
        ensure!(matches!(error, Some(DbError::NotKept)), "question {place}: {error:?}");
    }
    Ok(())
}

/// An agent that pays small amounts, as many as it is asked to.
struct Payer {
    agent: Agent,
    paid: u64,
}

impl Payer {
    /// So many payments in one block.
    async fn pay(&mut self, world: &World, count: u64) -> Result<()> {
        let mut signed = Vec::new();
        for _ in 0..count {
            self.paid += 1;
            let (amount, why) =
                (U256::from(1_000 + self.paid), format!("{} of {}", self.paid, self.agent.number));
            signed.push(
                world.sign_payment(&self.agent, Address::repeat_byte(0x77), amount, &why, false).await?,
            );
        }
        world.settle_together(&signed.iter().collect::<Vec<_>>()).await?;
        Ok(())
    }
}

async fn payer(world: &mut World) -> Result<Payer> {
    let mut agent = world.agent(World::policy(&[(DAY, 100)], 1000), 500).await?;
    world.open(&mut agent, 5).await?;
    Ok(Payer { agent, paid: 0 })
}

/// How many payments what is kept of sessions, and of envelopes, says.
async fn steps(store: &Store) -> Result<[Vec<u64>; 2]> {
    let of = async |sql| {
        let rows: Vec<DbRow> = rows(store, sql).await?;
        anyhow::Ok(rows.iter().map(|row| row.number("payments")).collect::<Result<Vec<u64>, DbError>>()?)
    };
    Ok([
        of("SELECT payments FROM session_then WHERE payments > 0 ORDER BY block_number, payments").await?,
        of("SELECT payments FROM envelope_then WHERE payments > 0 ORDER BY block_number, payments").await?,
    ])
}

async fn what_was_paid_is_told_to_the_payment(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let (mut one, mut other) = (payer(&mut world).await?, payer(&mut world).await?);
    // Up to one below a step, onto it, beyond it; and over the next one within a block.
    for count in [STEP - 2, 1, 1, 1, STEP - 2, 3] {
        one.pay(&world, count).await?;
        other.pay(&world, 3).await?;
    }
    // An envelope comes to a step that none of its sessions does.
    world.close(&other.agent).await?;
    world.open(&mut other.agent, 5).await?;
    other.pay(&world, STEP - 19).await?;
    other.pay(&world, 1).await?;
    other.pay(&world, 1).await?;
    compare(&stores, &world, 1).await?;
    let (of_sessions, of_envelopes) = (
        vec![STEP, 2 * STEP + 2, 18],
        // Closing and opening tell of the envelope, too.
        vec![STEP, 2 * STEP + 2, 18, 18, STEP],
    );
    assert_eq!(steps(&open(&stores, "full").await?).await?, [of_sessions, of_envelopes]);
    Ok(())
}

async fn a_turned_chain_takes_back_what_stood(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let mut payer = payer(&mut world).await?;
    payer.pay(&world, STEP - 2).await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    let mut running = Running::start(config.clone(), Arc::clone(&source), store.clone());
    running.until(source.head().await?.hash).await?;
    let snapshot = world.snapshot().await?;
    payer.pay(&world, 3).await?;
    let envelope = U24::from(payer.agent.number);
    world.call(world.owner, Treasury::setAgentCall { envelope, agent: HEIR }).await?;
    running.until(source.head().await?.hash).await?;
    ensure!(steps(&store).await?[0] == [STEP + 1], "no step was passed");

    world.revert(snapshot).await?;
    payer.pay(&world, 1).await?;
    world.mine(3).await?;
    running.until(source.head().await?.hash).await?;
    ensure!(steps(&store).await?[0].is_empty(), "what was taken back is kept");
    payer.pay(&world, 2).await?;
    running.until(source.head().await?.hash).await?;
    ensure!(steps(&store).await?[0] == [STEP + 1], "the step was not passed again");
    assert_same(&dump(&store).await?, &fresh(config, source, &stores).await?);
    running.stop().await
}

/// Somebody of an earlier version writes a few more blocks, and takes some back, beside whoever has opened the store.
async fn what_an_earlier_version_wrote_is_filled(stores: Stores) -> Result<()> {
    let (source, config) = recorded().await?;
    let (head, asked) = (source.head_number(), || Arc::clone(&source) as Arc<dyn Source>);
    let store = open(&stores, "ledger").await?;
    source.ceiling.store(head - 4, Ordering::SeqCst);
    index(config.clone(), asked(), &store).await?;
    forget_then(&store).await?;
    assert_nothing_is_told(&store).await?;
    store.unwind(head - 6).await?;
    ensure!(checkpoint::keeps_then(store.db()).await?, "it was not filled on the way back");
    forget_then(&store).await?;
    source.ceiling.store(head, Ordering::SeqCst);
    index(config.clone(), asked(), &store).await?;
    assert_same(&dump(&store).await?, &fresh(config, asked(), &stores).await?);
    Ok(())
}

/// Somebody has taken away what treasuries said.
async fn where_it_cannot_be_filled_nothing_is_told(stores: Stores) -> Result<()> {
    // The first leaves what does not follow; the others leave what follows and does not come to the rows of today.
    for missing in ["envelope_created", "topped_up", "session_frozen", "payee_listed"] {
        nothing_is_told_without(&stores, missing).await.context(missing)?;
    }
    Ok(())
}

async fn nothing_is_told_without(stores: &Stores, missing: &str) -> Result<()> {
    let (source, config) = recorded().await?;
    let (head, asked) = (source.head_number(), || Arc::clone(&source) as Arc<dyn Source>);
    let store = open(stores, missing).await?;
    source.ceiling.store(head - 4, Ordering::SeqCst);
    index(config.clone(), asked(), &store).await?;
    forget_then(&store).await?;
    let said = Query::new("SELECT 1 AS one FROM event WHERE kind = $1").bind(missing).row(store.db()).await?;
    ensure!(said.is_some(), "nothing was said that could be missing");
    Query::new("DELETE FROM event WHERE kind = $1").bind(missing).execute(store.db()).await?;
    store.close().await;
    let store = open(stores, missing).await?;
    assert_nothing_is_told(&store).await?;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM envelope_then").await?, 0, "some of it is told");
    // And the ledger goes on.
    source.ceiling.store(head, Ordering::SeqCst);
    index(config, asked(), &store).await?;
    assert_nothing_is_told(&store).await
}
