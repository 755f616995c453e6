//! Groups: the ledger counts what was drawn from them, and knows what payments commit to after a release.

use std::sync::Arc;

use alloy::primitives::{Address, B256, U256, aliases::U24, keccak256};
use anyhow::Result;
use bursar_indexer::source::Source;
use bursar_sdk::abi::Treasury::{self, WindowLimit};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    agrees::assert_agrees,
    ledger::{Running, assert_same, config, count, dump, fresh, index, one, open, rows},
    world::{Agent, DAY, WEEK, World, narrow, units},
};

on_both_stores!(
    groups_agree_and_every_payment_finds_its_decision,
    groups_leave_no_trace_of_a_chain_that_turned,
);

const PAYEE: Address = Address::repeat_byte(0x77);

fn windows(limits: &[(u32, u64)]) -> Vec<WindowLimit> {
    limits
        .iter()
        .map(|(period, limit)| WindowLimit { period: *period, limit: narrow(units(*limit)) })
        .collect()
}

/// A company with a team in it; the first agent is in the team, the second right in the company.
async fn company(world: &mut World) -> Result<(Agent, Agent)> {
    let asset = *world.usdc.address();
    let mut first = world.agent(World::policy(&[(DAY, 100)], 1000), 500).await?;
    let mut second = world.agent(World::policy(&[], 0), 200).await?;
    let create = |parent: u32, limits: &[(u32, u64)], lifetime| Treasury::createGroupCall {
        parent: U24::from(parent),
        asset,
        windows: windows(limits),
        lifetimeLimit: narrow(units(lifetime)),
    };
    world.call(world.manager, create(0, &[(DAY, 150), (WEEK, 400)], 2000)).await?;
    world.call(world.manager, create(1, &[(3600, 90)], 0)).await?;
    for (agent, group) in [(&mut first, 2u32), (&mut second, 1)] {
        let (envelope, group) = (U24::from(agent.number), U24::from(group));
        world.call(world.manager, Treasury::setGroupCall { envelope, group }).await?;
        agent.policy_version += 1;
    }
    Ok((first, second))
}

async fn release(world: &World, group: u32) -> Result<()> {
    let group = U24::from(group);
    world.call(world.guardian, Treasury::freezeGroupCall { group }).await?;
    world.call(world.owner, Treasury::unfreezeGroupCall { group }).await?;
    Ok(())
}

/// Everything that groups go through, payments under every epoch included.
pub async fn live(world: &mut World) -> Result<(Agent, Agent)> {
    let (mut first, mut second) = company(world).await?;
    world.open(&mut first, 40).await?;
    world.open(&mut second, 30).await?;
    world.pay(&first, PAYEE, 5, "before").await?;

    // Each release voids what was signed below it, and only there.
    release(world, 2).await?;
    first.epoch += 1;
    world.pay(&first, PAYEE, 4, "after the team's").await?;
    world.pay(&second, PAYEE, 3, "not below the team").await?;
    release(world, 1).await?;
    (first.epoch, second.epoch) = (first.epoch + 1, second.epoch + 1);
    world.pay(&first, PAYEE, 2, "after the company's").await?;
    world.call(world.guardian, Treasury::freezeOrganisationCall {}).await?;
    world.call(world.owner, Treasury::unfreezeOrganisationCall {}).await?;
    (first.epoch, second.epoch) = (first.epoch + 1, second.epoch + 1);
    world.pay(&second, PAYEE, 1, "after the organisation's").await?;

    // Reopened, closed, and limits lowered while something is drawn.
    world.open(&mut first, 45).await?;
    let lower = Treasury::setGroupLimitsCall {
        group: U24::from(2),
        windows: windows(&[(3600, 60)]),
        lifetimeLimit: narrow(U256::ZERO),
    };
    world.call(world.manager, lower).await?;
    world.close(&second).await?;
    // What was drawn under a group returns to it, wherever the envelope is by then.
    let leave = Treasury::setGroupCall { envelope: U24::from(first.number), group: U24::ZERO };
    world.call(world.manager, leave).await?;
    first.policy_version += 1;
    first.epoch -= 2;
    world.close(&first).await?;
    world.open(&mut first, 20).await?;
    world.pay(&first, PAYEE, 6, "outside").await?;
    Ok((first, second))
}

async fn groups_agree_and_every_payment_finds_its_decision(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    live(&mut world).await?;
    let stamp = keccak256("stamp");
    world.call(world.guardian, Treasury::revokeStampCall { stampHash: stamp }).await?;
    world.call(world.guardian, Treasury::setStampEpochCall { epoch: 3 }).await?;
    world.call(world.reviewer, Treasury::anchorCall { root: stamp, size: u64::MAX }).await?;
    let envelope = U24::from(2);
    world.call(world.manager, Treasury::setScoreLifeCall { envelope, life: 600 }).await?;
    world.call(world.reviewer, Treasury::reportScoreCall { envelope, score: 87 }).await?;

    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    index(config(world.anvil.chain_id(), world.factory), source, &store).await?;
    assert_agrees(&world, &store).await?;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM undecoded").await?, 0);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM stop WHERE level = 'group'").await?, 4);

    let paid = rows(&store, "SELECT * FROM payment ORDER BY block_number, log_index").await?;
    let decisions: Vec<B256> =
        paid.iter().map(|row| Ok(row.hash("decision_hash")?)).collect::<Result<_>>()?;
    let expected = [
        "before",
        "after the team's",
        "not below the team",
        "after the company's",
        "after the organisation's",
        "outside",
    ];
    assert_eq!(decisions, expected.map(keccak256));

    let revoked = one(&store, "SELECT * FROM stamp_revocation").await?;
    assert_eq!(revoked.hash("stamp_hash")?, stamp);
    let anchored = one(&store, "SELECT * FROM anchor").await?;
    assert_eq!(anchored.text("size")?, u64::MAX.to_string());
    Ok(())
}

async fn groups_leave_no_trace_of_a_chain_that_turned(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let (mut first, _) = company(&mut world).await?;
    world.open(&mut first, 40).await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    let mut running = Running::start(config.clone(), Arc::clone(&source), store.clone());
    running.until(source.head().await?.hash).await?;

    let snapshot = world.snapshot().await?;
    release(&world, 1).await?;
    world.call(world.guardian, Treasury::revokeStampCall { stampHash: B256::ZERO }).await?;
    world.call(world.reviewer, Treasury::anchorCall { root: B256::ZERO, size: 1 }).await?;
    world.close(&first).await?;
    running.until(source.head().await?.hash).await?;
    let branch = dump(&store).await?;

    world.revert(snapshot).await?;
    world.mine(2).await?;
    world.pay(&first, PAYEE, 1, "stands").await?;
    let status = running.until(source.head().await?.hash).await?;
    assert_eq!(status.reorgs, 1);
    assert!(dump(&store).await? != branch, "nothing was taken back");
    assert_same(&dump(&store).await?, &fresh(config, source, &stores).await?);
    assert_agrees(&world, &store).await?;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM anchor").await?, 0);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM stamp_revocation").await?, 0);
    running.stop().await
}
