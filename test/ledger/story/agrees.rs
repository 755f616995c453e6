//! After everything that agents and people do, the ledger equals the chain to the unit.

use std::sync::Arc;

use alloy::primitives::{Address, B256, U256, aliases::U24, keccak256};
use anyhow::{Context, Result, ensure};
use bursar_indexer::{
    Store,
    db::{DbRow, Query},
    source::Source,
};
use bursar_sdk::{
    abi::{
        Eip3009,
        Treasury::{self, Headroom},
    },
    windows::{Window, end_at},
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    ledger::{config, count, index, money, one, open, rows},
    world::{Agent, DAY, START, WEEK, World, units},
};

on_both_stores!(ledger_equals_chain_to_the_unit,);

const PAYEE: Address = Address::repeat_byte(0x77);

/// Two agents live through everything there is. Returns them as they stand at the end.
pub async fn live(world: &mut World) -> Result<Vec<Agent>> {
    let both = World::policy(&[(DAY, 100), (WEEK, 300)], 1000);
    let mut first = world.agent(both, 500).await?;
    let mut second = world.agent(World::policy(&[(DAY, 200)], 0), 200).await?;
    world.call(world.manager, Treasury::createPursesCall { envelope: U24::from(1), count: 1 }).await?;
    for payee in [PAYEE, world.stranger] {
        world.call(world.manager, Treasury::listPayeeCall { list: 1, payee }).await?;
    }

    // Sent before any session: swept into the escrow by the first opening.
    world.donate(first.purse, 3).await?;
    world.open(&mut first, 40).await?;
    world.pay(&first, PAYEE, 5, "one").await?;
    world.pay(&first, world.stranger, 20, "approved").await?;
    world.donate(first.purse, 2).await?;

    world.open(&mut second, 30).await?;
    let one = world.sign_payment(&second, PAYEE, units(4), "together 1", false).await?;
    let two = world.sign_payment(&second, PAYEE, units(6), "together 2", false).await?;
    world.settle_together(&[&one, &two]).await?;
    // A purse pays another purse: a payment here, a donation there.
    world.pay(&second, first.purse, 1, "to a purse").await?;

    // Reopening settles what is left first, in the same transaction.
    world.open_scoped(&mut first, 45, 2).await?;
    let narrowed = world.sign_payment(&first, PAYEE, units(3), "scoped", true).await?;
    world.send(world.facilitator, *world.usdc.address(), narrowed.call).await?;
    world.call(world.guardian, Treasury::freezeSessionCall { purse: first.purse }).await?;
    world.next_day().await?;
    world.close(&first).await?;
    world.open(&mut first, 50).await?;
    world.set_policy(&mut first, World::policy(&[(3600, 60), (WEEK, 250)], 900)).await?;
    world.close(&first).await?;
    world.open(&mut first, 10).await?;
    world.pay(&first, PAYEE, 7, "under the new policy").await?;

    world
        .call(
            world.reviewer,
            Treasury::setReviewCall { envelope: U24::from(2), reason: B256::repeat_byte(1) },
        )
        .await?;
    world.call(world.guardian, Treasury::freezeEnvelopeCall { envelope: U24::from(2) }).await?;
    world.call(world.owner, Treasury::unfreezeEnvelopeCall { envelope: U24::from(2) }).await?;
    second.policy_version += 1;
    world.call(world.guardian, Treasury::freezeOrganisationCall {}).await?;
    world.call(world.owner, Treasury::unfreezeOrganisationCall {}).await?;
    for agent in [&mut first, &mut second] {
        agent.epoch += 1;
    }
    // A withdrawal that goes to a purse is no draw.
    let withdraw =
        |to, dollars| Treasury::withdrawCall { envelope: U24::from(1), to, amount: units(dollars) };
    world.call(world.owner, withdraw(first.purse, 4)).await?;
    world.call(world.owner, withdraw(world.owner, 9)).await?;
    let unlist = Treasury::unlistPayeeCall { list: 1, payee: world.stranger };
    world.call(world.guardian, unlist).await?;
    world.call(world.owner, Treasury::setDelayCall { delay: 3600 }).await?;
    Ok(vec![first, second])
}

/// What the chain says about each envelope, against what the ledger says.
pub async fn assert_agrees(world: &World, store: &Store) -> Result<()> {
    let envelopes = rows(store, "SELECT * FROM envelope ORDER BY number").await?;
    let now = world.now().await?;
    for row in &envelopes {
        let number: u32 = row.number("number")?;
        let chain = world.treasury.envelope(U24::from(number)).call().await?;
        let of = |column| money(row, column);
        let escrow = of("funded")? + of("returned")? - of("withdrawn")? - of("drawn")?;
        assert_eq!(escrow, chain.escrow.to::<U256>(), "escrow of {number}");
        assert_eq!(row.flag("frozen")?, chain.frozen);
        assert_eq!(row.flag("under_review")?, chain.underReview);
        assert_eq!(U256::from(row.number::<u16>("policy_version")?), chain.policyVersion);
        assert_eq!(U256::from(row.number::<u32>("purses")?), chain.purses);
        assert_eq!(U256::from(row.number::<u32>("group_number")?), chain.group);
        assert_eq!(row.flag("permit2")?, chain.permit2);
        for (column, value) in
            [("score_life", chain.scoreLife), ("score", chain.score), ("scored_at", chain.scoredAt)]
        {
            assert_eq!(U256::from(row.number::<u32>(column)?), value, "{column} of {number}");
        }
        assert_eq!(of("approval_threshold")?, chain.policy.approvalThreshold.to::<U256>());

        let purses = Query::new("SELECT * FROM purse WHERE envelope = $1").bind(number);
        let mut held = U256::ZERO;
        for purse in purses.rows(store.db()).await? {
            let address = purse.address("address")?;
            let balance = world.usdc.balanceOf(address).call().await?;
            assert_eq!(money(&purse, "balance")?, balance, "balance of {address}");
            let session = world.treasury.session(address).call().await?;
            assert_eq!(U256::from(purse.number::<u32>("sequence")?), session.sequence);
            assert_eq!(purse.flag("open")?, !session.key.is_zero());
            held += balance;
        }
        let came = of("funded")? + of("donated")?;
        assert_eq!(escrow + held + of("paid")? + of("withdrawn")?, came, "money of {number} went missing");
        let rooms = world.treasury.headroom(U24::from(number)).call().await?;
        let rows = Query::new("SELECT * FROM limit_use WHERE envelope = $1 ORDER BY idx").bind(number);
        assert_headroom(&rows.rows(store.db()).await?, &rooms, number, now)?;
    }
    ensure!(!envelopes.is_empty(), "no envelope was indexed");
    assert_groups_agree(world, store, now).await
}

