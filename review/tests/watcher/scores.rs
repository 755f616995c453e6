//! Sessions that open on a fresh score alone: the watcher keeps it fresh, and its silence keeps them shut.

use anyhow::Result;
use bursar_review::Act;
use bursar_sdk::{AgentError, Refusal};
use bursar_test_stores::{Stores, on_both_stores};

use crate::stage::{Stage, dollars};

on_both_stores!(
    a_score_is_reported_before_it_is_stale_and_silence_shuts_the_door,
    who_is_to_be_reviewed_gets_the_flag_before_any_score,
);

const LIFE: u32 = 3_600;

async fn a_score_is_reported_before_it_is_stale_and_silence_shuts_the_door(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    stage.chain.policy_manager().set_score_life(stage.envelope, LIFE).await?;
    stage.follow().await?;
    let refused = stage.open(&agent).await;
    assert_eq!(
        refused.as_ref().err().and_then(AgentError::refusal),
        Some(Refusal::ScoreStale),
        "{refused:?}"
    );

    let mut watcher = stage.watcher(false);
    let round = watcher.round().await?;
    assert!(matches!(round.done[..], [Act::Report { score: 300..=850, .. }]), "{round:?}");
    stage.open(&agent).await?;
    stage.follow().await?;
    assert!(watcher.round().await?.done.is_empty(), "it is fresh");
    stage.pass(u64::from(LIFE) / 2).await?;
    let mut restarted = stage.watcher(false);
    assert_eq!(restarted.round().await?.done.len(), 1, "half its life is over");
    stage.follow().await?;
    assert!(watcher.round().await?.done.is_empty());

    stage.pass(u64::from(LIFE) + 1).await?;
    let refused = stage.open(&agent).await;
    assert_eq!(
        refused.as_ref().err().and_then(AgentError::refusal),
        Some(Refusal::ScoreStale),
        "{refused:?}"
    );
    assert_eq!(watcher.round().await?.done.len(), 1);
    Ok(stage.open(&agent).await?)
}

async fn who_is_to_be_reviewed_gets_the_flag_before_any_score(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    stage.open(&agent).await?;
    for n in 0..14 {
        stage.pay(&agent, &format!("run {n}"), dollars(1)).await?;
    }
    stage.chain.policy_manager().set_score_life(stage.envelope, LIFE).await?;
    stage.follow().await?;
    let mut watcher = stage.watcher(false);
    let round = watcher.round().await?;
    assert!(matches!(round.done[..], [Act::Review { .. }]), "{round:?}");
    stage.follow().await?;
    let round = watcher.round().await?;
    assert!(matches!(round.done[..], [Act::Report { score: ..600, .. }]), "{round:?}");
    Ok(())
}
