//! One payment, one session, one envelope and its agent, as of a block or a time; and their pages.

use alloy::primitives::Address;
use bursar_indexer::db::{Db, Query};
use bursar_sdk::{payment::session_id, windows::index_at};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    audit::named,
    client::api,
    past::{hash, nonce},
    seed::{MIDNIGHT, agent, padded, payee, purse, time, treasury},
};

on_both_stores!(
    one_thing_is_told_as_it_was,
    a_session_has_what_it_had_paid,
    an_envelope_stands_as_its_treasury_had_said,
    a_payments_page_is_told_as_it_was,
    an_agents_page_is_told_as_it_was,
);

async fn one_thing_is_told_as_it_was(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let decision = &api.seeded.decisions[0];
    let path = format!("/v1/payments/{}/{}", purse(1), nonce(decision)?);
    for (query, status) in [("as_of=939", 404), ("as_of=940", 200), ("as_of=1000", 200)] {
        assert_eq!(api.get(&format!("{path}?{query}")).await?.status, status, "{query}");
    }
    let told = api.json(&format!("{path}?as_of=945")).await?;
    assert_eq!(told["asOf"]["height"], 945);
    assert_eq!((&told["asOf"]["blockNumber"], &told["asOf"]["blockHash"]), (&json!(940), &json!(hash(940))));
    assert_eq!(api.json(&path).await?.get("asOf"), None);
    // Its decision, from the second in which it came.
    let of_decision = format!("/v1/decisions/{}", decision.hash()?);
    let received = api.json(&of_decision).await?["receivedAt"].as_u64().unwrap();
    Query::new("UPDATE decision SET received_at = $1 WHERE hash = $2")
        .bind(time(940) + 5)
        .bind(decision.hash()?)
        .execute(api.seeded.store.db())
        .await?;
    assert!(received < time(940));
    for (at, explained, status) in [(time(940) + 4, false, 404), (time(940) + 5, true, 200)] {
        let told = api.json(&format!("{path}?as_of_time={at}")).await?;
        assert_eq!((&told["explained"], told["decision"].is_null()), (&json!(explained), !explained), "{at}");
        assert_eq!(told["asOf"]["recordsUntil"], at);
        assert_eq!(api.get(&format!("{of_decision}?as_of_time={at}")).await?.status, status, "{at}");
    }
    // A policy, from its block on.
    let path = format!("/v1/policies/{}/1/2", treasury());
    for (height, status) in [(21, 404), (22, 200)] {
        assert_eq!(api.get(&format!("{path}?as_of={height}")).await?.status, status, "{height}");
    }
    assert_eq!(
        api.items(&format!("/v1/policies?treasury={}&envelope=1&as_of=21", treasury())).await?.len(),
        1
    );
    Ok(())
}

async fn a_session_has_what_it_had_paid(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (number, policy_version) in [(1, 2), (2, 1), (3, 1)] {
        let it = After {
            number,
            block: 10,
            agent: agent(number),
            frozen: false,
            permit2: false,
            policy_version,
            funded: 0,
            drawn: 0,
            paid: (0, 0),
        };
        after(api.seeded.store.db(), it).await?;
    }
    let path = format!("/v1/sessions/{}", session_id(purse(1), 2));
    assert_eq!(api.get(&format!("{path}?as_of=199")).await?.status, 404);
    for (height, paid, payments) in [(930, "0", 0), (940, "50000", 1), (960, "300000", 3), (970, "300000", 3)]
    {
        let told = api.json(&format!("{path}?as_of={height}")).await?;
        assert_eq!((&told["paid"], &told["payments"]), (&json!(paid), &json!(payments)), "{height}");
        assert_eq!((&told["asOf"]["height"], &told["state"]), (&json!(height), &json!("open")));
    }
    // One that closed is open before.
    for (at, state, returned) in
        [(MIDNIGHT + 1_799, "open", Value::Null), (MIDNIGHT + 1_999, "expired", Value::Null)]
    {
        block(api.seeded.store.db(), (at - MIDNIGHT) / 10, at).await?;
        let told = api.json(&format!("/v1/sessions/{}?as_of_time={at}", session_id(purse(1), 1))).await?;
        assert_eq!((&told["state"], &told["returned"]), (&json!(state), &returned), "{at}");
        let of = format!("/v1/sessions?treasury={}&envelope=1&as_of_time={at}", treasury());
        assert_eq!(api.items(&format!("{of}&state={state}")).await?.len(), 1, "{at}");
        assert_eq!(api.items(&format!("{of}&state=closed")).await?.len(), 0, "{at}");
    }
    let page = api.json(&format!("/v1/sessions?treasury={}&as_of=930&limit=4", treasury())).await?;
    assert_eq!(
        (&page["asOf"]["blockNumber"], page["items"].as_array().map(Vec::len)),
        (&json!(930), Some(4))
    );
    let next = page["next"].as_str().unwrap();
    let rest = format!("/v1/sessions?treasury={}&as_of=930&limit=4&cursor={next}", treasury());
    assert_eq!(api.items(&rest).await?.len(), 2);
    assert_eq!(api.items("/v1/sessions?as_of=930&state=closed").await?.len(), 3);
    Ok(())
}

