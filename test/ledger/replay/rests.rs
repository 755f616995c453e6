//! Who gave an answer that others show to be wrong rests, and another one is asked.

use anyhow::Result;
use bursar_replay::{Fault, Params, Provider};
use bursar_test_stores::{Stores, on_both_stores};

use crate::node::{Node, chain, config, index};

on_both_stores!(who_is_shown_to_be_wrong_is_not_asked_first, who_makes_up_a_reorg_is_not_asked_first);

/// It is always wrong, of some questions alone: without another one there would be no way on.
async fn who_is_shown_to_be_wrong_is_not_asked_first(stores: Stores) -> Result<()> {
    let params = Params { governed_pct: 90, ..Params::small() };
    let chain = chain(params.clone());
    for (fault, by_hash, code) in [
        (Fault::FalseLogTime, true, "other_time"),
        (Fault::LeavesOutTransfers, false, "leaves_out"),
        (Fault::OtherChain, false, "other_chains_logs"),
    ] {
        let liar = Node::on(&chain, Provider { max_range: 20, ..Provider::default() }).await?;
        liar.replay.misbehave(move |request| {
            (request.method == "eth_getLogs" && request.by_hash == by_hash).then_some(fault)
        });
        let honest = Node::on(&chain, Provider { max_range: 20, ..Provider::default() }).await?;
        let came = index(config(&params), &[&liar, &honest], 1, &stores).await?;
        let counted = came.calls.failed.get(code).copied().unwrap_or_default();
        assert!(counted > 0, "{fault:?}: {:?}", came.calls.failed);
        assert!(came.status.waits <= counted, "{fault:?}: nothing else is wrong");
    }
    Ok(())
}

async fn who_makes_up_a_reorg_is_not_asked_first(stores: Stores) -> Result<()> {
    let params = Params::small();
    let chain = chain(params.clone());
    let (liar, honest) =
        (Node::on(&chain, Provider::default()).await?, Node::on(&chain, Provider::default()).await?);
    liar.replay.misbehave(|_| Some(Fault::FalseParent));
    let came = index(config(&params), &[&liar, &honest], 1, &stores).await?;
    let counted = came.calls.failed.get("false_parent").copied().unwrap_or_default();
    assert!(counted > 0, "{:?}", came.calls.failed);
    Ok(())
}
