//! Scores: as they stand, as they stood, and what they are for.

use bursar_indexer::{db::Query, query::scores};
use bursar_sdk::score::Event;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::api,
    scored::scored,
    seed::{NOW, treasury},
};

on_both_stores!(
    a_score_tells_its_reasons_and_what_it_is_computed_from,
    a_score_is_told_as_it_stood_at_a_height,
    a_score_that_nobody_reports_closes_the_gate,
    the_books_and_the_page_show_scores,
    what_has_no_score_is_not_found,
);

fn path(rest: &str) -> String {
    format!("/v1/envelopes/{}/1/{rest}", treasury())
}

fn codes(score: &Value) -> Vec<&str> {
    score["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

async fn a_score_tells_its_reasons_and_what_it_is_computed_from(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let state = scored(&api.seeded.store).await?;
    let score = api.json(&path("score")).await?;
    // Ten of forty are unexplained by now, an hour after they settled.
    let evaluation = state.evaluate(NOW);
    assert_eq!((evaluation.value, evaluation.inputs.coverage), (499, 750_000));
    assert_eq!(score["value"], 499);
    assert_eq!((&score["at"], &score["block"]), (&json!(NOW), &json!(1_000)));
    assert_eq!(score["gate"], "review");
    assert_eq!(score["review"]["mark"], 600);
    assert_eq!(score["inputs"]["coverage"], 750_000);
    assert_eq!(score["inputs"]["settlements"], 40);
    assert_eq!(codes(&score), evaluation.reasons().iter().map(|reason| reason.code()).collect::<Vec<_>>());
    let cap = &score["reasons"][0];
    assert_eq!(
        (&cap["code"], &cap["cap"], &cap["lostMicropoints"]),
        (&json!("R05"), &json!(499), &Value::Null)
    );
    let terms = score["terms"].as_array().unwrap();
    let micropoints: u64 = terms.iter().map(|term| term["micropoints"].as_u64().unwrap()).sum();
    assert_eq!(micropoints, evaluation.points.iter().sum::<u64>());
    assert_eq!((terms.len(), &terms[0]["term"], &terms[0]["weight"]), (7, &json!("TRJ"), &json!(150)));
    Ok(())
}

async fn a_score_is_told_as_it_stood_at_a_height(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    scored(&api.seeded.store).await?;
    let (of, db) = ((treasury(), 1), api.seeded.store.db());
    for (block, changed) in [(900, 900), (939, 900), (940, 940), (989, 940), (990, 990), (1_000, 990)] {
        let past = scores::at_block(db, of, block).await?.unwrap();
        assert_eq!(past.block, changed);
        let score = api.json(&path(&format!("score?block={block}"))).await?;
        assert_eq!((&score["block"], &score["value"]), (&json!(block), &json!(past.evaluation.value)));
        assert_eq!(score["at"], past.evaluation.at);
    }
    for (block, status) in [("899", 404), ("1001", 400), ("-1", 400), ("x", 400)] {
        assert_eq!(api.get(&path(&format!("score?block={block}"))).await?.status, status, "at {block}");
    }
    let first = api.json(&path("scores?limit=2")).await?;
    let next = first["next"].as_str().unwrap();
    let second = api.json(&path(&format!("scores?limit=2&cursor={next}"))).await?;
    let blocks = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|past| past["block"].clone()).collect()
    };
    assert_eq!((blocks(&first), blocks(&second)), (vec![json!(990), json!(940)], vec![json!(900)]));
    assert_eq!(second["next"], Value::Null);
    Ok(())
}

async fn a_score_that_nobody_reports_closes_the_gate(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let mut state = scored(&api.seeded.store).await?;
    let db = api.seeded.store.db();
    state.apply(NOW, &Event::Cleared { overriding: true });
    let put = Query::new("UPDATE score SET state = $1").bind(serde_json::to_string(&state)?);
    put.execute(db).await?;
    for (life, reported, gate) in
        [(0u64, 0, "open"), (600, 0, "stale"), (600, NOW - 600, "stale"), (600, NOW - 599, "open")]
    {
        Query::new("UPDATE envelope SET score_life = $1, score = 700, scored_at = $2 WHERE number = 1")
            .bind(life)
            .bind(reported)
            .execute(db)
            .await?;
        assert_eq!(api.json(&path("score")).await?["gate"], gate, "life {life}, reported at {reported}");
    }
    Ok(())
}

async fn the_books_and_the_page_show_scores(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    scored(&api.seeded.store).await?;
    let books = api.json("/v1/ledger").await?;
    assert_eq!(books["lines"]["items"][0]["score"]["value"], 499);
    assert_eq!(codes(&books["lines"]["items"][0]["score"])[0], "R05");
    assert_eq!(books["lines"]["items"][1]["score"], Value::Null);
    let html = api.get("/").await?.text();
    for text in [
        "<strong>499</strong> of 850",
        "A human has to look before the next session.",
        "The decision is known of less than 95 of 100 settlements.",
        "at most 499",
    ] {
        assert!(html.contains(text), "the page does not show {text:?}");
    }
    Ok(())
}

async fn what_has_no_score_is_not_found(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (envelope, status) in [("1", 404), ("99", 404), ("0", 400), ("x", 400)] {
        let path = format!("/v1/envelopes/{}/{envelope}/score", treasury());
        assert_eq!(api.get(&path).await?.status, status, "envelope {envelope}");
    }
    assert!(api.items(&path("scores")).await?.is_empty());
    Ok(())
}
