//! Logs that were set aside, as clients read them.

use alloy::primitives::{Address, B256, keccak256};
use bursar_indexer::db::{Db, Query};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::api,
    seed::{self, address, agent, token, treasury},
};

on_both_stores!(
    what_was_set_aside_is_told_newest_first_with_its_transfer,
    what_is_too_long_is_named_and_not_shown,
    books_say_how_much_they_leave_out,
);

/// A log of a token, of a treasury or of none: block, whose, and what is kept of it.
pub(crate) async fn aside(
    db: &Db,
    (block, treasury, raw): (u64, Option<Address>, &str),
) -> anyhow::Result<()> {
    Query::new(
        "INSERT INTO undecoded (block_number, log_index, tx_hash, address, treasury, raw, error) \
         VALUES ($1, 7, $2, $3, $4, $5, 'it makes no sense')",
    )
    .bind(block)
    .bind(B256::repeat_byte(0x20))
    .bind(token())
    .bind(treasury)
    .bind(raw)
    .execute(db)
    .await?;
    Ok(())
}

/// Of the treasury, of another, of nobody, and of the treasury again in a block that the ledger does not have.
pub(crate) async fn some(db: &Db, other: Address) -> anyhow::Result<()> {
    let (one, two) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let authorization = json!({
        "topics": [one, two], "data": "0x",
        "transfer": { "logIndex": 8, "topics": [two], "data": "0x00ff" },
    });
    aside(db, (930, Some(treasury()), &authorization.to_string())).await?;
    // As an earlier version kept it.
    let plain = json!({ "data": "0x01", "topics": [one] }).to_string();
    for row in [(940, Some(other)), (950, None), (955, Some(treasury()))] {
        aside(db, (row.0, row.1, &plain)).await?;
    }
    Ok(())
}

fn blocks(items: &[Value]) -> Vec<u64> {
    items.iter().filter_map(|item| item["blockNumber"].as_u64()).collect()
}

async fn what_was_set_aside_is_told_newest_first_with_its_transfer(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    some(api.seeded.store.db(), address(0x88)).await?;
    for (query, expected) in [
        (String::new(), vec![955, 950, 940, 930]),
        (format!("?treasury={}", treasury()), vec![955, 930]),
        (format!("?treasury={}", address(0x88)), vec![940]),
        (format!("?treasury={}", address(0x89)), vec![]),
    ] {
        assert_eq!(blocks(&api.items(&format!("/v1/set-aside{query}")).await?), expected, "{query}");
    }
    let page = api.json("/v1/set-aside?limit=3").await?;
    assert_eq!(blocks(page["items"].as_array().unwrap()), [955, 950, 940]);
    let rest = api.items(&format!("/v1/set-aside?cursor={}", page["next"].as_str().unwrap())).await?;
    let (one, two) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let expected = json!({
        "contract": token().to_checksum(None), "treasury": treasury().to_checksum(None), "error": "it makes no sense",
        "topics": [one, two], "data": "0x",
        "transfer": { "logIndex": 8, "topics": [two], "data": "0x00ff" },
        "timestamp": seed::time(930), "blockNumber": 930, "blockHash": keccak256(930u64.to_be_bytes()),
        "logIndex": 7, "txHash": B256::repeat_byte(0x20),
    });
    assert_eq!(rest, [expected]);
    let all = api.items("/v1/set-aside").await?;
    assert_eq!((&all[0]["blockHash"], &all[0]["transfer"]), (&Value::Null, &Value::Null));
    assert_eq!((&all[0]["topics"], &all[0]["data"]), (&json!([one]), &json!("0x01")));
    assert_eq!(all[1]["treasury"], Value::Null);
    Ok(())
}

async fn what_is_too_long_is_named_and_not_shown(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let begun = format!("{{\"topics\":[],\"data\":\"0x{}\"", "00".repeat(8_000));
    let raw = |long: usize| format!("{begun}{}}}", " ".repeat(long - begun.len() - 1));
    for (block, long) in [(930, 16_384), (940, 16_385)] {
        aside(api.seeded.store.db(), (block, None, &raw(long))).await?;
    }
    let all = api.items("/v1/set-aside").await?;
    assert_eq!((blocks(&all), all[1]["topics"].clone()), (vec![940, 930], json!([])));
    assert_eq!((&all[0]["topics"], &all[0]["data"]), (&Value::Null, &Value::Null));
    assert_eq!((&all[0]["error"], &all[0]["logIndex"]), (&json!("it makes no sense"), &json!(7)));
    Ok(())
}

async fn books_say_how_much_they_leave_out(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let of =
        async |query: &str| anyhow::Ok(api.json(&format!("/v1/ledger{query}")).await?["setAside"].clone());
    assert_eq!(of("").await?, 0);
    let db = api.seeded.store.db();
    some(db, address(0x88)).await?;
    let whose = format!("?treasury={}", treasury());
    assert_eq!((of("").await?, of(&whose).await?), (json!(4), json!(2)));
    assert_eq!(of(&format!("?agent={}", agent(1))).await?, Value::Null);
    Query::new(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10002) \
         INSERT INTO undecoded (block_number, log_index, tx_hash, address, treasury, raw, error) \
         SELECT 960, i, $1, $2, $2, '{}', '' FROM n",
    )
    .bind(B256::repeat_byte(0x10))
    .bind(treasury())
    .execute(db)
    .await?;
    assert_eq!((of("").await?, of(&whose).await?), (json!(10_001), json!(10_001)));
    Ok(())
}
