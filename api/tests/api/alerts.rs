//! Alerts: found by whose and what they are, open or over, and never before their time.

use std::collections::BTreeSet;

use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    alerted::{Seed, alerted, id, put},
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

async fn told(stores: Stores) -> anyhow::Result<Api> {
    let api = api(stores).await?;
    alerted(&api.seeded.store).await?;
    Ok(api)
}

async fn alerts_are_found_by_whose_and_what_they_are_and_whether_they_stand(
    stores: Stores,
) -> anyhow::Result<()> {
    let api = told(stores).await?;
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
    let api = told(stores).await?;
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
    let api = told(stores).await?;
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
