//! Scores: as they stand, as they stood, and what they are for.

use bursar_indexer::{db::Query, query::scores};
use bursar_sdk::{
    amount::Amount,
    score::{Event, Standing, State},
    windows::{Window, index_at},
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api},
    seed::{NOW, treasury},
};

on_both_stores!(
    a_score_tells_its_reasons_and_what_it_is_computed_from,
    a_score_is_told_as_it_stood_at_a_height,
    a_score_that_nobody_reports_closes_the_gate,
    the_books_and_the_page_show_scores,
    what_has_no_score_is_not_found,
);

const WEEK: u32 = 604_800;

/// Envelope 1 after 30 payments of a tenth of its week's limit together, one every two minutes, each explained and
/// delivered; then a burst of ten without a word of why.
async fn scored(api: &Api) -> anyhow::Result<State> {
    let start = NOW - 7_200;
    let mut state = State::new(start);
    let limit = Amount::new(40_000_000);
    let week = Window { period: WEEK, limit, used: Amount::new(14_000_000), index: index_at(WEEK, start) };
    state.apply(start, &Event::Limits(&[week]));
    keep(api, 900, &state).await?;
    let standing = Standing::Known;
    for n in 0..30 {
        let settled_at = start + n * 120;
        let amount = Amount::new(133_333);
        state.apply(settled_at, &Event::Settled { amount, standing });
        state.apply(settled_at, &Event::Explained { settled_at, standing, latency: Some(2) });
        state.apply(settled_at, &Event::Delivered { settled_at, standing });
    }
    keep(api, 940, &state).await?;
    for n in 0..10 {
        state.apply(NOW - 3_000 + n, &Event::Settled { amount: Amount::new(100_000), standing });
    }
    keep(api, 990, &state).await?;
    Query::new("INSERT INTO score (treasury, envelope, at, value, state) VALUES ($1, 1, $2, $3, $4)")
        .bind(treasury())
        .bind(state.at())
        .bind(state.evaluate(state.at()).value)
        .bind(serde_json::to_string(&state)?)
        .execute(api.seeded.store.db())
        .await?;
    Ok(state)
}

async fn keep(api: &Api, block: u64, state: &State) -> anyhow::Result<()> {
    let evaluation = state.evaluate(state.at());
    Query::new(
        "INSERT INTO score_history (treasury, envelope, block_number, at, value, inputs, review) \
         VALUES ($1, 1, $2, $3, $4, $5, $6)",
    )
    .bind(treasury())
    .bind(block)
    .bind(evaluation.at)
    .bind(evaluation.value)
    .bind(serde_json::to_string(&evaluation.inputs)?)
    .bind(state.review(state.at()).map(|trigger| serde_json::to_string(&trigger)).transpose()?)
    .execute(api.seeded.store.db())
    .await?;
    Ok(())
}

fn path(rest: &str) -> String {
    format!("/v1/envelopes/{}/1/{rest}", treasury())
}

fn codes(score: &Value) -> Vec<&str> {
    score["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

async fn a_score_tells_its_reasons_and_what_it_is_computed_from(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let state = scored(&api).await?;
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
    scored(&api).await?;
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
    let mut state = scored(&api).await?;
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
    scored(&api).await?;
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
