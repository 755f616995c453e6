//! What watched accounts pay outside any envelope is in the ledger from the block on where they were listed, through
//! whatever limits and turns, and what others pay is not.

use alloy::primitives::Address;
use anyhow::{Context, Result, ensure};
use bursar_indexer::{
    Config, Store,
    ledger::WatchKind::{Facilitator, Payer, Token},
};
use bursar_replay::{Fault, Params, Provider, Settlement, TOKEN, mix};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    node::{Running, assert_right, config, node, sources},
    outside::{assert_watched, some_payers},
};

on_both_stores!(
    listed_payers_and_nobody_else,
    a_facilitator_on_the_list_makes_settlements_tell_who_sent_them,
    a_list_that_changes_under_the_indexer_counts_from_the_next_block_on,
    a_provider_that_leaves_a_transfer_out_is_not_believed,
);

async fn listed(stores: &Stores, payers: &[Address]) -> Result<Store> {
    let store = Store::connect(&stores.another().await?.parse()?).await?;
    ensure!(store.put_watched(Token, &[TOKEN], None).await? == 1, "the token is new");
    ensure!(store.put_watched(Payer, payers, None).await? == payers.len() as u64, "the payers are new");
    ensure!(store.put_watched(Payer, payers, None).await? == 0, "they are listed already");
    Ok(store)
}

async fn listed_payers_and_nobody_else(stores: Stores) -> Result<()> {
    let params = Params { permit2_pct: 30, ..Params::small() };
    // In one question; in as many as there are payers; by asking for all that the token did; and with a node that
    // gives little at a time.
    let wide = Provider::default();
    let narrow = Provider { max_results: 30, max_range: 60, ..Provider::default() };
    for (max_filter, max_questions, provider) in
        [(500, 8, &wide), (1, 1_000, &wide), (500, 0, &wide), (500, 0, &narrow), (7, 8, &narrow)]
    {
        let node = node(params.clone(), provider.clone()).await?;
        let payers = some_payers(&node.replay);
        let store = listed(&stores, &payers).await?;
        let sources = sources(&[&node], 1)?;
        let config = Config { max_filter, max_questions, ..config(&params) };
        let mut running = Running::start(config, &sources, &store);
        running.at_head(&node.replay).await?;
        running.stop().await?;
        let count = assert_watched(&store, &node.replay, false, |one| payers.contains(&one.payer)).await?;
        ensure!(count > 100, "{count} settlements are too few to tell");
        assert_right(&store, &node.replay).await?;
        store.close().await;
    }
    Ok(())
}

async fn a_facilitator_on_the_list_makes_settlements_tell_who_sent_them(stores: Stores) -> Result<()> {
    let params = Params::small();
    let node = node(params.clone(), Provider::default()).await?;
    let payers = some_payers(&node.replay);
    let store = listed(&stores, &payers).await?;
    let label = "the usual one".parse()?;
    store.put_watched(Facilitator, &[Address::repeat_byte(9)], Some(&label)).await?;
    let mut running = Running::start(config(&params), &sources(&[&node], 1)?, &store);
    running.at_head(&node.replay).await?;
    running.stop().await?;
    // A label, never a filter: nobody on this chain is that facilitator.
    assert_watched(&store, &node.replay, true, |one| payers.contains(&one.payer)).await?;
    assert_right(&store, &node.replay).await
}

async fn a_list_that_changes_under_the_indexer_counts_from_the_next_block_on(stores: Stores) -> Result<()> {
    let params = Params::small();
    let node = node(params.clone(), Provider::default()).await?;
    let payers = some_payers(&node.replay);
    let (early, late) = payers.split_at(payers.len() / 2);
    let store = listed(&stores, early).await?;
    let sources = sources(&[&node], 1)?;
    let mut running = Running::start(config(&params), &sources, &store);
    running.at_head(&node.replay).await?;
    let from = store.checkpoint().await?.context("a checkpoint")?.number + 1;
    store.put_watched(Payer, late, None).await?;
    let is_watched =
        |one: &Settlement| early.contains(&one.payer) || (late.contains(&one.payer) && one.block >= from);
    for depth in [0, 3, 9, 0] {
        // The deepest goes back to before they were listed.
        node.replay.change(|chain| if depth == 0 { chain.mine(8) } else { chain.turn(depth) });
        running.at_head(&node.replay).await?;
        assert_watched(&store, &node.replay, false, is_watched).await?;
        assert_right(&store, &node.replay).await?;
    }
    running.stop().await?;

    // Read again from its start, the ledger holds what they paid before, too; and nothing of who is gone.
    store.remove_watched(Payer, early).await?;
    store.forget_chain().await?;
    let mut running = Running::start(config(&params), &sources, &store);
    running.at_head(&node.replay).await?;
    running.stop().await?;
    assert_watched(&store, &node.replay, false, |one| late.contains(&one.payer)).await?;
    assert_right(&store, &node.replay).await
}

async fn a_provider_that_leaves_a_transfer_out_is_not_believed(stores: Stores) -> Result<()> {
    let params = Params { governed_pct: 0, noise_pct: 0, ..Params::small() };
    let node = node(params.clone(), Provider { max_range: 20, ..Provider::default() }).await?;
    let payers = some_payers(&node.replay);
    let store = listed(&stores, &payers).await?;
    let sources = sources(&[&node], 1)?;
    node.replay.misbehave(|request| {
        let struck =
            request.method == "eth_getLogs" && !request.by_hash && mix(request.number).is_multiple_of(5);
        struck.then_some(Fault::LeavesOutTransfers)
    });
    let mut running = Running::start(config(&params), &sources, &store);
    running.at_head(&node.replay).await?;
    running.stop().await?;
    let counted = sources.calls().failed.get("leaves_out").copied().unwrap_or_default();
    ensure!(counted > 0, "{:?}", sources.calls().failed);
    assert_watched(&store, &node.replay, false, |one| payers.contains(&one.payer)).await?;
    Ok(())
}
