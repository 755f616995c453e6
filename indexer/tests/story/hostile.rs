//! Anybody may create a treasury and name a token of their own, which then says what it likes. It can make its
//! own envelopes look odd; it cannot stop the indexer or touch anybody else's.

use std::{collections::HashMap, sync::Arc};

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolEvent,
};
use anyhow::{Context, Result};
use bursar_indexer::source::{BlockHeader, RawLog, Source, TransactionInput};
use bursar_sdk::abi::{
    Eip3009::{AuthorizationUsed, Transfer},
    Treasury::SessionOpened,
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    agrees::{assert_agrees, live},
    ledger::{config, count, index, open, rows},
    recorded::Recorded,
    world::World,
};

on_both_stores!(what_makes_no_sense_is_kept_aside_and_stops_nothing,);

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
    assert_agrees(&world, &store).await
}