async fn block(db: &Db, number: u64, at: u64) -> anyhow::Result<()> {
    Query::new("INSERT INTO block (number, hash, timestamp) VALUES ($1, $2, $3)")
        .bind(number)
        .bind(hash(number))
        .bind(at)
        .execute(db)
        .await?;
    Ok(())
}

/// How an envelope stood after a block.
#[derive(Clone, Copy)]
struct After {
    number: u32,
    block: u64,
    agent: Address,
    frozen: bool,
    permit2: bool,
    policy_version: u64,
    funded: u64,
    drawn: u64,
    paid: (u64, u64),
}

async fn after(db: &Db, it: After) -> anyhow::Result<()> {
    Query::new(
        "INSERT INTO envelope_then (treasury, number, block_number, agent, group_number, permit2, frozen, under_review, \
         policy_version, score_life, score, scored_at, funded, withdrawn, drawn, returned, donated, paid, payments) \
         VALUES ($1, $2, $3, $4, 0, $5, $6, FALSE, $7, 0, 0, 0, $8, $9, $10, $9, $9, $11, $12)",
    )
    .bind(treasury())
    .bind(it.number)
    .bind(it.block)
    .bind(it.agent)
    .bind(it.permit2)
    .bind(it.frozen)
    .bind(it.policy_version)
    .bind(padded(it.funded))
    .bind(padded(0))
    .bind(padded(it.drawn))
    .bind(padded(it.paid.0))
    .bind(it.paid.1)
    .execute(db)
    .await?;
    Ok(())
}

/// What became of the first envelope.
async fn told(db: &Db) -> anyhow::Result<()> {
    Query::new("UPDATE envelope SET created_block = 10").execute(db).await?;
    let first = After {
        number: 1,
        block: 10,
        agent: agent(9),
        frozen: false,
        permit2: false,
        policy_version: 1,
        funded: 20_000_000,
        drawn: 0,
        paid: (0, 0),
    };
    let drawn = After { block: 930, drawn: 6_000_000, ..first };
    let frozen = After { block: 940, frozen: true, paid: (50_000, 1), ..drawn };
    let topped_up =
        After { block: 950, frozen: false, permit2: true, funded: 25_000_000, paid: (150_000, 2), ..frozen };
    let handed_on = After { block: 960, agent: agent(1), paid: (300_000, 3), ..topped_up };
    for it in [first, drawn, frozen, topped_up, handed_on] {
        after(db, it).await?;
    }
    for (block, agent) in [(10u64, agent(9)), (960, agent(1))] {
        let sql = "INSERT INTO agent_then (treasury, number, block_number, agent) VALUES ($1, 1, $2, $3)";
        Query::new(sql).bind(treasury()).bind(block).bind(agent).execute(db).await?;
    }
    for (block, used) in [(10u64, "0"), (930, "6000000")] {
        let limit = |period: u32, limit: &str| json!({ "period": period, "limit": limit, "used": used, "index": index_at(period, time(block)) });
        let uses = json!([limit(86_400, "10000000"), limit(0, "500000000")]);
        let sql = "INSERT INTO limits_then (treasury, number, block_number, uses) VALUES ($1, 1, $2, $3)";
        Query::new(sql).bind(treasury()).bind(block).bind(uses.to_string()).execute(db).await?;
    }
    let sql =
        "INSERT INTO payee_then (treasury, list, payee, block_number, listed) VALUES ($1, 1, $2, 10, TRUE)";
    Query::new(sql).bind(treasury()).bind(payee(1)).execute(db).await?;
    let sql =
        "INSERT INTO treasury_then (treasury, block_number, frozen, stamp_epoch) VALUES ($1, 970, TRUE, 0)";
    Query::new(sql).bind(treasury()).execute(db).await?;
    Ok(())
}

