//! What has no parts, and batches: a node that finds one block too much has failed, and one that takes no batches is found out.

use anyhow::Result;
use bursar_replay::{Fault, Params, Provider};
use bursar_test_stores::{Stores, on_both_stores};

use crate::node::{Node, chain, config, index, node};

on_both_stores!(
    the_next_node_is_asked_for_what_is_too_much_for_one,
    a_full_block_that_is_refused_is_asked_for_by_its_transactions,
    a_block_that_is_not_to_be_had_by_height_is_asked_for_by_its_hash,
    batches_that_fail_without_a_word,
);

async fn the_next_node_is_asked_for_what_is_too_much_for_one(stores: Stores) -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    for quorum in [1, 2] {
        // A block, the logs of one, all transactions of one and each of them.
        for methods in [
            &["eth_getBlockByNumber"][..],
            &["eth_getLogs"],
            &["eth_getBlockByHash", "eth_getTransactionByHash"],
        ] {
            let strict = Node::on(&chain, Provider::default()).await?;
            strict.replay.misbehave(move |request| {
                let is_whole = request.method != "eth_getLogs" || request.by_hash;
                (is_whole && methods.contains(&request.method)).then_some(Fault::TooMuch)
            });
            let (one, other) =
                (Node::on(&chain, Provider::default()).await?, Node::on(&chain, Provider::default()).await?);
            let came = index(config(&params), &[&strict, &one, &other], quorum, &stores).await?;
            let case = format!("{methods:?}, quorum {quorum}: {:?}", came.calls.failed);
            assert_eq!(came.status.waits, 0, "{case}");
            assert!(came.calls.failed.contains_key("too_much"), "{case}");
            assert_eq!(came.calls.failed.get("too_many_results"), None, "{case}");
        }
    }
    Ok(())
}

async fn a_full_block_that_is_refused_is_asked_for_by_its_transactions(stores: Stores) -> Result<()> {
    let params = Params { governed_pct: 90, ..Params::small() };
    for fault in [Fault::TooMuch, Fault::Unavailable, Fault::CutShort] {
        let node = node(params.clone(), Provider::default()).await?;
        node.replay.misbehave(move |request| (request.method == "eth_getBlockByHash").then_some(fault));
        let came = index(config(&params), &[&node], 1, &stores).await?;
        let asked = |method: &str| came.calls.asked.get(method).copied().unwrap_or_default();
        let (full, single) = (asked("eth_getBlockByHash"), asked("eth_getTransactionByHash"));
        assert_eq!(came.status.waits, 0, "{fault:?}: {:?}", came.calls.failed);
        assert!(full > 0 && single >= 2 * full, "{fault:?}: {full} blocks, {single} transactions");
    }
    Ok(())
}

async fn a_block_that_is_not_to_be_had_by_height_is_asked_for_by_its_hash(stores: Stores) -> Result<()> {
    let params = Params { blocks: 48, ..Params::small() };
    for fault in [Fault::TooMuch, Fault::Unavailable] {
        let node = node(params.clone(), Provider::default()).await?;
        // It gives no range at all, be it of one block, and does not say why.
        node.replay
            .misbehave(move |request| (request.method == "eth_getLogs" && !request.by_hash).then_some(fault));
        let came = index(config(&params), &[&node], 1, &stores).await?;
        assert!(came.status.final_number > 0, "{fault:?}: {:?}", came.calls.failed);
    }
    Ok(())
}

async fn batches_that_fail_without_a_word(stores: Stores) -> Result<()> {
    let params = Params::small();
    for batch_status in [400, 501, 503] {
        let provider = Provider { max_batch: 1, batch_status, ..Provider::default() };
        let node = node(params.clone(), provider).await?;
        let mut config = config(&params);
        config.max_range = 3;
        let came = index(config, &[&node], 1, &stores).await?;
        assert_eq!(came.status.waits, 0, "status {batch_status}: {:?}", came.calls.failed);
        // Of hundreds, as many as were under way before it was known, and one after a while that shows it again.
        let refused = node.replay.calls().get("batches refused").copied().unwrap_or_default();
        assert!((2..=60).contains(&refused), "status {batch_status}: {refused} batches were refused");
    }
    Ok(())
}
