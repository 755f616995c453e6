//! What is heard at the head before the ledger gets there.

use alloy::primitives::{Address, B256};
use bursar_indexer::{
    db::{Db, Query},
    ledger::{Label, WatchKind},
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api},
    seed::{self, address, padded, payee, purse, token, treasury},
};

on_both_stores!(
    what_the_ledger_has_not_reached_is_told_newest_first,
    it_goes_as_the_ledger_moves_and_as_a_whole,
    a_purse_is_never_called_what_the_watch_list_calls_it,
    books_and_overview_say_what_they_leave_out,
    many_are_counted_as_far_as_that,
    a_token_that_is_not_the_purses_tells_nothing_of_it,
);

/// Somebody outside any envelope.
pub(crate) fn payer() -> Address {
    address(0xd0)
}

/// A purse that the ledger does not know yet.
fn unknown() -> Address {
    address(0xd7)
}

/// One payment in each block behind the ledger: of both purses, of a payer, and of a purse that is not known yet; and one more
/// each that came late, of blocks that the ledger has.
pub(crate) async fn heard(db: &Db) -> anyhow::Result<()> {
    let one = |of: Address, is_purse: bool, n: u64| (seed::HEAD + n, of, is_purse, token(), n);
    for row in [
        one(purse(1), true, 1),
        one(purse(2), true, 2),
        one(payer(), false, 3),
        one(unknown(), true, 4),
        one(purse(1), true, 5),
        (seed::HEAD, purse(1), true, token(), 90),
        (seed::HEAD - 5, payer(), false, token(), 91),
    ] {
        hear(db, row).await?;
    }
    Ok(())
}

/// Block, payer, whether that was heard as a purse, token, amount.
pub(crate) async fn hear(
    db: &Db,
    (block, payer, is_purse, asset, amount): (u64, Address, bool, Address, u64),
) -> anyhow::Result<()> {
    Query::new(
        "INSERT INTO heard (block_number, log_index, block_hash, tx_hash, timestamp, payer, purse, asset, payee, amount, \
         nonce, rail) VALUES ($1, 7, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'eip3009')",
    )
    .bind(block)
    .bind(B256::repeat_byte(0x10))
    .bind(B256::repeat_byte(0x20))
    .bind(seed::time(block))
    .bind(payer)
    .bind(is_purse)
    .bind(asset)
    .bind(payee(if amount.is_multiple_of(2) { 2 } else { 1 }))
    .bind(padded(amount))
    .bind(B256::repeat_byte(0x30))
    .execute(db)
    .await?;
    Ok(())
}

fn amounts(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|item| item["amount"].as_str()).collect()
}

async fn filled(stores: Stores) -> anyhow::Result<Api> {
    let api = api(stores).await?;
    heard(api.seeded.store.db()).await?;
    Ok(api)
}

async fn what_the_ledger_has_not_reached_is_told_newest_first(stores: Stores) -> anyhow::Result<()> {
    let api = filled(stores).await?;
    for (query, expected) in [
        (String::new(), vec!["5", "3", "2", "1"]),
        (format!("?treasury={}", treasury()), vec!["5", "2", "1"]),
        (format!("?treasury={}&envelope=2", treasury()), vec!["2"]),
        (format!("?treasury={}", address(0x88)), vec![]),
        (format!("?payer={}", purse(1)), vec!["5", "1"]),
        (format!("?payer={}", payer()), vec!["3"]),
        (format!("?payer={}", unknown()), vec![]),
        (format!("?payee={}", payee(2)), vec!["2"]),
        (format!("?payee={}&treasury={}", payee(1), treasury()), vec!["5", "1"]),
    ] {
        assert_eq!(amounts(&api.items(&format!("/v1/heard{query}")).await?), expected, "{query}");
    }
    let page = api.json("/v1/heard?limit=2").await?;
    assert_eq!(amounts(page["items"].as_array().unwrap()), ["5", "3"]);
    let rest = api.items(&format!("/v1/heard?cursor={}", page["next"].as_str().unwrap())).await?;
    assert_eq!(amounts(&rest), ["2", "1"]);
    let all = api.items("/v1/heard").await?;
    let of = |n: usize, field: &str| all[n][field].clone();
    assert_eq!([of(0, "purse"), of(1, "purse"), of(2, "purse")], [true, false, true].map(Value::from));
    assert_eq!(
        [of(0, "treasury"), of(1, "treasury"), of(2, "treasury")],
        [json!(treasury()), Value::Null, json!(treasury())]
    );
    assert_eq!([of(0, "envelope"), of(2, "envelope")], [json!(1), json!(2)]);
    assert_eq!(of(1, "blockNumber"), seed::HEAD + 3);
    assert_eq!(of(1, "timestamp"), seed::time(seed::HEAD + 3));
    assert_eq!(api.get("/v1/heard?purse=0x00").await?.status, 400);
    assert_eq!(api.get("/v1/heard?payer=0x00").await?.status, 400);
    Ok(())
}

