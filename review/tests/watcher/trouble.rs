//! What keeps a watcher from its work is told, and sends nothing.

use alloy::{
    primitives::U256,
    providers::{Provider as _, ProviderBuilder, ext::AnvilApi as _},
};
use anyhow::Result;
use bursar_review::{ReviewError, Watcher, WatcherConfig};
use bursar_sdk::AgentError;
use bursar_test_stores::{Stores, on_both_stores};

use crate::stage::{Stage, dollars};

on_both_stores!(
    who_lacks_the_role_is_told_before_and_refused_by_the_chain,
    without_gas_it_is_tried_again,
    by_a_ledger_that_is_behind_nothing_is_decided,
    a_ledger_on_a_branch_that_is_gone_decides_nothing,
    a_chain_that_cannot_be_reached_is_told,
    two_watchers_and_a_restart_in_the_middle_send_one_flag,
);

/// An agent whose score asks for a human.
async fn run_away(stage: &Stage) -> Result<()> {
    let agent = stage.agent().await?;
    stage.open(&agent).await?;
    for n in 0..14 {
        stage.pay(&agent, &format!("run {n}"), dollars(1)).await?;
    }
    Ok(())
}

async fn who_lacks_the_role_is_told_before_and_refused_by_the_chain(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    run_away(&stage).await?;
    let keys = stage.keys_of(&stage.chain.people.gas);
    let mut watcher = stage.watcher_with(keys, WatcherConfig::default());
    assert!(matches!(watcher.check().await, Err(ReviewError::Role { .. })));
    let round = watcher.round().await?;
    assert!(round.done.is_empty());
    assert!(matches!(&round.failed[..], [(_, AgentError::Reverted(_))]), "{round:?}");
    assert!(!stage.chain.owner().envelope(stage.envelope).await?.underReview);
    Ok(())
}

async fn without_gas_it_is_tried_again(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    run_away(&stage).await?;
    let reviewer = stage.chain.people.reviewer.address();
    let held = stage.chain.provider.get_balance(reviewer).await?;
    stage.chain.provider.anvil_set_balance(reviewer, U256::ZERO).await?;
    let mut watcher = stage.watcher(false);
    let round = watcher.round().await?;
    assert!(round.done.is_empty() && round.failed.len() == 1, "{round:?}");
    stage.chain.provider.anvil_set_balance(reviewer, held).await?;
    assert_eq!(watcher.round().await?.done.len(), 1, "nothing stands in the way of the next one");
    Ok(())
}

async fn by_a_ledger_that_is_behind_nothing_is_decided(stores: Stores) -> Result<()> {
    let mut stage = Stage::set(stores).await?;
    run_away(&stage).await?;
    stage.stop_following().await?;
    stage.chain.advance(31).await?;
    let mut watcher = stage.watcher(false);
    let round = watcher.round().await;
    assert!(matches!(round, Err(ReviewError::Behind { most: 30, .. })), "{round:?}");
    assert!(!stage.chain.owner().envelope(stage.envelope).await?.underReview);
    Ok(())
}

async fn a_ledger_on_a_branch_that_is_gone_decides_nothing(stores: Stores) -> Result<()> {
    let mut stage = Stage::set(stores).await?;
    let snapshot = stage.chain.provider.anvil_snapshot().await?;
    run_away(&stage).await?;
    stage.stop_following().await?;
    let head = stage.chain.provider.get_block_number().await?;
    stage.chain.provider.anvil_revert(snapshot).await?;
    let now = stage.chain.provider.get_block_number().await?;
    stage.chain.provider.anvil_mine(Some(head - now), None).await?;
    let round = stage.watcher(false).round().await;
    assert!(matches!(round, Err(ReviewError::Forked { .. })), "{round:?}");
    Ok(())
}

async fn a_chain_that_cannot_be_reached_is_told(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    // Nobody listens where somebody has just stopped to.
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let provider = ProviderBuilder::new().connect_http(format!("http://{free}").parse()?).erased();
    let mut watcher =
        Watcher::new(stage.store.clone(), provider, stage.keys(false), WatcherConfig::default());
    assert!(matches!(watcher.round().await, Err(ReviewError::Chain(_))));
    assert!(matches!(watcher.check().await, Err(ReviewError::Chain(_))));
    Ok(())
}

async fn two_watchers_and_a_restart_in_the_middle_send_one_flag(stores: Stores) -> Result<()> {
    let mut stage = Stage::set(stores).await?;
    run_away(&stage).await?;
    let before = stage.sent_by(&stage.chain.people.reviewer).await?;
    // The ledger has not seen the first one's transaction when the second one looks.
    stage.stop_following().await?;
    assert_eq!(stage.watcher(false).round().await?.done.len(), 1);
    let round = stage.watcher(false).round().await?;
    assert_eq!((round.done.len(), round.there.len()), (0, 1), "{round:?}");
    assert_eq!(stage.sent_by(&stage.chain.people.reviewer).await?, before + 1);
    Ok(())
}
