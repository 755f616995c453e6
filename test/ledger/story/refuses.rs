//! What would make a ledger wrong is refused, by name.

use std::sync::Arc;

use alloy::primitives::Address;
use anyhow::Result;
use bursar_indexer::{
    IndexerError, Inserted, Store, StoreError,
    db::Query,
    source::{Patience, RpcConfig, RpcSource, Source, Sources},
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    ledger::{Running, config, count, index, one, open},
    record::{record, sealed},
    world::World,
};

on_both_stores!(
    another_chain_a_missing_factory_and_anothers_store,
    a_store_that_a_newer_version_wrote,
    waits_for_a_provider_that_is_down_and_stops_when_asked,
    a_decision_is_stored_once,
);

async fn another_chain_a_missing_factory_and_anothers_store(stores: Stores) -> Result<()> {
    let world = World::new().await?;
    let chain_id = world.anvil.chain_id();
    let source: Arc<dyn Source> = Arc::new(world.source());
    let store = open(&stores, "ledger").await?;

    let run = |config, store: &Store| Running::start(config, Arc::clone(&source), store.clone()).task;
    let wrong = run(config(chain_id + 1, world.factory), &store).await?;
    assert!(
        matches!(wrong, Err(IndexerError::WrongChain { expected, got }) if (expected, got) == (chain_id + 1, chain_id))
    );
    let nobody = Address::repeat_byte(0x99);
    let missing = run(config(chain_id, nobody), &store).await?;
    assert!(matches!(missing, Err(IndexerError::NoCode { address, .. }) if address == nobody));
    assert_eq!(store.owner().await?, None);

    index(config(chain_id, world.factory), Arc::clone(&source), &store).await?;
    assert_eq!(store.owner().await?, Some((chain_id, world.factory)));
    assert!(matches!(
        store.claim(chain_id + 1, world.factory).await,
        Err(StoreError::OtherChain { expected, got }) if expected == chain_id + 1 && got == chain_id.to_string()
    ));
    let token = *world.usdc.address();
    let other = run(config(chain_id, token), &store).await?;
    assert!(
        matches!(other, Err(IndexerError::Store(StoreError::OtherFactory { expected, .. })) if expected == token)
    );
    Ok(())
}

async fn a_store_that_a_newer_version_wrote(stores: Stores) -> Result<()> {
    let url = stores.url("ledger").await?.parse()?;
    let store = Store::connect(&url).await?;
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
               VALUES (9999, 'later', TRUE, '', 0)";
    Query::new(sql).execute(store.db()).await?;
    store.close().await;
    assert!(matches!(Store::connect(&url).await, Err(StoreError::Newer { got: 9999, .. })));
    Ok(())
}

async fn waits_for_a_provider_that_is_down_and_stops_when_asked(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    // Taken and given back: nobody answers there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    drop(listener);
    let source = Arc::new(RpcSource::new(url.parse()?, RpcConfig::default()));
    let patience =
        Patience { retries: 1, first_delay: std::time::Duration::from_millis(1), ..Default::default() };
    let source = Sources::new(vec![vec![source]], patience, 1)?;
    let mut running = Running::start(config(1, Address::ZERO), source, store);
    let status = running.status.wait_for(|status| status.waits >= 2).await?.clone();
    assert!(
        status.error.as_deref().is_some_and(|error| error.contains("not reachable")),
        "{:?}",
        status.error
    );
    running.stop().await
}

async fn a_decision_is_stored_once(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let record = record();
    let sealed = sealed(&record)?;
    assert_eq!(store.insert_decision(&record, &sealed, 1_767_787_201).await?, Inserted::New);
    assert_eq!(store.insert_decision(&record, &sealed, 1_767_787_999).await?, Inserted::Existing);
    assert_eq!(one(&store, "SELECT nonce FROM decision").await?.maybe_hash("nonce")?, record.nonce()?);
    assert_eq!(count(&store, "SELECT received_at FROM decision").await?, 1_767_787_201);
    Ok(())
}
