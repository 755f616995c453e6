//! What is paid outside any envelope, and who is looked at.

use alloy::primitives::{Address, B256};
use bursar_indexer::{
    db::{Db, Query},
    ledger::{Label, WatchKind},
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::api,
    seed::{self, address, padded, payee, token},
};

on_both_stores!(
    settlements_are_marked_as_ungoverned_and_found_by_whom_and_when,
    what_is_seen_safe_and_final_ends_at_its_height,
    the_watch_list_says_since_when,
    labels_stand_beside_settlements_and_leave_none_out,
);

/// One per block from 958 on, alternately of two payers, ten seconds apart; the last three are safe, and not final.
async fn settlements(db: &Db) -> anyhow::Result<()> {
    for n in 0..6u64 {
        Query::new(
            "INSERT INTO settlement (block_number, log_index, block_hash, tx_hash, timestamp, payer, asset, payee, \
             amount, nonce, transfer_log_index, rail, facilitator) \
             VALUES ($1, 7, $2, $3, $4, $5, $6, $7, $8, $9, 8, $10, $11)",
        )
        .bind(seed::FINAL - 2 + n)
        .bind(B256::repeat_byte(0x10))
        .bind(B256::repeat_byte(0x20))
        .bind(seed::NOW + 10 * n)
        .bind(payer(n % 2))
        .bind(token())
        .bind(payee(if n < 4 { 1 } else { 2 }))
        .bind(padded(n + 1))
        .bind((n % 2 == 0).then(|| B256::repeat_byte(0x30)))
        .bind(if n % 2 == 0 { "eip3009" } else { "permit2_exact" })
        .bind((n > 2).then(|| address(0xfa)))
        .execute(db)
        .await?;
    }
    Ok(())
}

fn payer(n: u64) -> Address {
    address(if n == 0 { 0xd0 } else { 0xd1 })
}

fn amounts(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|item| item["amount"].as_str()).collect()
}

async fn settlements_are_marked_as_ungoverned_and_found_by_whom_and_when(
    stores: Stores,
) -> anyhow::Result<()> {
    let api = api(stores).await?;
    settlements(api.seeded.store.db()).await?;
    for (query, expected) in [
        (String::new(), vec!["6", "5", "4", "3", "2", "1"]),
        (format!("?payer={}", payer(0)), vec!["5", "3", "1"]),
        (format!("?payee={}", payee(2)), vec!["6", "5"]),
        (format!("?payer={}&payee={}", payer(1), payee(1)), vec!["4", "2"]),
        ("?state=final".into(), vec!["3", "2", "1"]),
        ("?state=safe".into(), vec!["6", "5", "4"]),
        ("?state=seen".into(), vec![]),
        (format!("?from={}&until={}", seed::NOW + 10, seed::NOW + 31), vec!["4", "3", "2"]),
        (format!("?from={}", seed::NOW + 51), vec![]),
        (format!("?until={}", seed::NOW), vec![]),
    ] {
        let items = api.items(&format!("/v1/settlements{query}")).await?;
        assert_eq!(amounts(&items), expected, "{query}");
        assert!(items.iter().all(|item| item["ungoverned"] == true));
    }
    let page = api.json("/v1/settlements?limit=2").await?;
    let next = page["next"].as_str().unwrap();
    let rest = api.items(&format!("/v1/settlements?cursor={next}")).await?;
    assert_eq!(amounts(&rest), ["4", "3", "2", "1"]);
    let first = &rest[3];
    assert_eq!(
        (&first["rail"], &first["state"], &first["blockNumber"]),
        (&json!("eip3009"), &json!("final"), &json!(958))
    );
    assert_eq!(rest[2]["nonce"], Value::Null);
    assert_eq!(api.get("/v1/settlements?facilitator=0x00").await?.status, 400);
    Ok(())
}

