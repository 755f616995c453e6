//! Two kinds of store, one behaviour: what one holds and answers, the other does.

use std::{collections::BTreeSet, sync::Arc};

use alloy::primitives::{Address, B256};
use anyhow::Result;
use bursar_indexer::{
    Store, StoreError,
    db::DbError,
    ledger::WatchList,
    project::Realm,
    query::{AmountRange, TimeRange, checkpoint::Settled, decisions},
    source::{BlockHeader, Source},
    store::{ApplyError, Batch},
};
use bursar_sdk::{amount::Amount, delivery::SealedRecord};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    ledger::{assert_same, fresh, open, rows},
    record::{record, sealed},
    recorded::recorded,
};

on_both_stores!(
    amounts_sort_as_numbers_and_hashes_as_bytes,
    numbers_beyond_what_a_store_holds,
    of_two_writers_one_is_told_that_the_ledger_moved,
);

#[tokio::test]
async fn what_one_kind_holds_the_other_holds() -> Result<()> {
    let (source, config) = recorded().await?;
    let source: Arc<dyn Source> = source;
    let sqlite = fresh(config.clone(), Arc::clone(&source), &Stores::sqlite()?).await?;
    let postgres = fresh(config, source, &Stores::postgres()?).await?;
    assert!(sqlite.iter().any(|row| row.starts_with("payment")));
    assert_same(&sqlite, &postgres);
    Ok(())
}

#[tokio::test]
async fn both_kinds_have_the_same_tables_with_the_same_columns() -> Result<()> {
    let columns = async |stores: Stores, sql| -> Result<BTreeSet<(String, String)>> {
        let found = rows(&open(&stores, "ledger").await?, sql).await?;
        Ok(found
            .iter()
            .map(|row| Ok((row.text("name")?, row.text("kind")?)))
            .collect::<Result<_, DbError>>()?)
    };
    let sqlite = "SELECT t.name || '.' || c.name AS name, c.type AS kind FROM sqlite_master t, \
                  pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name <> '_sqlx_migrations'";
    // Ranges of a backfill are divided on PostgreSQL alone.
    let postgres = "SELECT table_name || '.' || column_name AS name, CASE data_type WHEN 'bigint' THEN 'INTEGER' \
                    WHEN 'boolean' THEN 'INTEGER' WHEN 'bytea' THEN 'BLOB' ELSE upper(data_type) END AS kind \
                    FROM information_schema.columns \
                    WHERE table_schema = current_schema() AND table_name NOT IN ('_sqlx_migrations', 'backfill_range')";
    let (ours, theirs) =
        (columns(Stores::sqlite()?, sqlite).await?, columns(Stores::postgres()?, postgres).await?);
    assert!(ours.contains(&("payment.amount".into(), "TEXT".into())), "{ours:?}");
    let apart: Vec<_> = ours.symmetric_difference(&theirs).collect();
    assert!(apart.is_empty(), "only one kind has {apart:?}");
    Ok(())
}

#[tokio::test]
async fn several_processes_may_begin_a_postgres_store_at_once() -> Result<()> {
    let stores = Stores::postgres()?;
    let url = stores.url("ledger").await?.parse()?;
    let begun = futures::future::join_all((0..4).map(|_| Store::connect(&url))).await;
    for store in begun {
        store?;
    }
    Ok(())
}

async fn amounts_sort_as_numbers_and_hashes_as_bytes(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let most: Amount = "79228162514264337593543950335".parse()?;
    let amounts = [Amount::new(0), Amount::new(9), Amount::new(10), Amount::new(u64::MAX), most];
    let hashes = [0x00, 0x7f, 0x80, 0xfe, 0xff].map(B256::repeat_byte);
    for (amount, hash) in amounts.into_iter().zip(hashes) {
        let mut decision = record();
        decision.amount = amount;
        store.insert_decision(&decision, &SealedRecord { hash, ..sealed(&decision)? }, 1).await?;
    }
    let list = async |min, max, after: Option<B256>| -> Result<Vec<Amount>> {
        let filter = decisions::Filter { amount: AmountRange { min, max }, ..Default::default() };
        let after = after.map(|hash| decisions::Key { created_at: record().created_at, hash });
        let found = decisions::list(store.db(), &filter, after, 10).await?;
        Ok(found.iter().map(|decision| decision.record.amount).collect())
    };
    let [none, nine, ten, large, most] = amounts;
    assert_eq!(list(None, None, None).await?, [most, large, ten, nine, none]);
    assert_eq!(list(Some(nine), Some(ten), None).await?, [ten, nine]);
    assert_eq!(list(Some(Amount::new(11)), None, None).await?, [most, large]);
    assert_eq!(list(None, Some(Amount::new(8)), None).await?, [none]);
    assert_eq!(list(None, None, Some(hashes[2])).await?, [nine, none]);
    Ok(())
}

async fn numbers_beyond_what_a_store_holds(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let (decision, most) = (record(), i64::MAX.unsigned_abs());
    let sealed = sealed(&decision)?;
    let refused = store.insert_decision(&decision, &sealed, most + 1).await;
    assert!(matches!(refused, Err(StoreError::Db(DbError::TooLarge { got })) if got == most + 1));
    store.insert_decision(&decision, &sealed, most).await?;
    for (time, count) in [
        (TimeRange { from: None, until: Some(u64::MAX) }, 1),
        (TimeRange { from: Some(u64::MAX), until: None }, 0),
    ] {
        let filter = decisions::Filter { time, ..Default::default() };
        let found = decisions::list(store.db(), &filter, None, 10).await?;
        assert_eq!(found.len(), count, "{time:?}");
    }
    Ok(())
}

async fn of_two_writers_one_is_told_that_the_ledger_moved(stores: Stores) -> Result<()> {
    let (one, other) = (open(&stores, "ledger").await?, open(&stores, "ledger").await?);
    let realm = Realm { chain_id: 1, factory: Address::ZERO };
    let list = WatchList::default();
    let mut after = None;
    for number in 0..8 {
        let tip = |hash| BlockHeader {
            number,
            hash: B256::repeat_byte(hash),
            parent_hash: None,
            timestamp: number,
        };
        let batch = |tip| Batch {
            after,
            list: &list,
            blocks: &[],
            tip,
            head: number,
            settled: Settled::default(),
            write_from: 1,
            partition_blocks: 3,
            seen: None,
        };
        let here = u8::try_from(number)?;
        let (ours, theirs) = (tip(here), tip(here + 0x80));
        let (first, second) = tokio::join!(one.apply(realm, batch(ours)), other.apply(realm, batch(theirs)));
        let stands = if first.is_ok() { ours } else { theirs };
        let (Ok(_), Err(error)) = (if first.is_ok() { (first, second) } else { (second, first) }) else {
            anyhow::bail!("both writers moved the ledger to block {number}");
        };
        let told = matches!(error, ApplyError::Moved { got: Some(got), .. } if got == stands.hash);
        assert!(told, "at block {number}: {error:?}");
        after = Some(stands.hash);
        assert_eq!(one.checkpoint().await?.map(|at| at.hash), after);
    }
    Ok(())
}
