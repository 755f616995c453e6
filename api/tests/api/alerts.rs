//! Alerts: found by whose and what they are, open or over, and never before their time.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, keccak256};
use bursar_indexer::db::{Db, Query};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api},
    seed::{NOW, agent, treasury},
};

on_both_stores!(
    alerts_are_found_by_whose_and_what_they_are_and_whether_they_stand,
    an_alert_tells_its_numbers,
    alerts_of_the_same_second_come_once_each,
    the_page_shows_what_stands,
    what_is_no_kind_is_refused_by_name,
);

/// One to tell of: kind, severity, place, from when until when, and the block that closed it.
struct Seed(&'static str, &'static str, Option<(Address, u32)>, u64, Option<u64>, Option<u64>);

fn id(n: usize) -> B256 {
    keccak256(n.to_be_bytes())
}

async fn put(db: &Db, n: usize, seed: &Seed) -> anyhow::Result<()> {
    let Seed(kind, severity, place, raised_at, closed_at, closed_block) = *seed;
    Query::new(
        "INSERT INTO alert (id, kind, severity, treasury, envelope, subject, raised_at, block_number, block_hash, \
         foreseen, closed_at, closed_block, count, detail) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 990, NULL, $8, $9, $10, $11, $12)",
    )
    .bind(id(n))
    .bind(kind)
    .bind(severity)
    .bind(place.map(|(treasury, _)| treasury))
    .bind(place.map(|(_, envelope)| envelope).filter(|envelope| *envelope != 0))
    .bind("payees")
    .bind(raised_at)
    .bind(raised_at > NOW)
    .bind(closed_at)
    .bind(closed_block)
    .bind(3u64)
    .bind(r#"{"payees":12}"#)
    .execute(db)
    .await?;
    Ok(())
}

async fn seeded(stores: Stores) -> anyhow::Result<Api> {
    let api = api(stores).await?;
    let one = Some((treasury(), 1));
    let seeds = [
        Seed("payee_burst", "warning", one, NOW - 50, Some(NOW + 50), None),
        Seed("review", "critical", one, NOW, None, None),
        // Not yet.
        Seed("score_silent", "warning", one, NOW + 1, None, None),
        // Over: by time, and by a block.
        Seed("policy_drift", "warning", Some((treasury(), 2)), NOW - 90, Some(NOW), None),
        Seed("frozen", "critical", Some((treasury(), 2)), NOW - 80, Some(NOW - 10), Some(999)),
        // Of all of a treasury, and of none.
        Seed("frozen", "critical", Some((treasury(), 0)), NOW - 70, None, None),
        Seed("ungoverned_payer", "warning", None, NOW - 60, Some(NOW + 1), None),
    ];
    for (n, seed) in seeds.iter().enumerate() {
        put(api.seeded.store.db(), n, seed).await?;
    }
    Ok(api)
}

async fn alerts_are_found_by_whose_and_what_they_are_and_whether_they_stand(stores: Stores) -> anyhow::Result<()> {
    let api = seeded(stores).await?;
    let of = treasury();
    for (query, expected) in [
        (String::new(), vec![1, 0, 6, 5, 4, 3]),
        ("?open=true".into(), vec![1, 0, 6, 5]),
        ("?open=false".into(), vec![4, 3]),
        ("?kind=frozen".into(), vec![5, 4]),
        ("?kind=frozen&open=true".into(), vec![5]),
        ("?kind=score_silent".into(), vec![]),
        (format!("?treasury={of}"), vec![1, 0, 5, 4, 3]),
        (format!("?treasury={of}&envelope=1&open=true"), vec![1, 0]),
        (format!("?treasury={of}&envelope=2&open=true"), vec![]),
        (format!("?treasury={}", agent(1)), vec![]),
    ] {
        let found = api.items(&format!("/v1/alerts{query}")).await?;
        let found: Vec<Value> = found.into_iter().map(|alert| alert["id"].clone()).collect();
        let expected: Vec<Value> = expected.into_iter().map(|n| json!(id(n))).collect();
        assert_eq!(found, expected, "{query}");
    }
    Ok(())
}

async fn an_alert_tells_its_numbers(stores: Stores) -> anyhow::Result<()> {
    let api = seeded(stores).await?;
    let burst = &api.items("/v1/alerts?kind=payee_burst").await?[0];
    let help = "Many payees were paid for the first time within an hour.";
    let expected = json!({
        "id": id(0), "kind": "payee_burst", "severity": "warning", "help": help, "open": true,
        "treasury": treasury().to_checksum(None), "envelope": 1, "subject": "payees", "raisedAt": NOW - 50,
        "blockNumber": 990, "blockHash": null, "closedAt": NOW + 50, "closedBlock": null, "count": 3,
        "detail": { "payees": 12 },
    });
    assert_eq!(*burst, expected);
    let over = &api.items("/v1/alerts?kind=policy_drift").await?[0];
    assert_eq!(over["open"], false, "its end is exclusive");
    Ok(())
}

async fn alerts_of_the_same_second_come_once_each(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for n in 0..9 {
        let seed = Seed("donation", "notice", Some((treasury(), 1)), NOW, None, None);
        put(api.seeded.store.db(), n, &seed).await?;
    }
    for filter in ["", "&open=true", "&kind=donation"] {
        let (mut seen, mut path) = (Vec::new(), format!("/v1/alerts?limit=2{filter}"));
        loop {
            let page = api.json(&path).await?;
            seen.extend(page["items"].as_array().unwrap().iter().map(|alert| alert["id"].to_string()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/v1/alerts?limit=2{filter}&cursor={next}");
        }
        assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (9, 9), "{filter}");
    }
    Ok(())
}

async fn the_page_shows_what_stands(stores: Stores) -> anyhow::Result<()> {
    let api = seeded(stores).await?;
    let html = api.get("/").await?.text();
    for text in ["payee burst", "3 times since", "ungoverned payer", "Alerts of envelope 1"] {
        assert!(html.contains(text), "the page does not show {text:?}");
    }
    for text in ["policy drift", "score silent", "Alerts of envelope 2"] {
        assert!(!html.contains(text), "the page shows {text:?}");
    }
    Ok(())
}

async fn what_is_no_kind_is_refused_by_name(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let answer = api.get("/v1/alerts?kind=fire").await?;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["expected"].as_str().is_some_and(|known| known.contains("payee_burst")));
    let answer = api.get("/v1/alerts?open=perhaps").await?;
    assert_eq!(answer.status, 400);
    Ok(())
}
