//! Lists as of a block, or of a time.

use alloy::primitives::{B256, keccak256};
use anyhow::Context;
use bursar_indexer::db::Query;
use bursar_sdk::{decision::DecisionRecord, payment::session_id};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::json;

use crate::{
    client::api,
    seed::{FINAL, FIRST, HEAD, NOW, agent, purse, time, treasury},
};

on_both_stores!(
    a_list_tells_what_the_ledger_had_at_a_block,
    a_time_is_a_block_and_what_had_come_by_then,
    what_the_ledger_knows_nothing_of_is_refused,
    a_page_says_that_it_is_not_todays,
);

pub(crate) fn hash(block: u64) -> B256 {
    keccak256(block.to_be_bytes())
}

pub(crate) fn nonce(decision: &DecisionRecord) -> anyhow::Result<B256> {
    decision.nonce()?.context("a decision with a session")
}

async fn a_list_tells_what_the_ledger_had_at_a_block(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (height, block, count) in
        [(930, 930, 0), (939, 930, 0), (940, 940, 1), (959, 950, 2), (960, 960, 3), (999, 990, 6)]
    {
        let page = api.json(&format!("/v1/payments?as_of={height}")).await?;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(count), "{height}");
        let told = json!({
            "height": height,
            "blockNumber": block,
            "blockHash": hash(block),
            "timestamp": time(block),
            "recordsUntil": time(block),
        });
        assert_eq!(page["asOf"], told);
    }
    // The last block there is; it has its time, later than that of the payment in it.
    let page = api.json(&format!("/v1/payments?as_of={HEAD}")).await?;
    assert_eq!(page["asOf"]["blockHash"], json!(B256::repeat_byte(0xee)));
    assert_eq!(page["items"], api.json("/v1/payments").await?["items"]);
    assert_eq!(api.json("/v1/payments").await?.get("asOf"), None);
    // Beside other filters, and over pages.
    let settled = api.items("/v1/payments?as_of=990&state=final").await?;
    assert!(settled.iter().all(|item| item["blockNumber"].as_u64().is_some_and(|block| block <= FINAL)));
    assert_eq!(settled.len(), 3);
    assert_eq!(api.items("/v1/payments?as_of=950&state=final").await?.len(), 2);
    let page = api.json("/v1/payments?as_of=970&limit=3").await?;
    let next = page["next"].as_str().unwrap();
    let rest = api.items(&format!("/v1/payments?as_of=970&limit=3&cursor={next}")).await?;
    assert_eq!((page["items"][0]["blockNumber"].as_u64(), rest.len()), (Some(970), 1));
    for list in ["stops", "settlements", "refusals", "decisions", "approval-requests"] {
        let page = api.json(&format!("/v1/{list}?as_of=960")).await?;
        assert_eq!(page["asOf"]["blockNumber"], 960, "{list}");
    }
    Ok(())
}

async fn a_time_is_a_block_and_what_had_come_by_then(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (at, block, count) in [
        (time(930), 930, 0),
        (time(940) - 1, 930, 0),
        (time(940), 940, 1),
        (time(950) - 1, 940, 1),
        (NOW - 3, 990, 6),
        (NOW - 2, 1_000, 7),
        (NOW, 1_000, 7),
    ] {
        let page = api.json(&format!("/v1/payments?as_of_time={at}")).await?;
        assert_eq!(page["asOf"]["blockNumber"], block, "{at}");
        assert_eq!(
            (page["asOf"]["recordsUntil"].as_u64(), &page["asOf"]["height"]),
            (Some(at), &json!(block))
        );
        assert_eq!(page["items"].as_array().map(Vec::len), Some(count), "{at}");
    }
    // A decision is known from the second in which it came.
    let decision = &api.seeded.decisions[0];
    let received: u64 =
        api.json(&format!("/v1/decisions/{}", decision.hash()?)).await?["receivedAt"].as_u64().unwrap();
    assert!(received > time(FIRST));
    for (at, known) in [(received - 1, false), (received, true)] {
        let found = api.items(&format!("/v1/decisions?as_of_time={at}")).await?;
        let is_there = found.iter().any(|item| item["hash"] == json!(decision.hash().unwrap_or_default()));
        assert_eq!(is_there, known, "{at}");
    }
    Ok(())
}

