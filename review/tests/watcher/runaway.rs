//! An agent that runs away is stopped at the next door, and a human alone opens it again.

use alloy::primitives::{B256, keccak256};
use anyhow::{Context as _, Result};
use bursar_indexer::{
    ledger::AlertKind,
    query::{alerts, stops},
};
use bursar_review::{Act, WatcherConfig};
use bursar_sdk::{AgentError, Refusal, score::Reason};
use bursar_test_stores::{Stores, on_both_stores};

use crate::stage::{Stage, dollars};

on_both_stores!(
    who_runs_at_forty_times_the_pace_is_stopped_before_a_twentieth_and_let_in_by_a_human,
    clearing_without_reasons_below_the_mark_does_not_hold,
    a_dry_run_says_and_does_not,
    what_a_reorg_takes_back_is_no_reason_any_more,
);

async fn who_runs_at_forty_times_the_pace_is_stopped_before_a_twentieth_and_let_in_by_a_human(
    stores: Stores,
) -> Result<()> {
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    let mut watcher = stage.watcher(false);
    watcher.check().await?;
    stage.open(&agent).await?;
    assert!(watcher.round().await?.done.is_empty());
    // 300 a week, forty times: 1.19 a minute.
    let mut spent = 0;
    let act = loop {
        stage.pass(50).await?;
        stage.pay(&agent, "run", dollars(1)).await?;
        spent += 1;
        let round = watcher.round().await?;
        if let [act] = round.done[..] {
            break act;
        }
        assert!(spent < 15, "a twentieth is spent and nobody has stopped it: {round:?}");
    };
    assert_eq!(act, Act::Review { envelope: stage.envelope, reason: Reason::Projected });
    assert!(stage.chain.owner().envelope(stage.envelope).await?.underReview);
    let refused = stage.open(&agent).await;
    assert_eq!(
        refused.as_ref().err().and_then(AgentError::refusal),
        Some(Refusal::UnderReview),
        "{refused:?}"
    );

    // The ledger tells of it with its reason, and the alert stands.
    stage.follow().await?;
    let of = stops::Filter { level: Some("review"), ..stops::Filter::default() };
    let stop = stops::list(stage.store.db(), &of, None, 1).await?.pop().context("a review")?;
    assert_eq!(stop.reason, Some(B256::right_padding_from(b"R01")));
    let open =
        alerts::Filter { kind: Some(AlertKind::Review), open: Some(true), ..alerts::Filter::default() };
    assert_eq!(alerts::list(stage.store.db(), &open, u64::MAX >> 1, None, 9).await?.len(), 1);

    // Not twice; not after a restart; and never cleared by itself.
    let sent = stage.sent_by(&stage.chain.people.reviewer).await?;
    for mut watcher in [watcher, stage.watcher(false)] {
        assert!(watcher.round().await?.done.is_empty());
    }
    stage.pass(3 * 86_400).await?;
    let mut watcher = stage.watcher(false);
    assert!(watcher.round().await?.done.is_empty());
    assert_eq!(stage.sent_by(&stage.chain.people.reviewer).await?, sent);
    assert!(stage.chain.owner().envelope(stage.envelope).await?.underReview);

    // A human has looked, and says why.
    stage.chain.owner().clear_review(stage.envelope, keccak256("a batch that was asked for")).await?;
    stage.follow().await?;
    assert!(watcher.round().await?.done.is_empty(), "what a human let pass is let pass");
    stage.open(&agent).await?;
    Ok(())
}

async fn clearing_without_reasons_below_the_mark_does_not_hold(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    stage.open(&agent).await?;
    for n in 0..14 {
        stage.pay(&agent, &format!("run {n}"), dollars(1)).await?;
    }
    let mut watcher = stage.watcher(false);
    assert_eq!(watcher.round().await?.done.len(), 1);
    stage.chain.owner().clear_review(stage.envelope, B256::ZERO).await?;
    stage.follow().await?;
    assert_eq!(watcher.round().await?.done.len(), 1, "the score is below 640, and nobody said why");
    Ok(())
}

async fn a_dry_run_says_and_does_not(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    stage.open(&agent).await?;
    for n in 0..14 {
        stage.pay(&agent, &format!("run {n}"), dollars(1)).await?;
    }
    let config = WatcherConfig { dry_run: true, ..WatcherConfig::default() };
    let mut watcher = stage.watcher_with(stage.keys(true), config);
    let round = watcher.round().await?;
    assert!(matches!(round.done[..], [Act::Review { .. }]), "{round:?}");
    assert!(!stage.chain.owner().envelope(stage.envelope).await?.underReview);
    Ok(())
}

async fn what_a_reorg_takes_back_is_no_reason_any_more(stores: Stores) -> Result<()> {
    use alloy::providers::ext::AnvilApi as _;
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    stage.open(&agent).await?;
    stage.pay(&agent, "one", dollars(1)).await?;
    let snapshot = stage.chain.provider.anvil_snapshot().await?;
    for n in 0..14 {
        stage.pay(&agent, &format!("run {n}"), dollars(1)).await?;
    }
    let mut dry =
        stage.watcher_with(stage.keys(false), WatcherConfig { dry_run: true, ..Default::default() });
    assert_eq!(dry.round().await?.done.len(), 1);
    stage.chain.provider.anvil_revert(snapshot).await?;
    stage.chain.provider.anvil_mine(Some(1), None).await?;
    stage.follow().await?;
    let round = stage.watcher(false).round().await?;
    assert!(round.done.is_empty() && round.failed.is_empty(), "{round:?}");
    Ok(())
}