async fn assert_groups_agree(world: &World, store: &Store, now: u64) -> Result<()> {
    let organisation = world.treasury.organisation().call().await?;
    let of_treasury = one(store, "SELECT * FROM treasury").await?;
    assert_eq!(of_treasury.flag("frozen")?, organisation.frozen);
    assert_eq!(of_treasury.number::<u32>("epoch")?, organisation.epoch);
    assert_eq!(of_treasury.number::<u32>("stamp_epoch")?, organisation.stampEpoch);
    let groups = rows(store, "SELECT * FROM envelope_group ORDER BY number").await?;
    assert_eq!(groups.len(), organisation.groups.to::<usize>());
    for row in &groups {
        let number: u32 = row.number("number")?;
        let chain = world.treasury.group(U24::from(number)).call().await?;
        assert_eq!(U256::from(row.number::<u32>("parent")?), chain.parent);
        assert_eq!(U256::from(row.number::<u32>("epoch")?), chain.epoch, "epoch of group {number}");
        assert_eq!(row.flag("frozen")?, chain.frozen);
        assert_eq!(row.address("asset")?, chain.asset);
        let rooms = world.treasury.groupHeadroom(U24::from(number)).call().await?;
        let rows =
            Query::new("SELECT * FROM group_limit_use WHERE group_number = $1 ORDER BY idx").bind(number);
        assert_headroom(&rows.rows(store.db()).await?, &rooms, number, now)?;
    }
    Ok(())
}

fn assert_headroom(rows: &[DbRow], chain: &[Headroom], number: u32, now: u64) -> Result<()> {
    assert_eq!(rows.len(), chain.len(), "limits of {number}");
    for (row, room) in rows.iter().zip(chain) {
        let window = Window {
            period: row.number("period")?,
            limit: money(row, "limit_amount")?.try_into()?,
            used: money(row, "used")?.try_into()?,
            index: row.number("window_index")?,
        };
        assert_eq!(U256::from(window.period), room.period);
        assert_eq!(window.limit.to_u256(), room.limit.to::<U256>());
        assert_eq!(window.used_at(now).to_u256(), room.used, "limit {} of {number}", window.period);
        let end = end_at(window.period, now).map_or(U256::MAX, U256::from);
        assert_eq!(end, room.endsAt);
    }
    Ok(())
}

async fn ledger_equals_chain_to_the_unit(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let agents = live(&mut world).await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    index(config(world.anvil.chain_id(), world.factory), Arc::clone(&source), &store).await?;
    assert_agrees(&world, &store).await?;
    assert_payments(&world, &store, &agents).await?;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM undecoded").await?, 0);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM stop").await?, 6);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM policy").await?, 4);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM payee").await?, 1);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM event WHERE kind = 'donation'").await?, 4);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM session WHERE closed_at IS NOT NULL").await?, 3);
    assert_eq!(count(&store, "SELECT delay FROM treasury").await?, 3600);

    // And it keeps agreeing as the chain goes on.
    world.top_up(1, 11).await?;
    index(config(world.anvil.chain_id(), world.factory), source, &store).await?;
    assert_agrees(&world, &store).await
}

async fn assert_payments(world: &World, store: &Store, agents: &[Agent]) -> Result<()> {
    let first = agents.first().context("an agent")?;
    let approver = world.approver.address();
    let expected = [
        ("one", PAYEE, 5, None),
        ("approved", world.stranger, 20, Some(approver)),
        ("together 1", PAYEE, 4, None),
        ("together 2", PAYEE, 6, None),
        ("to a purse", first.purse, 1, None),
        // Above the session's own threshold, below the policy's.
        ("scoped", PAYEE, 3, Some(approver)),
        ("under the new policy", PAYEE, 7, None),
    ];
    let rows = rows(store, "SELECT * FROM payment ORDER BY block_number, log_index").await?;
    assert_eq!(rows.len(), expected.len());
    for (row, (why, payee, dollars, approver)) in rows.iter().zip(expected) {
        assert_eq!(row.maybe_hash("decision_hash")?, Some(keccak256(why)), "decision of {why}");
        assert_eq!(row.address("payee")?, payee, "payee of {why}");
        assert_eq!(money(row, "amount")?, units(dollars), "amount of {why}");
        assert_eq!(row.maybe_address("approver")?, approver, "approver of {why}");
        assert_eq!(row.address("facilitator")?, world.facilitator);
        let purse = row.address("purse")?;
        let nonce = row.hash("nonce")?;
        let token = Eip3009::new(*world.usdc.address(), &world.provider);
        assert!(token.authorizationState(purse, nonce).call().await?, "nonce of {why}");
        assert!(row.number::<u64>("timestamp")? > START);
    }
    Ok(())
}