async fn what_the_ledger_knows_nothing_of_is_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let until = format!("a time from {} to {NOW}", time(FIRST));
    for (query, name, expected) in [
        ("as_of=1001".to_owned(), "as_of", "a height from 10 to 1000"),
        ("as_of=9".into(), "as_of", "a height from 10 to 1000"),
        ("as_of=0".into(), "as_of", "a height from 10 to 1000"),
        ("as_of=-1".into(), "as_of", "a whole number from 0 to 9223372036854775807"),
        ("as_of=latest".into(), "as_of", "a whole number from 0 to 9223372036854775807"),
        (format!("as_of_time={}", time(FIRST) - 1), "as_of_time", &until),
        (format!("as_of_time={}", NOW + 1), "as_of_time", &until),
        (format!("as_of=960&as_of_time={NOW}"), "as_of_time", "no time beside the block in `as_of`"),
    ] {
        let payment = format!("payments/{}/{}", purse(1), nonce(&api.seeded.decisions[0])?);
        let session = format!("sessions/{}", session_id(purse(1), 2));
        let envelope = format!("envelopes/{}/1", treasury());
        let agent = format!("agents/{}", agent(1));
        for list in [
            "payments",
            "settlements",
            "stops",
            "refusals",
            "decisions",
            "approval-requests",
            "sessions",
            "envelopes",
            "agents",
            "policies",
            &payment,
            &session,
            &envelope,
            &agent,
        ] {
            let answer = api.get(&format!("/v1/{list}?{query}")).await?;
            let problem = answer.json();
            assert_eq!(
                (answer.status.as_u16(), &problem["expected"]),
                (400, &json!(expected)),
                "{list} {query}"
            );
            assert_eq!(problem["message"], format!("{name}: expected {expected}"));
        }
    }
    // What stands, and is not kept as it stood, is not told as if it had.
    let treasury = treasury();
    for path in [
        "treasuries".to_owned(),
        "alerts".into(),
        "groups".into(),
        "payees".into(),
        format!("treasuries/{treasury}"),
        format!("treasuries/{treasury}/log"),
        format!("groups/{treasury}/1"),
        format!("agents/{}/why", agent(1)),
    ] {
        let answer = api.get(&format!("/v1/{path}?as_of=960")).await?;
        let problem = answer.json();
        assert_eq!((answer.status.as_u16(), &problem["code"]), (400, &json!("unknown_parameter")), "{path}");
    }
    Query::new("DELETE FROM checkpoint").execute(api.seeded.store.db()).await?;
    let answer = api.get("/v1/payments?as_of=960").await?;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["expected"], "nothing: the ledger holds no block yet");
    Ok(())
}

async fn a_page_says_that_it_is_not_todays(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    // 960 is 2026-11-21 02:40:00.
    for query in ["as_of=960", "as_of_time=2026-11-21T02:40", "as_of_time=2026-11-21T02:41:39"] {
        let html = api.get(&format!("/audit/payments?{query}")).await?.text();
        assert!(html.contains("block 960: not today"), "{query}: {html}");
        assert_eq!(html.matches("<tr>").count(), 1 + 3, "{query}");
        let table = api
            .get(&format!(
                "/audit/payments.csv?{}",
                query.replace("2026-11-21T02:40", &time(960).to_string())
            ))
            .await?;
        if !query.ends_with("39") {
            assert_eq!(table.text().lines().count(), 1 + 3, "{query}: {}", table.text());
        }
    }
    let html = api.get("/audit/payments").await?.text();
    assert!(!html.contains("not today"), "today's page says that it is not");
    let refused = api.get("/audit/payments?as_of=1001").await?;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("a height from 10 to 1000"), "{}", refused.text());
    Ok(())
}