async fn an_envelope_stands_as_its_treasury_had_said(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    told(api.seeded.store.db()).await?;
    let path = format!("/v1/envelopes/{}/1", treasury());
    assert_eq!(api.get(&format!("{path}?as_of=10")).await?.status, 200);
    for (height, state, funded, escrow, in_purses, used) in [
        (10, "active", "20000000", "20000000", "0", "0"),
        (930, "active", "20000000", "14000000", "6000000", "6000000"),
        (940, "frozen", "20000000", "14000000", "5950000", "6000000"),
        (950, "active", "25000000", "19000000", "5850000", "6000000"),
        (970, "frozen", "25000000", "19000000", "5700000", "6000000"),
    ] {
        let told = api.json(&format!("{path}?as_of={height}")).await?;
        let of = |names: [&str; 2]| told[names[0]][names[1]].clone();
        assert_eq!((&told["state"], &told["permit2"]), (&json!(state), &json!(height >= 950)), "{height}");
        assert_eq!(of(["totals", "funded"]), funded, "{height}");
        assert_eq!(
            (of(["balance", "escrow"]), of(["balance", "inPurses"])),
            (escrow.into(), in_purses.into())
        );
        assert_eq!(
            (&told["headroom"][0]["used"], &told["headroom"][1]["used"]),
            (&json!(used), &json!(used))
        );
        assert_eq!((&told["policyVersion"], &told["asOf"]["height"]), (&json!(1), &json!(height)));
    }
    for (height, state, found) in
        [(930, "active", 1), (940, "active", 0), (940, "frozen", 1), (970, "frozen", 1)]
    {
        let page = api.json(&format!("/v1/envelopes?state={state}&as_of={height}")).await?;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(found), "{height} {state}");
        assert_eq!(page["asOf"]["height"], height);
    }
    // Whose it was then, and is not any more.
    for (height, whose) in [(950, 9), (960, 1)] {
        let told = api.json(&format!("/v1/agents/{}?as_of={height}", agent(whose))).await?;
        assert_eq!((&told["envelopes"][0]["number"], &told["asOf"]["height"]), (&json!(1), &json!(height)));
        let other = api.get(&format!("/v1/agents/{}?as_of={height}", agent(10 - whose))).await?;
        assert_eq!(other.status, 404, "{height}");
        let page = api.json(&format!("/v1/agents?as_of={height}")).await?;
        assert_eq!(
            (&page["items"][0]["address"], page["items"].as_array().map(Vec::len)),
            (&json!(agent(whose).to_checksum(None)), Some(1))
        );
        let sessions = api.items(&format!("/v1/sessions?agent={}&as_of={height}", agent(whose))).await?;
        assert_eq!(sessions.len(), 2, "{height}");
    }
    Ok(())
}

async fn a_payments_page_is_told_as_it_was(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    told(api.seeded.store.db()).await?;
    let decision = &api.seeded.decisions[0];
    let path = format!("/payments/{}/{:#x}", purse(1).to_checksum(None), nonce(decision)?);
    let today = api.get(&path).await?.text();
    assert!(!today.contains("not today") && today.contains("verify.js"), "today's page says that it is not");
    let html = api.get(&format!("{path}?as_of=945")).await?.text();
    let session = format!("/v1/sessions/{:#x}?as_of=945", session_id(purse(1), 2));
    let envelope = format!("/envelopes/{}/1?as_of=945", treasury().to_checksum(None));
    for shown in [
        "block 940: not today",
        "on it then",
        "The envelope had 19.95 USDC then",
        &session,
        &envelope,
        &format!("/v1{path}?as_of=945"),
        &format!("/v1/decisions/{:#x}?as_of=945", decision.hash()?),
        "/audit/payments?as_of=945",
        &format!(r#"<a href="{path}">Today"#),
    ] {
        assert!(html.contains(shown), "the page does not show {shown:?}:\n{html}");
    }
    assert!(!html.contains("verify.js"), "what came later is verified, too");
    let missing = api.get(&format!("{path}?as_of=939")).await?;
    assert_eq!(missing.status, 404);
    for wrong in ["as_of=1001", "as_of=soon", "as_of=945&as_of_time=1"] {
        assert_eq!(api.get(&format!("{path}?{wrong}")).await?.status, 400, "{wrong}");
    }
    Ok(())
}

async fn an_agents_page_is_told_as_it_was(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    told(api.seeded.store.db()).await?;
    let path = format!("/envelopes/{}/1", treasury().to_checksum(None));
    let today = api.get(&path).await?.text();
    assert!(!today.contains("not today") && today.contains("data-act="), "today's page says that it is not");
    let html = api.get(&format!("{path}?as_of=940")).await?.text();
    for shown in [
        "block 940: not today",
        r#"<span class="badge stop">Frozen</span>"#,
        "14.00 USDC in escrow, 5.95 USDC in purses",
        "6.00 USDC</strong> of 10.00 USDC",
        "1 payment</a>",
        &format!("/v1/sessions/{:#x}?as_of=940", session_id(purse(1), 2)),
        &format!("/audit/payments?treasury={}&#38;envelope=1&#38;as_of=940", treasury().to_checksum(None)),
        &format!(r#"<a href="{path}">Today"#),
    ] {
        assert!(html.contains(shown), "the page does not show {shown:?}:\n{html}");
    }
    for absent in ["data-act=", "actions.js", "live.js"] {
        assert!(!html.contains(absent), "{absent} is there to act on the past");
    }
    let html = api.get(&format!("{path}?as_of=960")).await?.text();
    assert!(html.contains("3 payments</a>"), "{html}");
    assert_eq!(api.get(&format!("{path}?as_of=9")).await?.status, 400);
    assert_eq!(api.get(&format!("/envelopes/{}/2?as_of=960", treasury())).await?.status, 404);
    Ok(())
}
