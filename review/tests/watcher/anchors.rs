//! The transparency log's root goes onto the chain at an interval, where the log has grown; and never that of another log.

use alloy::primitives::B256;
use anyhow::{Context as _, Result};
use bursar_indexer::{db::Query, query::log};
use bursar_review::{
    WatcherConfig,
    anchor::{Anchor, AnchorError},
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::stage::{Stage, dollars};

on_both_stores!(
    the_root_is_anchored_when_it_is_time_and_there_is_something_new,
    a_log_that_does_not_go_on_from_its_anchor_is_not_vouched_for,
);

const EVERY: u64 = 3_600;

fn config() -> WatcherConfig {
    WatcherConfig { anchor_every: Some(EVERY), ..WatcherConfig::default() }
}

async fn root(stage: &Stage, size: u64) -> Result<Anchor> {
    Ok(Anchor { size, root: log::root(stage.store.db(), stage.chain.treasury, size).await? })
}

async fn the_root_is_anchored_when_it_is_time_and_there_is_something_new(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    stage.open(&agent).await?;
    stage.follow().await?;
    let reviewer = &stage.chain.people.reviewer;
    let mut watcher = stage.watcher_with(stage.keys(false), config());
    let round = watcher.round().await?;
    assert!(round.anchored.is_none() && round.not_anchored.is_none(), "there is no entry yet: {round:?}");

    stage.sign(&agent, "the first", dollars(1)).await?;
    let mut dry = stage.watcher_with(stage.keys(false), WatcherConfig { dry_run: true, ..config() });
    assert_eq!(dry.round().await?.anchored, Some(root(&stage, 1).await?));
    let before = stage.sent_by(reviewer).await?;
    let mut never = stage.watcher(false);
    assert_eq!(never.round().await?.anchored, None, "nobody asked for it");
    assert_eq!(watcher.round().await?.anchored, Some(root(&stage, 1).await?));
    // More comes in at once; the ledger has not seen the anchor yet, and nobody remembers it.
    stage.sign(&agent, "the second", dollars(1)).await?;
    let mut restarted = stage.watcher_with(stage.keys(false), config());
    assert_eq!(restarted.round().await?.anchored, None);
    stage.follow().await?;
    assert_eq!(restarted.round().await?.anchored, None);
    assert_eq!(stage.sent_by(reviewer).await?, before + 1);
    let kept = log::anchors(stage.store.db(), stage.chain.treasury, u64::MAX, 9).await?;
    let [kept] = kept.as_slice() else { anyhow::bail!("{kept:?}") };
    assert_eq!(Anchor { size: kept.size, root: kept.root }, root(&stage, 1).await?);
    assert_eq!(kept.by, reviewer.address());

    stage.pass(EVERY / 2).await?;
    assert_eq!(watcher.round().await?.anchored, None, "it is too early");
    stage.pass(EVERY / 2).await?;
    assert_eq!(watcher.round().await?.anchored, Some(root(&stage, 2).await?));
    stage.follow().await?;
    stage.pass(EVERY).await?;
    assert_eq!(watcher.round().await?.anchored, None, "nothing came in since");
    Ok(())
}

async fn a_log_that_does_not_go_on_from_its_anchor_is_not_vouched_for(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    stage.open(&agent).await?;
    for n in 0..3 {
        stage.sign(&agent, &format!("run {n}"), dollars(1)).await?;
    }
    stage.follow().await?;
    let (reviewer, treasury) = (&stage.chain.people.reviewer, stage.chain.treasury);
    let mut watcher = stage.watcher_with(stage.keys(false), config());
    assert_eq!(watcher.round().await?.anchored, Some(root(&stage, 3).await?));
    stage.follow().await?;
    stage.pass(EVERY).await?;
    let sent = stage.sent_by(reviewer).await?;

    // The end is cut off, and something else put there.
    let db = stage.store.db();
    for table in ["DELETE FROM log_entry WHERE number = 2", "DELETE FROM log_node WHERE position >= 3"] {
        Query::new(table).execute(db).await?;
    }
    let round = watcher.round().await?;
    let shorter = matches!(round.not_anchored, Some(AnchorError::Shorter { expected: 3, got: 2 }));
    assert!(shorter && round.anchored.is_none(), "{round:?}");
    for n in 3..5 {
        stage.sign(&agent, &format!("run {n}"), dollars(1)).await?;
    }
    let anchored = log::anchors(db, treasury, u64::MAX, 1).await?.pop().context("an anchor")?;
    let round = watcher.round().await?;
    match round.not_anchored {
        Some(AnchorError::Apart { size: 3, expected, got }) => {
            assert_eq!((expected, got), (anchored.root, root(&stage, 3).await?.root));
        }
        other => anyhow::bail!("{other:?}"),
    }

    // Somebody with the role anchors what is no root of this log: told just so.
    let (_, hands) = stage.keys(false).reviewer;
    hands.anchor(B256::repeat_byte(1), 2).await?;
    let mut at_once =
        stage.watcher_with(stage.keys(false), WatcherConfig { anchor_every: Some(0), ..config() });
    let round = at_once.round().await?;
    assert!(round.not_anchored.is_some() && round.anchored.is_none(), "{round:?}");
    assert_eq!(stage.sent_by(reviewer).await?, sent + 1, "the watcher has sent nothing");
    Ok(())
}
