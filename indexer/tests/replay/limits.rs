//! What a provider does not admit at once is asked for in parts, without a pause and without end.

use anyhow::Result;
use bursar_replay::{Params, Provider};
use bursar_test_stores::{Stores, on_both_stores};

use crate::node::{config, index, node};

on_both_stores!(
    whatever_range_a_provider_admits,
    however_many_logs_a_provider_gives,
    a_chain_whose_logs_tell_no_time,
    several_ranges_wait_for_their_answers_at_the_same_time,
);

async fn whatever_range_a_provider_admits(stores: Stores) -> Result<()> {
    let params = Params::small();
    for (max_range, hints) in [(1, true), (7, true), (7, false), (100, false), (184, false), (185, true)] {
        let provider = Provider { max_range, hints, ..Provider::default() };
        let node = node(params.clone(), provider).await?;
        let came = index(config(&params), &[&node], 1, &stores).await?;
        let refused = came.calls.failed.get("range_too_wide").copied().unwrap_or_default();
        assert_eq!(came.status.waits, 0, "{max_range}: a range that is too wide is no reason to wait");
        // Ranges that were asked for ahead are refused as well; none is asked for twice.
        assert!(refused <= 40, "{max_range}: {refused} questions were refused");
    }
    Ok(())
}

async fn however_many_logs_a_provider_gives(stores: Stores) -> Result<()> {
    let params = Params { governed_pct: 90, ..Params::small() };
    for (max_results, hints, results_code) in [(5, true, -32005), (40, false, -32005), (200, false, -32602)] {
        let provider = Provider { max_results, hints, results_code, ..Provider::default() };
        let node = node(params.clone(), provider).await?;
        let came = index(config(&params), &[&node], 1, &stores).await?;
        let refused = came.calls.failed.get("too_many_results").copied().unwrap_or_default();
        assert_eq!(came.status.waits, 0, "{max_results}");
        assert!((1..200).contains(&refused), "{max_results}: {refused} questions were refused");
        assert_eq!(came.calls.failed.get("rate_limited"), None, "-32005 says both");
    }
    Ok(())
}

async fn a_chain_whose_logs_tell_no_time(stores: Stores) -> Result<()> {
    let params = Params::small();
    let asked = async |timestamps| -> Result<u64> {
        let node = node(params.clone(), Provider { timestamps, ..Provider::default() }).await?;
        let came = index(config(&params), &[&node], 1, &stores).await?;
        assert_eq!(
            came.calls.total(),
            node.replay
                .calls()
                .iter()
                .filter(|(method, _)| method.starts_with("eth_"))
                .map(|(_, count)| count)
                .sum::<u64>()
        );
        Ok(came.calls.asked.get("eth_getBlockByNumber").copied().unwrap_or_default())
    };
    let (told, untold) = (asked(true).await?, asked(false).await?);
    assert!(
        told + 50 < untold,
        "{told} blocks were asked for where logs tell the time, {untold} where they do not"
    );
    Ok(())
}

async fn several_ranges_wait_for_their_answers_at_the_same_time(stores: Stores) -> Result<()> {
    let params = Params::small();
    let node = node(params.clone(), Provider { max_range: 10, ..Provider::default() }).await?;
    // Answers come in no order: each waits for as long as its number says.
    node.replay.misbehave(|request| Some(bursar_replay::Fault::Slow(bursar_replay::mix(request.number) % 7)));
    let mut config = config(&params);
    (config.max_range, config.ahead) = (10, 6);
    index(config, &[&node], 1, &stores).await?;
    let most = node.replay.most_at_once();
    assert!((4..=6 * 8).contains(&most), "{most} questions waited at the same time");
    Ok(())
}
