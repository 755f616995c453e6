//! Everything that a provider gets wrong by itself shows, has a name, and does no harm.

use anyhow::Result;
use bursar_replay::{Fault, Params, Provider, mix};
use bursar_test_stores::{Stores, on_both_stores};

use crate::node::{config, index, node};

on_both_stores!(
    every_fault_that_one_answer_shows,
    an_answer_with_a_hole_is_asked_for_again,
    logs_are_of_their_blocks_time
);

async fn every_fault_that_one_answer_shows(stores: Stores) -> Result<()> {
    let params = Params::small();
    for (fault, code) in [
        (Fault::Unavailable, "unavailable"),
        (Fault::RateLimited, "rate_limited"),
        (Fault::CutShort, "unreadable"),
        (Fault::OtherChain, "other_chains_logs"),
        (Fault::Strays, "unasked"),
        (Fault::Lags(30), "not_found"),
    ] {
        let node = node(params.clone(), Provider { max_range: 40, ..Provider::default() }).await?;
        node.replay.misbehave(move |request| (mix(request.number).is_multiple_of(8)).then_some(fault));
        let came = index(config(&params), &[&node], 1, &stores).await?;
        let counted = came.calls.failed.get(code).copied().unwrap_or_default();
        assert!(counted > 0, "{fault:?} is not counted as {code}: {:?}", came.calls.failed);
    }
    Ok(())
}

/// Transfers are missing, and no error says so: their authorizations give it away.
async fn an_answer_with_a_hole_is_asked_for_again(stores: Stores) -> Result<()> {
    let params = Params { governed_pct: 90, ..Params::small() };
    let node = node(params.clone(), Provider { max_range: 20, ..Provider::default() }).await?;
    // What is asked for by hash is asked for again: there it is whole.
    node.replay.misbehave(|request| {
        let struck =
            request.method == "eth_getLogs" && !request.by_hash && mix(request.number).is_multiple_of(5);
        struck.then_some(Fault::LeavesOutTransfers)
    });
    let came = index(config(&params), &[&node], 1, &stores).await?;
    let counted = came.calls.failed.get("leaves_out").copied().unwrap_or_default();
    assert!(counted > 0, "{:?}", came.calls.failed);
    Ok(())
}

/// Near the head the block is known before its logs are, and what they tell of it is held against it.
async fn logs_are_of_their_blocks_time(stores: Stores) -> Result<()> {
    let params = Params::small();
    let node = node(params.clone(), Provider::default()).await?;
    node.replay.misbehave(|request| {
        (request.by_hash && mix(request.number).is_multiple_of(3)).then_some(Fault::FalseLogTime)
    });
    let came = index(config(&params), &[&node], 1, &stores).await?;
    let counted = came.calls.failed.get("other_time").copied().unwrap_or_default();
    assert!(counted > 0, "{:?}", came.calls.failed);
    Ok(())
}