async fn it_goes_as_the_ledger_moves_and_as_a_whole(stores: Stores) -> anyhow::Result<()> {
    let api = filled(stores).await?;
    for (at, expected) in [(3, vec!["5"]), (5, vec![]), (1, vec!["5", "3", "2"])] {
        let moved = Query::new("UPDATE checkpoint SET number = $1").bind(seed::HEAD + at);
        moved.execute(api.seeded.store.db()).await?;
        assert_eq!(amounts(&api.items("/v1/heard").await?), expected, "at {at}");
    }
    // A ledger that has not begun tells nothing of what comes after it.
    Query::new("DELETE FROM checkpoint").execute(api.seeded.store.db()).await?;
    assert_eq!(api.items("/v1/heard").await?, [] as [Value; 0]);
    Ok(())
}

async fn a_purse_is_never_called_what_the_watch_list_calls_it(stores: Stores) -> anyhow::Result<()> {
    let api = filled(stores).await?;
    let store = &api.seeded.store;
    let label: Label = "old bot".parse()?;
    store.put_watched(WatchKind::Payer, &[payer(), purse(1), unknown()], Some(&label)).await?;
    // Heard as a payer before anybody knew that it is a purse.
    hear(store.db(), (seed::HEAD + 6, purse(1), false, token(), 6)).await?;
    let all = api.items("/v1/heard").await?;
    let labels: Vec<_> = all.iter().map(|item| item["payerLabel"].clone()).collect();
    let none = || Value::Null;
    assert_eq!(labels, [none(), none(), json!("old bot"), none(), none()]);
    assert_eq!(all[0]["purse"], true);
    Ok(())
}

async fn books_and_overview_say_what_they_leave_out(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    assert_eq!(api.json("/v1/ledger").await?["heard"], Value::Null);
    assert!(!api.get("/").await?.text().contains("heard at the head"));
    let before = api.json("/v1/ledger").await?;
    heard(api.seeded.store.db()).await?;
    let span = |payments: u64, from: u64, to: u64| json!({ "payments": payments, "fromBlock": seed::HEAD + from, "toBlock": seed::HEAD + to, "since": seed::time(seed::HEAD + from) });
    let books = api.json("/v1/ledger").await?;
    assert_eq!(books["heard"], span(4, 1, 5));
    assert_eq!((&books["totals"], &books["lines"]), (&before["totals"], &before["lines"]));
    let of =
        async |query: String| anyhow::Ok(api.json(&format!("/v1/ledger?{query}")).await?["heard"].clone());
    assert_eq!(of(format!("treasury={}", treasury())).await?, span(3, 1, 5));
    assert_eq!(of(format!("agent={}", seed::agent(1))).await?, Value::Null);
    let page = api.get("/").await?.text();
    for text in
        ["4 payments heard at the head", "<span class=\"mono\">1001</span>–<span class=\"mono\">1005</span>"]
    {
        assert!(page.contains(text), "the page does not show {text:?}");
    }
    Ok(())
}

async fn many_are_counted_as_far_as_that(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let (first, many) = (seed::HEAD + 1, 10_003);
    Query::new(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10002) \
         INSERT INTO heard (block_number, log_index, block_hash, tx_hash, timestamp, payer, purse, asset, payee, amount, nonce, \
         rail) SELECT $1 + i, 7, $2, $2, $3 + i, $4, TRUE, $5, $4, $6, $2, 'eip3009' FROM n",
    )
    .bind(first)
    .bind(B256::repeat_byte(0x10))
    .bind(seed::time(first))
    .bind(purse(1))
    .bind(token())
    .bind(padded(1))
    .execute(api.seeded.store.db())
    .await?;
    for query in [String::new(), format!("?treasury={}", treasury())] {
        let heard = api.json(&format!("/v1/ledger{query}")).await?["heard"].clone();
        assert_eq!(
            heard,
            json!({ "payments": 10_001, "fromBlock": first, "toBlock": first + many - 1, "since": seed::time(first) })
        );
    }
    let page = api.get("/").await?.text();
    assert!(page.contains("more than 10000 payments heard at the head"));
    Ok(())
}

/// Whoever has a treasury may name a token that says what it likes of anybody's purse.
async fn a_token_that_is_not_the_purses_tells_nothing_of_it(stores: Stores) -> anyhow::Result<()> {
    let api = filled(stores).await?;
    let db = api.seeded.store.db();
    hear(db, (seed::HEAD + 6, purse(1), true, address(0x66), 6)).await?;
    assert_eq!(amounts(&api.items("/v1/heard").await?), ["5", "3", "2", "1"]);
    assert_eq!(api.json("/v1/ledger").await?["heard"]["payments"], 4);
    // As soon as the ledger knows whose a purse is, it is the purse's own token that counts.
    Query::new("INSERT INTO purse (address, treasury, envelope, idx, sequence, open, balance) VALUES ($1, $2, 1, 7, 1, TRUE, $3)")
        .bind(unknown())
        .bind(treasury())
        .bind(padded(0))
        .execute(db)
        .await?;
    hear(db, (seed::HEAD + 7, unknown(), true, address(0x66), 7)).await?;
    assert_eq!(amounts(&api.items("/v1/heard").await?), ["5", "4", "3", "2", "1"]);
    Ok(())
}
