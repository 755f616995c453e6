//! Anybody may create a treasury and name a token of their own, which then says what it likes. It can make its
//! own envelopes look odd; it cannot stop the indexer or touch anybody else's.

use std::{collections::HashMap, sync::Arc};

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol,
    sol_types::SolEvent,
};
use anyhow::{Context, Result};
use bursar_indexer::{
    Store,
    ledger::WatchKind,
    query::set_aside,
    source::{BlockHeader, RawLog, Source, TransactionInput},
};
use bursar_sdk::{
    abi::{
        Eip3009::{AuthorizationUsed, Transfer},
        Treasury::SessionOpened,
    },
    payment::permit2,
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    agrees::{assert_agrees, live},
    ledger::{config, count, index, open, rows},
    recorded::Recorded,
    world::World,
};

on_both_stores!(
    what_makes_no_sense_is_kept_aside_and_stops_nothing,
    more_than_can_be_held_is_kept_with_who_got_it_and_how_much,
);

sol! {
    event Settled();
}

fn log(token: Address, block: &BlockHeader, index: u64, event: &impl SolEvent) -> RawLog {
    let data = event.encode_log_data();
    RawLog {
        address: token,
        topics: data.topics().to_vec(),
        data: data.data.clone(),
        block_number: block.number,
        block_hash: block.hash,
        block_timestamp: None,
        tx_hash: B256::repeat_byte(0xf0),
        log_index: index,
    }
}

async fn what_makes_no_sense_is_kept_aside_and_stops_nothing(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let agents = live(&mut world).await?;
    let mut source = Recorded::of(&world.source()).await?;
    let (token, purse) = (*world.usdc.address(), agents[0].purse);
    let known = source.logs.iter().find(|log| log.topics.first() == Some(&AuthorizationUsed::SIGNATURE_HASH));
    let known = known.and_then(|log| log.topics.get(2)).copied().context("a payment")?;
    let opened = source.logs.iter().find(|log| log.topics.first() == Some(&SessionOpened::SIGNATURE_HASH));
    let before = opened.map(|log| log.block_number).context("a session")? - 1;

    let last = *source.headers.last().context("a block")?;
    let early = *source.headers.get(usize::try_from(before)?).context("a block")?;
    let used = |nonce| AuthorizationUsed { authorizer: purse, nonce };
    let moved = |value| Transfer { from: purse, to: Address::repeat_byte(1), value };
    let huge = Transfer { from: Address::ZERO, to: purse, value: U256::MAX };
    let fresh = B256::repeat_byte(0xee);
    let mut truncated = log(token, &last, 1_006, &moved(U256::ZERO));
    truncated.data = Bytes::from_static(&[1, 2, 3]);
    source.logs.extend([
        // A payment before any session.
        log(token, &early, 1_000, &used(fresh)),
        log(token, &early, 1_001, &moved(U256::ZERO)),
        // A nonce again, an authorization without a transfer, more money than there is, and half a log.
        log(token, &last, 1_000, &used(known)),
        log(token, &last, 1_001, &moved(U256::ZERO)),
        log(token, &last, 1_005, &huge),
        truncated,
        log(token, &last, 1_007, &used(fresh)),
    ]);
    let input = TransactionInput { from: world.stranger, input: Bytes::from_static(&[0xcf, 0x09, 0x29]) };
    source.transactions.extend(HashMap::from([(B256::repeat_byte(0xf0), input)]));

    let store = open(&stores, "ledger").await?;
    let config = config(world.anvil.chain_id(), world.factory);
    index(config, Arc::new(source) as Arc<dyn Source>, &store).await?;
    let aside = rows(&store, "SELECT error FROM undecoded ORDER BY block_number, log_index").await?;
    let errors = aside.iter().map(|row| row.text("error")).collect::<Result<Vec<_>, _>>()?;
    let expected = [
        "without an open session",
        "was used before",
        "whole number from 0",
        "does not decode",
        "no transfer goes",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.contains(expected), "expected {expected:?}, got {error:?}");
    }
    assert_eq!(count(&store, "SELECT COUNT(*) FROM payment").await?, 7);
    assert_eq!(store.logs_set_aside(), 5);
    // A purse is named in each, even where the rest does not read: all of them are its treasury's, and nobody else's.
    let kept = set_aside::list(store.db(), Some(*world.treasury.address()), None, 10).await?;
    assert_eq!(kept, set_aside::list(store.db(), None, None, 10).await?);
    let mut newest_first = errors;
    newest_first.reverse();
    assert_eq!(kept.iter().map(|row| row.error.clone()).collect::<Vec<_>>(), newest_first);
    assert_eq!(set_aside::list(store.db(), Some(world.stranger), None, 10).await?, []);
    let beside = |row: &set_aside::SetAside| Some(row.log.as_ref()?.transfer.as_ref()?.log_index);
    assert_eq!(kept.iter().map(beside).collect::<Vec<_>>(), [None, None, None, Some(1_001), Some(1_001)]);
    assert_agrees(&world, &store).await
}

