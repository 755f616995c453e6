//! One payment, one session, one envelope and its agent, as of a block or a time; and their pages.

use alloy::primitives::B256;
use bursar_indexer::db::{Db, Query};
use bursar_sdk::payment::session_id;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    audit::named,
    client::api,
    past::{hash, nonce},
    seed::{MIDNIGHT, NOW, agent, payee, policy_hash, purse, time, token, treasury},
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
    let path = format!("/v1/sessions/{}", session_id(purse(1), 2));
    assert_eq!(api.get(&format!("{path}?as_of=929")).await?.status, 404);
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

/// What a treasury said of an envelope in a block that is kept.
async fn said(
    db: &Db,
    place: (u64, u64),
    envelope: Option<u32>,
    kind: &str,
    args: Value,
) -> anyhow::Result<()> {
    Query::new(
        "INSERT INTO event (block_number, log_index, block_hash, tx_hash, address, treasury, envelope, kind, args) \
         VALUES ($1, $2, $3, $3, $4, $4, $5, $6, $7)",
    )
    .bind(place.0)
    .bind(place.1)
    .bind(hash(place.0))
    .bind(treasury())
    .bind(envelope)
    .bind(kind)
    .bind(args.to_string())
    .execute(db)
    .await?;
    Ok(())
}

/// What became of the first envelope, as its treasury says it.
async fn told(db: &Db) -> anyhow::Result<()> {
    let (by, first) = (treasury(), Some(1));
    let policy = json!({
        "paymentCap": "5000000", "approvalThreshold": "2000000", "sessionLimit": "6000000", "payeeList": 1,
        "maxSessionSeconds": 86_400, "lifetimeLimit": "500000000", "policyHash": policy_hash(1),
        "windows": [{ "period": 86_400, "limit": "10000000" }],
    });
    let opened = json!({
        "purse": purse(1), "sequence": 2, "key": by, "budget": "6000000", "expiry": NOW, "policyVersion": 1,
        "scope": { "paymentCap": "0", "approvalThreshold": "0", "payeeList": 0 }, "stampHash": B256::ZERO,
    });
    for (log, (block, envelope, kind, args)) in [
        (10, first, "envelope_created", json!({ "agent": agent(9), "asset": token(), "by": by })),
        (10, first, "policy_set", json!({ "version": 1, "policy": policy, "by": by })),
        (10, first, "topped_up", json!({ "from": by, "amount": "20000000" })),
        (10, None, "payee_listed", json!({ "list": 1, "payee": payee(1) })),
        (930, first, "session_opened", opened),
        (940, first, "envelope_frozen", json!({ "by": by })),
        (950, first, "envelope_unfrozen", json!({ "by": by })),
        (950, first, "topped_up", json!({ "from": by, "amount": "5000000" })),
        (950, first, "permit2_set", json!({ "on": true, "by": by })),
        (960, first, "agent_set", json!({ "agent": agent(1), "by": by })),
        (970, None, "organisation_frozen", json!({ "by": by })),
    ]
    .into_iter()
    .enumerate()
    {
        said(db, (block, 10 + log as u64), envelope, kind, args).await?;
    }
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
