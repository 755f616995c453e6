//! What a provider does not admit at once is asked for in parts, without a pause and without end.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use bursar_indexer::source::{Patience, RpcConfig, RpcSource, Sources};
use bursar_replay::{Params, Provider};
use bursar_test_stores::{Stores, on_both_stores};

use crate::node::{Node, config, index, index_by, node};

on_both_stores!(
    whatever_range_a_provider_admits,
    however_many_logs_a_provider_gives,
    whatever_the_status_of_a_limit,
    a_range_that_gets_neither_an_answer_nor_a_word,
    one_question_at_a_time,
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

/// As Base's public node says it, and as others do: the words count, and one error may stand for all that was asked.
async fn whatever_the_status_of_a_limit(stores: Stores) -> Result<()> {
    let params = Params { governed_pct: 90, ..Params::small() };
    let said = || Some("backend response too large".to_owned());
    let results =
        Provider { max_results: 40, results_code: -32020, results_said: said(), ..Provider::default() };
    let range = Provider { max_range: 20, ..Provider::default() };
    for (limited, code) in [(results, "too_many_results"), (range, "range_too_wide")] {
        for (limits_status, limits_whole) in
            [(500, false), (500, true), (413, true), (429, true), (200, true)]
        {
            let case = format!("{code}, status {limits_status}, one error for all: {limits_whole}");
            let provider = Provider { limits_status, limits_whole, ..limited.clone() };
            let node = node(params.clone(), provider).await?;
            let came = index(config(&params), &[&node], 1, &stores).await?;
            assert_eq!(came.status.waits, 0, "{case}");
            let failed = came.calls.failed.values().sum::<u64>();
            let refused = came.calls.failed.get(code).copied().unwrap_or_default();
            assert!((1..100).contains(&refused), "{case}: {refused} questions were refused");
            assert_eq!(failed, refused, "{case}: {:?}", came.calls.failed);
        }
    }
    Ok(())
}

async fn a_range_that_gets_neither_an_answer_nor_a_word(stores: Stores) -> Result<()> {
    let params = Params::small();
    for chokes_status in [504, 400, 0] {
        let provider = Provider { chokes_over: 20, chokes_status, ..Provider::default() };
        let node = node(params.clone(), provider).await?;
        let came = index_by(config(&params), &hasty(&node)?, &node.replay, &stores).await?;
        // Each width that is too much is asked for twice at most, and what was found is kept to: 184 blocks, 11 at a time.
        let choked = node.replay.calls().get("choked").copied().unwrap_or_default();
        assert!((2..=60).contains(&choked), "status {chokes_status}: {choked} questions were in vain");
        assert!((2..=10).contains(&came.status.waits), "status {chokes_status}: {} waits", came.status.waits);
    }
    Ok(())
}

/// A client that does not wait for long, and leaves asking again to the indexer.
fn hasty(node: &Node) -> Result<Sources> {
    let source = RpcSource::new(node.served.url().parse()?, RpcConfig { timeout: Duration::from_secs(1) });
    let patience = Patience { retries: 0, ..Patience::default() };
    Ok(Sources::new(vec![vec![Arc::new(source)]], patience, 1)?)
}

async fn one_question_at_a_time(stores: Stores) -> Result<()> {
    let params = Params::small();
    for max_range in [0, 20] {
        let provider = Provider { max_batch: 1, max_range, limits_status: 413, ..Provider::default() };
        let node = node(params.clone(), provider).await?;
        let came = index(config(&params), &[&node], 1, &stores).await?;
        assert_eq!(came.status.waits, 0, "{:?}", came.calls.failed);
        // As many as were under way before the first one was answered.
        let refused = node.replay.calls().get("batches refused").copied().unwrap_or_default();
        assert!((1..=24).contains(&refused), "{refused} batches were refused");
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
