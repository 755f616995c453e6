//! Who waits for a turn to write: given up, nothing of it stays; however many they are, who reads does not wait with them.

use std::time::Duration;

use anyhow::{Context, Result};
use bursar_indexer::{Store, StoreError, store::Inserted};
use bursar_test_stores::Stores;
use tokio::{task::JoinHandle, time::timeout};

use crate::{
    by_hand::{connection, run, somebody_waits},
    ledger::{count, open},
    record::{record, sealed},
};

/// Well below what a transaction may idle for before PostgreSQL ends it.
const SOON: Duration = Duration::from_secs(20);

const HOLDS: &str = "BEGIN; LOCK TABLE checkpoint IN SHARE ROW EXCLUSIVE MODE";

/// Hands in a decision that nobody has handed in yet.
fn hand_in(store: &Store, number: u64) -> JoinHandle<Result<Inserted, StoreError>> {
    let store = store.clone();
    tokio::spawn(async move {
        let mut decision = record();
        decision.created_at += number;
        let sealed = sealed(&decision).expect("a decision that can be sealed");
        store.insert_decision(&decision, &sealed, decision.created_at).await
    })
}

#[tokio::test]
async fn nothing_stays_of_a_writer_that_is_given_up() -> Result<()> {
    let stores = Stores::postgres()?;
    let (one, other) = (open(&stores, "ledger").await?, open(&stores, "ledger").await?);
    // Its connection is there already: to make one takes longer than to be given up.
    hand_in(&one, 0).await??;
    let (mut holds, mut looks) = (connection(&stores).await?, connection(&stores).await?);
    run(&mut holds, HOLDS).await?;
    let waits = hand_in(&one, 1);
    somebody_waits(&mut looks, "checkpoint").await?;
    waits.abort();
    assert!(waits.await.is_err_and(|error| error.is_cancelled()));
    run(&mut holds, "COMMIT").await?;
    timeout(SOON, hand_in(&other, 2)).await.context("it has the ledger's lock still")???;
    timeout(SOON, hand_in(&one, 3)).await.context("its connection is of no use")???;
    assert_eq!(count(&other, "SELECT COUNT(*) FROM decision").await?, 3);
    Ok(())
}

/// By an administrator, or because it has waited too long for its role.
#[tokio::test]
async fn a_writer_whose_wait_was_ended_is_no_hindrance_to_the_next() -> Result<()> {
    let stores = Stores::postgres()?;
    let store = open(&stores, "ledger").await?;
    hand_in(&store, 0).await??;
    let (mut holds, mut looks) = (connection(&stores).await?, connection(&stores).await?);
    run(&mut holds, HOLDS).await?;
    let waits = hand_in(&store, 1);
    somebody_waits(&mut looks, "checkpoint").await?;
    let ends =
        "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE relation = 'checkpoint'::REGCLASS AND NOT granted";
    run(&mut looks, ends).await?;
    assert!(waits.await?.is_err(), "it was not ended");
    run(&mut holds, "COMMIT").await?;
    timeout(SOON, hand_in(&store, 2)).await.context("it waits for nobody")???;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM decision").await?, 2);
    Ok(())
}

#[tokio::test]
async fn writers_that_wait_leave_readers_their_connections() -> Result<()> {
    let stores = Stores::postgres()?;
    let store = open(&stores, "ledger").await?;
    let (mut holds, mut looks) = (connection(&stores).await?, connection(&stores).await?);
    run(&mut holds, HOLDS).await?;
    let waiting: Vec<_> = (0..16).map(|number| hand_in(&store, number)).collect();
    somebody_waits(&mut looks, "checkpoint").await?;
    for _ in 0..16 {
        let read = timeout(SOON, count(&store, "SELECT COUNT(*) FROM decision"));
        assert_eq!(read.await.context("a reader waits for writers")??, 0);
    }
    run(&mut holds, "COMMIT").await?;
    for hands_in in waiting {
        timeout(SOON, hands_in).await.context("a writer waits for nobody")???;
    }
    assert_eq!(count(&store, "SELECT COUNT(*) FROM decision").await?, 16);
    Ok(())
}