/// One settlement per block from 958 to 963: wherever the two heights are, each state ends at its height and none has two.
async fn what_is_seen_safe_and_final_ends_at_its_height(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let db = api.seeded.store.db();
    settlements(db).await?;
    for (last, safe) in [(957, 957), (957, 958), (958, 960), (960, 960), (960, 961), (962, 963), (963, 1_000)]
    {
        Query::new("UPDATE checkpoint SET final_number = $1, safe_number = $2")
            .bind(last)
            .bind(safe)
            .execute(db)
            .await?;
        let state = |block: u64| match block {
            _ if block <= last => "final",
            _ if block <= safe => "safe",
            _ => "seen",
        };
        for item in api.items("/v1/settlements").await? {
            assert_eq!(item["state"], state(item["blockNumber"].as_u64().unwrap()), "{last} {safe} {item}");
        }
        for asked in ["final", "safe", "seen"] {
            let found = api.items(&format!("/v1/settlements?state={asked}")).await?;
            let blocks: Vec<_> = found.iter().filter_map(|item| item["blockNumber"].as_u64()).collect();
            let expected: Vec<u64> = (958..=963).rev().filter(|block| state(*block) == asked).collect();
            assert_eq!(blocks, expected, "{asked} at {last} and {safe}");
        }
    }
    Ok(())
}

async fn the_watch_list_says_since_when(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let store = &api.seeded.store;
    let label: Label = "ops wallet".parse()?;
    store.put_watched(WatchKind::Token, &[token()], None).await?;
    store.put_watched(WatchKind::Payer, &[payer(1), payer(0)], Some(&label)).await?;
    let items = api.items("/v1/watched").await?;
    let of = |kind: &str, address: Address, label: Option<&str>| json!({ "kind": kind, "address": address.to_checksum(None), "label": label, "fromBlock": seed::HEAD + 1 });
    let payers = [of("payer", payer(0), Some("ops wallet")), of("payer", payer(1), Some("ops wallet"))];
    assert_eq!(items[..2], payers);
    assert_eq!(items[2..], [of("token", token(), None)]);
    assert_eq!(api.items("/v1/watched?kind=token").await?, items[2..]);
    let page = api.json("/v1/watched?limit=1").await?;
    let rest = api.items(&format!("/v1/watched?cursor={}", page["next"].as_str().unwrap())).await?;
    assert_eq!(rest, items[1..]);
    assert_eq!(api.get("/v1/watched?kind=purse").await?.status, 400);
    Ok(())
}

async fn labels_stand_beside_settlements_and_leave_none_out(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let store = &api.seeded.store;
    settlements(store.db()).await?;
    let [bot, usual, other]: [Label; 3] = ["old bot".parse()?, "the usual".parse()?, "renamed".parse()?];
    store.put_watched(WatchKind::Payer, &[payer(0)], Some(&bot)).await?;
    store.put_watched(WatchKind::Facilitator, &[address(0xfa)], Some(&usual)).await?;
    let labels = async |field: &'static str| -> anyhow::Result<Vec<Value>> {
        Ok(api.items("/v1/settlements").await?.iter().map(|item| item[field].clone()).collect())
    };
    let none = Value::Null;
    let bots =
        [&none, &json!("old bot"), &none, &json!("old bot"), &none, &json!("old bot")].map(Value::clone);
    assert_eq!(labels("payerLabel").await?, bots);
    let usual = json!("the usual");
    assert_eq!(
        labels("facilitatorLabel").await?,
        [&usual, &usual, &usual, &none, &none, &none].map(Value::clone)
    );
    // The last word counts, and a payer who is listed again without a label keeps its own.
    store.put_watched(WatchKind::Facilitator, &[address(0xfa)], Some(&other)).await?;
    store.put_watched(WatchKind::Payer, &[payer(0)], None).await?;
    assert_eq!(labels("facilitatorLabel").await?[0], "renamed");
    assert_eq!(labels("payerLabel").await?, bots);
    assert_eq!(store.remove_watched(WatchKind::Payer, &[payer(0), payer(1)]).await?, 1);
    assert_eq!(labels("payerLabel").await?, vec![none; 6]);
    Ok(())
}
