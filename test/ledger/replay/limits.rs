//! What a provider does not admit at once is asked for in parts, without a pause and without end.

use std::{collections::HashMap, sync::Arc, time::Duration};

use alloy::primitives::{Address, B256};
use anyhow::Result;
use async_trait::async_trait;
use bursar_indexer::source::{
    Answer, BlockHeader, Blocks, Landmark, LogQuery, Patience, RpcConfig, RpcSource, Source, SourceError,
    Sources, TransactionInput,
};
use bursar_replay::{Fault, Params, Provider, Replay};
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
        // Where a page comes in place of the answer, that is waited for.
        let gives_up_over = if chokes_status == 0 { 20 } else { u64::MAX };
        let came = index_by(config(&params), &hasty(&node, gives_up_over)?, &node.replay, &stores).await?;
        // Each width that is too much is asked for twice at most, and what was found is kept to: 184 blocks, 11 at a time.
        let choked = node.replay.calls().get("choked").copied().unwrap_or_default();
        assert!((2..=60).contains(&choked), "status {chokes_status}: {choked} questions were in vain");
        assert!((2..=10).contains(&came.status.waits), "status {chokes_status}: {} waits", came.status.waits);
    }
    Ok(())
}

/// A client that waits for as long as an answer takes, however slow the machine is, and gives up where a node chokes on more than so
/// many blocks. Asking again it leaves to the indexer.
struct Hasty {
    client: RpcSource,
    replay: Arc<Replay>,
    gives_up_over: u64,
}

fn hasty(node: &Node, gives_up_over: u64) -> Result<Sources> {
    let client = RpcSource::new(node.served.url().parse()?, RpcConfig { timeout: Duration::from_secs(60) });
    let source = Hasty { client, replay: Arc::clone(&node.replay), gives_up_over };
    let patience = Patience { retries: 0, ..Patience::default() };
    Ok(Sources::new(vec![vec![Arc::new(source)]], patience, 1)?)
}

impl Hasty {
    /// Until the node chokes, where it will.
    async fn chokes(&self, query: &LogQuery) {
        match query.blocks {
            Blocks::Range(from, to) if to - from >= self.gives_up_over => {}
            _ => std::future::pending().await,
        }
        let choked = || self.replay.calls().get("choked").copied();
        let before = choked();
        while choked() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[async_trait]
impl Source for Hasty {
    async fn chain_id(&self) -> Result<u64, SourceError> {
        self.client.chain_id().await
    }

    async fn has_code(&self, address: Address) -> Result<bool, SourceError> {
        self.client.has_code(address).await
    }

    async fn head(&self) -> Result<BlockHeader, SourceError> {
        self.client.head().await
    }

    async fn landmark(&self, which: Landmark) -> Result<Option<BlockHeader>, SourceError> {
        self.client.landmark(which).await
    }

    async fn header(&self, number: u64) -> Result<Option<BlockHeader>, SourceError> {
        self.client.header(number).await
    }

    async fn logs(&self, query: &LogQuery) -> Result<Answer, SourceError> {
        tokio::select! {
            biased;
            () = self.chokes(query) => Err(SourceError::Timeout("it chokes".into())),
            answer = self.client.logs(query) => answer,
        }
    }

    async fn transactions(
        &self,
        block: B256,
        wanted: &[B256],
    ) -> Result<HashMap<B256, TransactionInput>, SourceError> {
        self.client.transactions(block, wanted).await
    }
}

/// However slow the machine is, this answer is slower.
#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_none() -> Result<()> {
    let node = node(Params::small(), Provider::default()).await?;
    node.replay.misbehave(|_| Some(Fault::Slow(3_600_000)));
    let client = RpcSource::new(node.served.url().parse()?, RpcConfig { timeout: Duration::from_millis(50) });
    let error = client.head().await.err();
    assert_eq!(error.map(|error| error.code()), Some("timeout"));
    Ok(())
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
    node.replay.misbehave(|request| Some(Fault::Slow(bursar_replay::mix(request.number) % 7)));
    let mut config = config(&params);
    (config.max_range, config.ahead) = (10, 6);
    index(config, &[&node], 1, &stores).await?;
    let most = node.replay.most_at_once();
    assert!((4..=6 * 8).contains(&most), "{most} questions waited at the same time");
    Ok(())
}