/// What is kept of an authorization's transfer.
async fn kept(store: &Store) -> Result<Vec<(set_aside::SetAside, Option<Transfer>)>> {
    let rows = set_aside::list(store.db(), None, None, 10).await?;
    let read = |row: set_aside::SetAside| {
        let transfer = row.log.as_ref().and_then(|log| log.transfer.as_ref());
        let read = transfer.map(|log| Transfer::decode_raw_log(log.topics.iter().copied(), &log.data));
        Ok((row, read.transpose()?))
    };
    rows.into_iter().map(read).collect()
}

async fn more_than_can_be_held_is_kept_with_who_got_it_and_how_much(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    live(&mut world).await?;
    let mut source = Recorded::of(&world.source()).await?;
    let (token, payer) = (*world.usdc.address(), Address::repeat_byte(0xd0));
    let last = *source.headers.last().context("a block")?;
    let moved = |value| Transfer { from: payer, to: Address::repeat_byte(0x77), value };
    let (most, held) = (U256::from(1) << 130, (U256::from(1) << 96) - U256::from(1));
    source.logs.extend([
        log(token, &last, 2_000, &AuthorizationUsed { authorizer: payer, nonce: B256::repeat_byte(1) }),
        log(token, &last, 2_001, &moved(most)),
        log(token, &last, 2_002, &AuthorizationUsed { authorizer: payer, nonce: B256::repeat_byte(2) }),
        log(token, &last, 2_003, &moved(held)),
        // Through Permit2 there is the transfer alone.
        log(token, &last, 2_004, &moved(held + U256::from(1))),
        log(permit2::EXACT_PROXY, &last, 2_005, &Settled {}),
    ]);
    let store = open(&stores, "ledger").await?;
    store.put_watched(WatchKind::Token, &[token], None).await?;
    store.put_watched(WatchKind::Payer, &[payer], None).await?;
    let config = config(world.anvil.chain_id(), world.factory);
    index(config, Arc::new(source) as Arc<dyn Source>, &store).await?;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM settlement").await?, 1, "what can be held");
    let kept = kept(&store).await?;
    let [(through_permit2, None), (authorized, Some(transfer))] = kept.as_slice() else {
        anyhow::bail!("expected two logs, one with its transfer, got {kept:#?}");
    };
    assert_eq!(*transfer, moved(most));
    for (row, index) in [(authorized, 2_000), (through_permit2, 2_004)] {
        assert_eq!((row.position.block, row.position.log), (last.number, index));
        assert_eq!((row.block_hash, row.timestamp), (Some(last.hash), Some(last.timestamp)));
        assert_eq!((row.tx_hash, row.address, row.treasury), (B256::repeat_byte(0xf0), token, None));
        assert!(row.error.contains("whole number from 0"), "{}", row.error);
    }
    let log = through_permit2.log.as_ref().context("a log")?;
    let read = Transfer::decode_raw_log(log.topics.iter().copied(), &log.data)?;
    assert_eq!(read, moved(held + U256::from(1)));
    assert_agrees(&world, &store).await
}
